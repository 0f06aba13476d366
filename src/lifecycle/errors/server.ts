/** What stops a request that nothing is wrong with. */
import type { ResponseError } from "../../protocol/response.ts";
import { ApiError } from "./api-error.ts";

/** contract.md#redis-outages. */
export function storeUnavailable(retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 503,
    message: "The server's store is not reachable at the moment. Please retry.",
    type: "server_error",
    code: "service_unavailable",
    headers: { "retry-after": String(retryAfterSeconds) },
  });
}

const LOG_RECOVERY_SECONDS = 2;

/**
 * contract.md#cursors. The log of a response that still runs is shorter than what a client has seen: Redis came back from
 * an older file. The worker writes the same events again, or the response ends: either way there is an answer soon.
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

/** The run goes on without the process that waited for it. Sending the request again would start a second one. */
export function runInterrupted(reason: string): ApiError {
  return new ApiError({
    status: 503,
    message: `The connection to the run was interrupted (${reason}). Retrieve the response by its id if it was stored.`,
    type: "server_error",
    code: "service_unavailable",
    headers: { "x-should-retry": "false" },
  });
}

const LIMIT_CODES: ReadonlySet<string> = new Set(["rate_limit_exceeded", "insufficient_quota"]);

/** The end of a run that a request cannot do without, as an answer to the request. Its provider was tried again already. */
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
