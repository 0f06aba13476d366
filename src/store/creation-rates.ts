/** Counts the responses that each project creates per minute, in Redis, for all API processes together. */
import { RateLimiterRedis } from "rate-limiter-flexible";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export class CreationRates {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  openLimiter(points: number, durationSeconds: number): RateLimiterRedis {
    const keyPrefix = this.#layout.rateLimit;
    return new RateLimiterRedis({ storeClient: this.#redis, keyPrefix, points, duration: durationSeconds });
  }
}
