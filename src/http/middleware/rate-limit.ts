/** The headers that report what a project may still create in this minute (contract.md#overload). */
import type { ErrorRequestHandler, RequestHandler, Response as HttpResponse } from "express";
import type { Logger } from "pino";
import type { Config } from "../../config/config.ts";
import { ApiError } from "../../lifecycle/errors/api-error.ts";
import type { AdmissionLimits } from "../../responses/admission/admission-limits.ts";
import type { Storage } from "../../responses/storage.ts";
import type { RequestRateState } from "../../responses/admission/add-in-flight.ts";

declare global {
  // Express's own way to type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** On the routes that create responses. */
      rate?: RequestRateState;
    }
  }
}

interface RateContext {
  config: Pick<Config, "adminKeys">;
  limits: Pick<AdmissionLimits, "maxRequestsPerMinute">;
  logger: Logger;
  storage: Pick<Storage, "projectLimits">;
}

/** Only new responses count. Polling, resuming, replays and rejected requests are free: if rejected requests counted, a
 * client's mistakes would lock it out. The body limit and the proxy in front bound a flood of them. */
export const attachRate: RequestHandler = (_request, response, next) => {
  response.locals.rate = {};
  next();
};

/** Sets the rate limit headers on errors, too. */
export function reportRateOnError(context: RateContext): ErrorRequestHandler {
  return async (error: unknown, _request, response, next) => {
    // After an error of this server, Redis may be overloaded or unavailable: ask it nothing more.
    if (error instanceof ApiError && error.status < 500) await readRequestRate(context, response);
    setRateLimitHeaders(response);
    next(error);
  };
}

/** Asks Redis, unless the rate is known or no project can have a limit. Never throws: an answer is valid without it. */
export async function readRequestRate(
  { config, limits, logger, storage }: RateContext,
  response: HttpResponse,
): Promise<void> {
  const { project, rate } = response.locals;
  if (rate === undefined || rate.state !== undefined) return;
  if (limits.maxRequestsPerMinute === 0 && config.adminKeys.length === 0) return;
  try {
    rate.state = await storage.projectLimits.readRequestRate(project, limits.maxRequestsPerMinute);
  } catch (err) {
    logger.warn({ err, project }, "Could not read the rate limit");
  }
}

/** Sets the headers if the rate is known. */
export function setRateLimitHeaders(response: HttpResponse): void {
  const state = response.locals.rate?.state;
  if (state === undefined || response.headersSent) return;
  response.set({
    "x-ratelimit-limit-requests": String(state.limit),
    "x-ratelimit-remaining-requests": String(state.remaining),
    "x-ratelimit-reset-requests": `${state.resetSeconds}s`,
  });
}
