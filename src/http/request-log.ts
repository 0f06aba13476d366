/**
 * `x-request-id` on every answer (contract 03 §3.3), and one line in the log for each. Our own few lines because what the
 * libraries do for it, a child logger a request, cost more than a tenth of accepting one.
 */
import type { RequestHandler } from "express";
import type { Logger } from "pino";
import { newId } from "../protocol/id.ts";

/** Nothing that a client sent but method and URL: no headers, no body. */
export function logRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const startedMs = performance.now();
    const requestId = newId("req", 32);
    response.setHeader("x-request-id", requestId);
    response.once("close", () => {
      const line = {
        requestId,
        method: request.method,
        url: request.originalUrl,
        status: response.statusCode,
        durationMs: Math.round(performance.now() - startedMs),
      };
      logger.info(line, response.writableFinished ? "Request answered" : "Request cut off");
    });
    next();
  };
}
