/**
 * How many responses a project may create in a minute, counted in Redis for all API processes together (contract 03 §3.4:
 * 429, `Retry-After`, `x-ratelimit-*`). Reading, polling and resuming are not counted: they cost no tokens.
 */
import type { RequestHandler } from "express";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";
import { tooManyRequests } from "../lifecycle/errors/limits.ts";
import type { RedisClient } from "../redis/script.ts";

const WINDOW_SECONDS = 60;

export function limitRequests(redis: RedisClient, keyPrefix: string, perMinute: number): RequestHandler {
  if (perMinute === 0) return (_request, _response, next) => next();
  const limiter = new RateLimiterRedis({ storeClient: redis, keyPrefix, points: perMinute, duration: WINDOW_SECONDS });
  return async (_request, response, next) => {
    const count = await limiter.consume(response.locals.project).catch((error: unknown) => {
      // The library rejects with the count when there are no points left, and with an error when there is one.
      if (error instanceof RateLimiterRes) return error;
      throw error;
    });
    const isOver = count.consumedPoints > perMinute;
    const resetSeconds = Math.max(1, Math.ceil(count.msBeforeNext / 1000));
    response.set({
      "x-ratelimit-limit-requests": String(perMinute),
      "x-ratelimit-remaining-requests": String(Math.max(0, perMinute - count.consumedPoints)),
      "x-ratelimit-reset-requests": `${resetSeconds}s`,
    });
    if (isOver) throw tooManyRequests(perMinute, resetSeconds);
    next();
  };
}
