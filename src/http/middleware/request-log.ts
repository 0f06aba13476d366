/**
 * One log line per request, except health checks. Written by hand because the libraries create a child logger per
 * request, which costs more than a tenth of the time it takes to accept one.
 */
import type { RequestHandler } from "express";
import type { Logger } from "pino";
import { malformedClientRequestId } from "../../lifecycle/errors/http.ts";

declare global {
  // Express's own way to type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** The response that this request created or replayed: the log line links its id to the request's. */
      responseId?: string;
    }
  }
}

/** The hosted API's rule for `X-Client-Request-Id`. The id is logged and not answered. */
export const CLIENT_ID = /^[\x20-\x7e]{0,512}$/;

/** Logs only the method, the URL and the request's ids: other headers and bodies may contain secrets. */
export function logRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const startedMs = performance.now();
    const requestId = response.getHeader("x-request-id");
    const clientRequestId = request.get("x-client-request-id");
    const isValid = clientRequestId === undefined || CLIENT_ID.test(clientRequestId);
    response.once("close", () => {
      const line = {
        requestId,
        ...(isValid && clientRequestId !== undefined && { clientRequestId }),
        ...(response.locals.responseId !== undefined && { responseId: response.locals.responseId }),
        method: request.method,
        url: request.originalUrl,
        status: response.statusCode,
        durationMs: Math.round(performance.now() - startedMs),
      };
      logger.info(line, response.writableFinished ? "Request answered" : "Request cut off");
    });
    if (!isValid) throw malformedClientRequestId();
    next();
  };
}
