/**
 * Responses a project may create per minute, counted in Redis across all API processes (contract.md#overload). Only new
 * responses count. Polling, resuming, replays and rejected requests are free: if rejected requests counted, a client's
 * mistakes would lock it out. The body limit and the proxy in front bound a flood of them.
 */
import type { Logger } from "pino";
import { type RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { tooManyRequests } from "../../lifecycle/errors/limits.ts";
import type { CreationRates } from "../../store/creation-rates.ts";
import type { RateLimitPermit } from "./rate-limit-permit.ts";

const WINDOW_SECONDS = 60;

export interface RateLimitState {
  limit: number;
  remaining: number;
  resetSeconds: number;
}

export class RateLimiter {
  readonly #limiter: RateLimiterRedis | undefined;
  readonly #logger: Logger;

  /** `perMinute`: 0 = unlimited. */
  constructor(rates: CreationRates, logger: Logger, perMinute: number) {
    this.#limiter = perMinute === 0 ? undefined : rates.openLimiter(perMinute, WINDOW_SECONDS);
    this.#logger = logger;
  }

  /** Undefined if requests are unlimited. */
  createPermit(project: string): ProjectPermit | undefined {
    return this.#limiter && new ProjectPermit(this.#limiter, project, this.#logger);
  }
}

/** One request's permit. It remembers the state that Redis last reported, for the answer's headers. */
export class ProjectPermit implements RateLimitPermit {
  state: RateLimitState | undefined;
  readonly #limiter: RateLimiterRedis;
  readonly #project: string;
  readonly #logger: Logger;

  constructor(limiter: RateLimiterRedis, project: string, logger: Logger) {
    this.#limiter = limiter;
    this.#project = project;
    this.#logger = logger;
  }

  readonly acquire = async (): Promise<void> => {
    const count = await this.#limiter.consume(this.#project).catch((error: unknown) => {
      // The library rejects with the count when no points are left, and with an Error when Redis fails.
      if (error instanceof RateLimiterRes) return error;
      throw error;
    });
    this.state = this.#toState(count);
    if (count.consumedPoints > this.#limiter.points) {
      throw tooManyRequests(this.#limiter.points, this.state.resetSeconds);
    }
  };

  readonly release = async (): Promise<void> => await this.#updateState(this.#limiter.reward(this.#project));

  /** Asks Redis, unless the state is known. Never throws. */
  async readState(): Promise<void> {
    if (this.state === undefined) await this.#updateState(this.#limiter.get(this.#project));
  }

  /** The answer is valid without these headers, so an error of Redis is only logged. */
  async #updateState(asked: Promise<RateLimiterRes | null>): Promise<void> {
    try {
      this.state = this.#toState(await asked);
    } catch (err) {
      this.#logger.warn({ err, project: this.#project }, "Could not read the rate limit");
    }
  }

  #toState(count: RateLimiterRes | null): RateLimitState {
    return {
      limit: this.#limiter.points,
      remaining: Math.max(0, this.#limiter.points - (count?.consumedPoints ?? 0)),
      resetSeconds: Math.max(1, Math.ceil((count?.msBeforeNext ?? WINDOW_SECONDS * 1000) / 1000)),
    };
  }
}
