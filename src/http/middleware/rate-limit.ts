/**
 * How many responses a project may create in a minute, counted in Redis for all API processes together (contract.md#overload:
 * 429, `Retry-After`, `x-ratelimit-*`). Only what becomes a response is counted: reading, polling and resuming cost no
 * tokens, and neither do replays and refused requests. A flood of those is bounded by the size of bodies and by what the
 * proxy in front allows; to count them here would let a client's own mistakes lock it out of what it may create.
 */
import type { ErrorRequestHandler, RequestHandler, Response as HttpResponse } from "express";
import type { Logger } from "pino";
import { type RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { ApiError } from "../../lifecycle/errors/api-error.ts";
import { tooManyRequests } from "../../lifecycle/errors/limits.ts";
import type { RateLimitPermit } from "../../responses/admission/rate-limit-permit.ts";
import type { CreationRates } from "../../store/creation-rates.ts";

const WINDOW_SECONDS = 60;

interface ReportedPermit extends RateLimitPermit {
  /** Tells on the answer what is left, if nothing was taken for it. Never throws. */
  report: () => Promise<void>;
}

declare global {
  // How Express lets an application type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** Of the request's project, on the routes that create responses. */
      rateLimitPermit: ReportedPermit;
    }
  }
}

interface RequestLimit {
  /** Gives the request its allowance. */
  attachPermit: RequestHandler;
  /** Tells on a refusal, too, what is left. */
  reportOnError: ErrorRequestHandler;
}

export function limitRequests(rates: CreationRates, logger: Logger, perMinute: number): RequestLimit {
  const limiter = perMinute === 0 ? undefined : rates.openLimiter(perMinute, WINDOW_SECONDS);
  return {
    attachPermit: (_request, response, next) => {
      response.locals.rateLimitPermit =
        limiter === undefined ? UNLIMITED_PERMIT : createPermit(limiter, response, logger);
      next();
    },
    reportOnError: async (error: unknown, _request, response, next) => {
      // A fault of this server's is no time to ask Redis once more.
      if (error instanceof ApiError && error.status < 500) await response.locals.rateLimitPermit.report();
      next(error);
    },
  };
}

const doNothing = async (): Promise<void> => {};
const UNLIMITED_PERMIT: ReportedPermit = { acquire: doNothing, release: doNothing, report: doNothing };

function createPermit(limiter: RateLimiterRedis, response: HttpResponse, logger: Logger): ReportedPermit {
  const { project } = response.locals;
  let isReported = false;
  const setHeaders = (count: RateLimiterRes | null): void => {
    isReported = true;
    if (response.headersSent) return;
    response.set({
      "x-ratelimit-limit-requests": String(limiter.points),
      "x-ratelimit-remaining-requests": String(Math.max(0, limiter.points - (count?.consumedPoints ?? 0))),
      "x-ratelimit-reset-requests": `${resetSeconds(count)}s`,
    });
  };
  /** The answer is the same without the count. */
  const trySetHeaders = async (ask: Promise<RateLimiterRes | null>): Promise<void> => {
    try {
      setHeaders(await ask);
    } catch (err) {
      logger.warn({ err, project }, "Could not tell what is left of the rate limit");
    }
  };
  return {
    acquire: async () => {
      const count = await limiter.consume(project).catch((error: unknown) => {
        // The library rejects with the count when there are no points left, and with an error when there is one.
        if (error instanceof RateLimiterRes) return error;
        throw error;
      });
      setHeaders(count);
      if (count.consumedPoints > limiter.points) throw tooManyRequests(limiter.points, resetSeconds(count));
    },
    release: async () => await trySetHeaders(limiter.reward(project)),
    report: async () => {
      if (!isReported) await trySetHeaders(limiter.get(project));
    },
  };
}

function resetSeconds(count: RateLimiterRes | null): number {
  return Math.max(1, Math.ceil((count?.msBeforeNext ?? WINDOW_SECONDS * 1000) / 1000));
}
