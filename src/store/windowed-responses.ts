/**
 * Responses with a completion window or of the flex tier, by latest start, until they are promoted or have ended. The
 * sweeper reads only those that are due. Running responses stay in the set: one that returns to the queue after a hand-over
 * or a provider's rate limit must still be promoted in time.
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

  /** Up to `count` ids that are due, earliest first, from position `offset`. */
  async listDue(nowMs: number, offset: number, count: number): Promise<string[]> {
    return await this.#redis.zrangebyscore(this.#key, "-inf", nowMs, "LIMIT", offset, count);
  }

  async remove(id: string): Promise<void> {
    await this.#redis.zrem(this.#key, id);
  }
}
