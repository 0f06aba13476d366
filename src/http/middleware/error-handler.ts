/** The one place where an error becomes a wire envelope (contract.md#error-envelope). */
import type { ErrorRequestHandler, RequestHandler } from "express";
import type { Logger } from "pino";
import { ApiError } from "../../lifecycle/errors/api-error.ts";
import { invalidUrl, malformedUrl } from "../../lifecycle/errors/http.ts";
import { internalError, storeUnavailable } from "../../lifecycle/errors/server.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";

const RETRY_AFTER_SECONDS = 2;

export const rejectUnknownUrl: RequestHandler = (request) => {
  throw invalidUrl(request.method, request.path);
};

/** The fourth parameter is how Express tells an error handler. */
export function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const apiError = toApiError(error);
    if (apiError.status >= 500) {
      // What the API itself answers so is no fault of this process: a cursor may be a client's invention.
      const level = error instanceof ApiError ? "warn" : "error";
      logger[level]({ err: error, requestId: response.getHeader("x-request-id") }, "Request failed");
    }
    if (response.headersSent) {
      // A stream that has begun can only be cut: the client resumes it.
      response.destroy();
      return;
    }
    response.status(apiError.status).set(apiError.headers).json(apiError.toEnvelope());
  };
}

function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (isRedisUnavailable(error)) return storeUnavailable(RETRY_AFTER_SECONDS);
  if (error instanceof URIError) return malformedUrl();
  return internalError();
}
