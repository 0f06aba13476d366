/** The set of responses that have not ended. An id enters before its record exists, so that no crash can hide it. */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

const COUNT_REUSE_MS = 100;

export class OpenResponses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  #counted = { atMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async add(id: string, acceptedAtMs: number): Promise<void> {
    await this.#redis.zadd(this.#layout.open, acceptedAtMs, id);
  }

  async remove(id: string): Promise<void> {
    await this.#redis.zrem(this.#layout.open, id);
  }

  /** Ids from the oldest, `count` from place `offset`. */
  async list(offset: number, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.open, String(offset), String(offset + count - 1));
  }

  /** When the id entered, in unix milliseconds; undefined if it is not there. */
  async acceptedAtMs(id: string): Promise<number | undefined> {
    const score = await this.#redis.zscore(this.#layout.open, id);
    return score === null ? undefined : Number(score);
  }

  /** Counted at most once in 100 ms: the bound it serves is a brake, not an account. */
  async count(nowMs: number): Promise<number> {
    if (nowMs - this.#counted.atMs > COUNT_REUSE_MS) {
      this.#counted = { atMs: nowMs, count: await this.#redis.zcard(this.#layout.open) };
    }
    return this.#counted.count;
  }
}
