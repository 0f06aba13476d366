/**
 * Redis's clock, which all processes share. Every time that one process writes and another compares with now
 * (deadlines, windows) uses it, so a machine with a wrong clock decides like all others. A process measures the offset
 * between its monotonic clock and Redis's clock every few seconds: reading the time then costs no command, and a step
 * of the machine's clock changes nothing.
 */
import type { Logger } from "pino";
import { defineScript, type RedisClient } from "./script.ts";

/** A clock in Unix milliseconds. */
export interface Clock {
  nowMs: () => number;
}

const MEASURE_INTERVAL_MS = 10_000;
/** Half of the round trip is the maximum error. A process that was delayed uses the next measurement. */
const LONGEST_ROUND_TRIP_MS = 1_000;
/** A larger skew of the machine's own clock is logged. */
const TOLERATED_SKEW_MS = 60_000;

/*
 * KEYS  any: in Redis Cluster it selects the node
 * Returns {seconds, microseconds}
 */
const timeScript = defineScript<[string, string]>("readRedisTime", 1, "return redis.call('TIME')");

export class RedisClock implements Clock, Disposable {
  readonly #redis: RedisClient;
  readonly #key: string;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  /** Redis's time minus this process's monotonic time. */
  #offsetMs: number | undefined;
  #isSkewed = false;

  private constructor(redis: RedisClient, key: string, logger: Logger) {
    this.#redis = redis;
    this.#key = key;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.#measureAgain(), MEASURE_INTERVAL_MS).unref();
  }

  /** Resolves once the time is known. In Redis Cluster `key` selects the node whose time counts. */
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

  /** How far this machine's clock is ahead of Redis's. */
  skewMs = (): number => Date.now() - this.nowMs();

  /** Undefined if the clocks agree. */
  describeSkew = (): string | undefined => {
    const skewMs = this.skewMs();
    if (Math.abs(skewMs) <= TOLERATED_SKEW_MS) return undefined;
    const seconds = Math.round(Math.abs(skewMs) / 1_000);
    return `This machine's clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} Redis's: set both by NTP.`;
  };

  async #measure(): Promise<void> {
    const sentMs = performance.now();
    const [seconds, microseconds] = await timeScript(this.#redis, this.#key);
    const receivedMs = performance.now();
    if (this.#offsetMs !== undefined && receivedMs - sentMs > LONGEST_ROUND_TRIP_MS) return;
    this.#offsetMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (sentMs + receivedMs) / 2;
    this.#reportSkew(this.skewMs());
  }

  async #measureAgain(): Promise<void> {
    try {
      await this.#measure();
    } catch (err) {
      this.#logger.debug({ err }, "Could not read Redis's time; keeping the last measurement");
    }
  }

  /** Logs when the skew starts and when it ends. */
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
