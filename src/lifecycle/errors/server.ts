/** Errors of the server, for requests that are valid. */
import type { ResponseError } from "../../protocol/response.ts";
import { ApiError } from "./api-error.ts";

const STORE_STATES = {
  away: "The server's store is not reachable at the moment. Please retry.",
  refused: "The server's store takes no writes at the moment. Please retry.",
  full: "The server's store is full and takes no writes at the moment. Please retry later.",
} as const;

/** contract.md#redis-outages. */
export function storeUnavailable(retryAfterSeconds: number, state: keyof typeof STORE_STATES = "away"): ApiError {
  return new ApiError({
    status: 503,
    message: STORE_STATES[state],
    type: "server_error",
    code: "service_unavailable",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

const LOG_RECOVERY_SECONDS = 2;

/**
 * contract.md#cursors. A running response's log is shorter than the client's cursor because Redis restored older data.
 * The worker appends the same events again or the response ends, so a retry succeeds soon.
 */
export function cursorNotRecorded(cursor: number, last: number): ApiError {
  return new ApiError({
    status: 503,
    message: `Event ${cursor} is not recorded at the moment: the log ends with ${last}, and the response is still running. Please retry.`,
    type: "server_error",
    code: "service_unavailable",
    headers: { "retry-after": String(LOG_RECOVERY_SECONDS) },
  });
}

/** The run continues without the process that waited for it. Resending the request would start a second run. */
export function runInterrupted(reason: string): ApiError {
  return new ApiError({
    status: 503,
    message: `The connection to the run was interrupted (${reason}). Retrieve the response by its id if it was stored.`,
    type: "server_error",
    code: "service_unavailable",
    headers: { "x-should-retry": "false" },
  });
}

/** A retry would send a second test. */
export function webhookTestUnsent(): ApiError {
  return new ApiError({
    status: 503,
    message: "No worker has sent the test in time. The workers may be down or busy.",
    type: "server_error",
    code: "service_unavailable",
    headers: { "x-should-retry": "false" },
  });
}

const LIMIT_CODES: ReadonlySet<string> = new Set(["rate_limit_exceeded", "insufficient_quota"]);

/** Answers a request whose run failed and that has no response object to return. The provider was already retried. */
export function runFailed({ code, message, type, param }: ResponseError): ApiError {
  const status = code === "server_error" ? 500 : LIMIT_CODES.has(code) ? 429 : 400;
  return new ApiError({ status, message, type, param, code, headers: { "x-should-retry": "false" } });
}

export function internalError(): ApiError {
  return new ApiError({
    status: 500,
    message: "The server had an error processing your request. Retry, and give the x-request-id if it happens again.",
    type: "server_error",
  });
}
