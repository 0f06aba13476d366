/**
 * Responses with a completion window or of the flex tier, by their latest start, until they are promoted or over. So promoting them costs
 * what is due, however many wait. Those that are being run stay in it: one that is handed over, or goes back to the queue
 * for its provider, must come back in the class that it has by then.
 */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export class WindowedResponses {
  readonly #redis: RedisClient;
  readonly #key: string;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#key = layout.windowed;
  }

  async add(id: string, latestStartMs: number): Promise<void> {
    await this.#redis.zadd(this.#key, latestStartMs, id);
  }

  /** Up to `count` ids whose latest start has come, the earliest first, from place `offset`. */
  async listDue(nowMs: number, offset: number, count: number): Promise<string[]> {
    return await this.#redis.zrangebyscore(this.#key, "-inf", nowMs, "LIMIT", offset, count);
  }

  async remove(id: string): Promise<void> {
    await this.#redis.zrem(this.#key, id);
  }
}
