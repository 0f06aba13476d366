/** Each request's permit to create a response, and the headers that report what remains (contract.md#overload). */
import type { ErrorRequestHandler, RequestHandler, Response as HttpResponse } from "express";
import { ApiError } from "../../lifecycle/errors/api-error.ts";
import type { ProjectPermit, RateLimiter } from "../../responses/admission/rate-limiter.ts";

declare global {
  // Express's own way to type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** On the routes that create responses; undefined if requests are unlimited. */
      rateLimitPermit?: ProjectPermit | undefined;
    }
  }
}

interface RateLimitMiddleware {
  attachPermit: RequestHandler;
  /** Sets the rate limit headers on errors, too. */
  reportOnError: ErrorRequestHandler;
}

export function limitRequests(limiter: RateLimiter): RateLimitMiddleware {
  return {
    attachPermit: (_request, response, next) => {
      response.locals.rateLimitPermit = limiter.createPermit(response.locals.project);
      next();
    },
    reportOnError: async (error: unknown, _request, response, next) => {
      // After an error of this server, Redis may be overloaded or unavailable: ask it nothing more.
      if (error instanceof ApiError && error.status < 500) await response.locals.rateLimitPermit?.readState();
      setRateLimitHeaders(response);
      next(error);
    },
  };
}

/** Sets the headers if the permit knows its state. */
export function setRateLimitHeaders(response: HttpResponse): void {
  const state = response.locals.rateLimitPermit?.state;
  if (state === undefined || response.headersSent) return;
  response.set({
    "x-ratelimit-limit-requests": String(state.limit),
    "x-ratelimit-remaining-requests": String(state.remaining),
    "x-ratelimit-reset-requests": `${state.resetSeconds}s`,
  });
}
