/**
 * `x-request-id`, `openai-processing-ms` and `openai-version` on every answer (contract.md#error-envelope), and one line in the log
 * for each but those of the health checks. Our own few lines because what the libraries do for it, a child logger a
 * request, cost more than a tenth of accepting one.
 */
import type { Request as HttpRequest, RequestHandler, Response as HttpResponse } from "express";
import type { Logger } from "pino";
import { malformedClientRequestId } from "../../lifecycle/errors/http.ts";
import { newId } from "../../protocol/id.ts";

declare global {
  // How Express lets an application type `response.locals`.
  // eslint-disable-next-line @typescript-eslint/no-namespace
  namespace Express {
    interface Locals {
      /** The response that this request has made, or found made: its log line leads from one id to the other. */
      responseId?: string;
    }
  }
}

export const API_VERSION = "2020-10-01";

/** Of a client or the proxy before us. Nothing else goes into our headers and our log as it came. */
export const SAFE_ID = /^[\w.:=+/@-]{1,128}$/;
/** The hosted API's rule for `X-Client-Request-Id`: ASCII, and at most this long. It is logged and not answered. */
export const CLIENT_ID = /^[\x20-\x7e]{0,512}$/;

export function newRequestId(): string {
  return newId("req", 32);
}

export const assignRequestIds: RequestHandler = (request, response, next) => {
  const startedMs = performance.now();
  response.setHeader("x-request-id", requestIdOf(request));
  response.setHeader("openai-version", API_VERSION);
  beforeHeaders(response, () => {
    response.setHeader("openai-processing-ms", String(Math.round(performance.now() - startedMs)));
  });
  next();
};

/** Nothing that a client sent but method, URL and its own ids of the request: no other headers, no body. */
export function logRequests(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const startedMs = performance.now();
    const requestId = response.getHeader("x-request-id");
    const clientRequestId = request.get("x-client-request-id");
    const isFit = clientRequestId === undefined || CLIENT_ID.test(clientRequestId);
    response.once("close", () => {
      const line = {
        requestId,
        ...(isFit && clientRequestId !== undefined && { clientRequestId }),
        ...(response.locals.responseId !== undefined && { responseId: response.locals.responseId }),
        method: request.method,
        url: request.originalUrl,
        status: response.statusCode,
        durationMs: Math.round(performance.now() - startedMs),
      };
      logger.info(line, response.writableFinished ? "Request answered" : "Request cut off");
    });
    if (!isFit) throw malformedClientRequestId();
    next();
  };
}

function requestIdOf(request: HttpRequest): string {
  const given = request.get("x-request-id");
  return given !== undefined && SAFE_ID.test(given) ? given : newRequestId();
}

/** Every way to send headers goes through `writeHead`, also where nobody calls it. */
function beforeHeaders(response: HttpResponse, callback: () => void): void {
  const writeHead = response.writeHead.bind(response) as (...parameters: unknown[]) => HttpResponse;
  response.writeHead = (...parameters: unknown[]): HttpResponse => {
    if (!response.headersSent) callback();
    return writeHead(...parameters);
  };
}
