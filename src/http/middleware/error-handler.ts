/** Turns every error into the wire envelope (contract.md#error-envelope). */
import type { ErrorRequestHandler } from "express";
import type { Logger } from "pino";
import { ApiError } from "../../lifecycle/errors/api-error.ts";
import { malformedUrl } from "../../lifecycle/errors/http.ts";
import { internalError, storeUnavailable } from "../../lifecycle/errors/server.ts";
import { isRedisUnavailable, writeRefusalOf } from "../../redis/is-redis-unavailable.ts";

const RETRY_AFTER_SECONDS = 2;

/** Express recognizes an error handler by its four parameters. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const apiError = toApiError(error);
    if (apiError.status >= 500) {
      // Expected: an ApiError, such as the 503 for a cursor that is not recorded, and an outage. Any other error is a bug.
      const level = error instanceof ApiError || isRedisUnavailable(error) ? "warn" : "error";
      logger[level]({ err: error, requestId: response.getHeader("x-request-id") }, "Request failed");
    }
    if (response.headersSent) {
      // A stream that has started cannot carry an error. The client resumes after the cut.
      response.destroy();
      return;
    }
    response.status(apiError.status).set(apiError.headers).json(apiError.toEnvelope());
  };
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (isRedisUnavailable(error)) return storeUnavailable(RETRY_AFTER_SECONDS, writeRefusalOf(error));
  if (error instanceof URIError) return malformedUrl();
  return internalError();
}
