/** Turns every error into the wire envelope (contract.md#error-envelope). */
import type { ErrorRequestHandler } from "express";
import type { Logger } from "pino";
import { BlobStoreError } from "../../blobs/blob-store.ts";
import { ApiError } from "../../lifecycle/errors/api-error.ts";
import { filesUnavailable } from "../../lifecycle/errors/files.ts";
import { malformedUrl } from "../../lifecycle/errors/http.ts";
import { internalError, storeUnavailable } from "../../lifecycle/errors/server.ts";
import { isRedisUnavailable, writeRefusalOf } from "../../redis/is-redis-unavailable.ts";

const RETRY_AFTER_SECONDS = 2;

/** Express recognizes an error handler by its four parameters. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    const apiError = toApiError(error);
    if (apiError.code !== null) response.locals.errorCode = apiError.code;
    if (apiError.status >= 500) {
      // Expected: an ApiError, such as the 503 for a cursor that is not recorded, and an outage. Any other error is a bug.
      const level =
        error instanceof ApiError || error instanceof BlobStoreError || isRedisUnavailable(error) ? "warn" : "error";
      logger[level]({ err: error, requestId: response.getHeader("x-request-id") }, "Request failed");
    }
    if (response.headersSent) {
      // A stream that has started cannot carry an error. The client resumes after the cut.
      response.destroy();
      return;
    }
    // Node discards the rest of a body before the next request. The rest of an upload may take minutes.
    if (!request.complete && request.is("multipart/form-data")) response.set("connection", "close");
    response.status(apiError.status).set(apiError.headers).json(apiError.toEnvelope());
  };
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (isRedisUnavailable(error)) return storeUnavailable(RETRY_AFTER_SECONDS, writeRefusalOf(error));
  if (error instanceof BlobStoreError) return filesUnavailable(error.reason === "full", RETRY_AFTER_SECONDS);
  if (error instanceof URIError) return malformedUrl();
  return internalError();
}
