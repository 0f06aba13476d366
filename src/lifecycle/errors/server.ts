/** What is not the client's fault. */
import { ApiError } from "./api-error.ts";

/** Contract 00, row 23. */
export function storeUnavailable(retryAfterSeconds: number): ApiError {
  return new ApiError({
    status: 503,
    message: "The server's store is not reachable at the moment. Please retry.",
    type: "server_error",
    code: "service_unavailable",
    headers: { "retry-after": String(retryAfterSeconds) },
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

export function internalError(): ApiError {
  return new ApiError({
    status: 500,
    message: "The server had an error processing your request. Retry, and give the x-request-id if it happens again.",
    type: "server_error",
  });
}
