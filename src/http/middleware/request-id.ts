/** `x-request-id`, `openai-processing-ms` and `openai-version` on every answer (contract.md#error-envelope). */
import type { Request as HttpRequest, RequestHandler, Response as HttpResponse } from "express";
import { newId } from "../../protocol/id.ts";

export const API_VERSION = "2020-10-01";

/** A client or a proxy may choose the id. Only ids that are safe in headers and logs are accepted. */
export const SAFE_ID = /^[\w.:=+/@-]{1,128}$/;

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

function requestIdOf(request: HttpRequest): string {
  const given = request.get("x-request-id");
  return given !== undefined && SAFE_ID.test(given) ? given : newRequestId();
}

/** Node calls `writeHead` for every answer, even if the application does not. */
function beforeHeaders(response: HttpResponse, callback: () => void): void {
  const writeHead = response.writeHead.bind(response) as (...parameters: unknown[]) => HttpResponse;
  response.writeHead = (...parameters: unknown[]): HttpResponse => {
    if (!response.headersSent) callback();
    return writeHead(...parameters);
  };
}
