/** Temporary limits, with the time to retry. */
import { ApiError } from "./api-error.ts";

/** contract.md#overload: rejected before an id is issued. */
export function queueFull(retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: "Too many responses are waiting or running. Please retry later.",
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The project has reached its maximum of responses in flight. */
export function projectFull(bound: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${bound} responses that are queued or in progress. Please retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The project has reached its maximum of open event streams. */
export function streamsFull(bound: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${bound} open event streams. Please close some, or retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The project has reached its storage quota. Waiting alone does not help, so official clients do not retry. */
export function storageFull(bound: number, kept: number, needed: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Storage limit reached: this project keeps ${kept} of ${bound} bytes, and this request needs ${needed} more. Delete responses, conversations, containers or files, or wait until some expire.`,
    type: "insufficient_quota",
    code: "insufficient_quota",
    headers: { "x-should-retry": "false" },
  });
}

export function tooManyRequests(perMinute: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${perMinute} requests a minute. Please retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

export function tooManyTokens(perMinute: number, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: ${perMinute} tokens a minute. Please retry in ${retryAfterSeconds} s.`,
    type: "tokens",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** Too many tests of webhook endpoints wait for their receivers. */
export function webhookTestsFull(retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Rate limit reached: too many webhook tests at a time. Please retry in ${retryAfterSeconds} s.`,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

/** The project has spent its limit of this month. Waiting for seconds does not help, so official clients do not retry. */
export function spendLimitReached(cents: number): ApiError {
  return new ApiError({
    status: 429,
    message: `You exceeded your current quota: this project has reached its spend limit of $${(cents / 100).toFixed(2)} for this month.`,
    type: "insufficient_quota",
    code: "insufficient_quota",
    headers: { "x-should-retry": "false" },
  });
}

/** A provider's rate limit, for a request that has no run which could wait for it. */
export function providerRateLimited(message: string, retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 429,
    message,
    type: "requests",
    code: "rate_limit_exceeded",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}
