/**
 * The time that all processes share: Redis's. Deadlines, windows and everything else that one process writes and another
 * compares with now are in it, so a machine whose clock is wrong decides as all others do. A process measures how far its
 * monotonic clock is from Redis's time, and again every few seconds: reading the time costs no command, and a step of the
 * machine's own clock changes nothing.
 */
import type { Logger } from "pino";
import { defineScript, type RedisClient } from "./script.ts";

/** What reads the time: unix milliseconds. */
export interface Clock {
  nowMs: () => number;
}

const MEASURE_INTERVAL_MS = 10_000;
/** Half of it is the greatest error. A process that was held up takes the next measurement. */
const LONGEST_ROUND_TRIP_MS = 1_000;
/** A machine whose own clock differs by more is reported. */
const TOLERATED_SKEW_MS = 60_000;

/*
 * KEYS  any: in Redis Cluster the same node answers each time
 * Returns {seconds, microseconds}
 */
const timeScript = defineScript<[string, string]>("readRedisTime", 1, "return redis.call('TIME')");

export class RedisClock implements Clock, Disposable {
  readonly #redis: RedisClient;
  readonly #key: string;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  /** Redis's time less this process's monotonic time. */
  #offsetMs: number | undefined;
  #isSkewed = false;

  private constructor(redis: RedisClient, key: string, logger: Logger) {
    this.#redis = redis;
    this.#key = key;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.#measureAgain(), MEASURE_INTERVAL_MS).unref();
  }

  /** Resolves once the time is known. `key` says in Redis Cluster whose time it is. */
  static async start(redis: RedisClient, key: string, logger: Logger): Promise<RedisClock> {
    const clock = new RedisClock(redis, key, logger);
    try {
      await clock.#measure();
    } catch (error) {
      clock[Symbol.dispose]();
      throw error;
    }
    return clock;
  }

  nowMs = (): number => Math.floor(performance.now() + this.#offsetMs!);

  async #measure(): Promise<void> {
    const sentMs = performance.now();
    const [seconds, microseconds] = await timeScript(this.#redis, this.#key);
    const receivedMs = performance.now();
    if (this.#offsetMs !== undefined && receivedMs - sentMs > LONGEST_ROUND_TRIP_MS) return;
    this.#offsetMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (sentMs + receivedMs) / 2;
    this.#reportSkew(Date.now() - this.nowMs());
  }

  async #measureAgain(): Promise<void> {
    try {
      await this.#measure();
    } catch (err) {
      this.#logger.debug({ err }, "Could not read Redis's time; the last measurement stays");
    }
  }

  /** Once when it begins and once when it is over. */
  #reportSkew(skewMs: number): void {
    const isSkewed = Math.abs(skewMs) > TOLERATED_SKEW_MS;
    if (isSkewed === this.#isSkewed) return;
    this.#isSkewed = isSkewed;
    if (isSkewed) {
      this.#logger.warn({ skewMs }, "This machine's clock differs from Redis's; deadlines follow Redis's");
    } else {
      this.#logger.info({ skewMs }, "This machine's clock agrees with Redis's again");
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
