/** `GET /metrics`: the metrics of this process in Prometheus's text format. */
import { timingSafeEqual } from "node:crypto";
import type { RequestHandler } from "express";
import { hashApiKey } from "../../config/config.ts";
import { incorrectApiKey, missingApiKey } from "../../lifecycle/errors/access.ts";
import type { ApiError } from "../../lifecycle/errors/api-error.ts";
import type { Metrics } from "../../telemetry/metrics/metrics.ts";

/** `tokenHash`: SHA-256 of the bearer token that a request needs; undefined if it needs none. */
export function serveMetrics(metrics: Metrics, tokenHash: Buffer | undefined): RequestHandler {
  return async (request, response) => {
    const error = tokenHash && findTokenError(tokenHash, request.get("authorization"));
    if (error !== undefined) {
      // Sent here, because the apps of workers and of METRICS_PORT have no error handler.
      response.status(error.status).set(error.headers).json(error.toEnvelope());
      return;
    }
    const text = await metrics.render();
    response.set({ "content-type": metrics.contentType, "cache-control": "no-store" }).end(text);
  };
}

function findTokenError(tokenHash: Buffer, authorization: string | undefined): ApiError | undefined {
  const token = /^Bearer +(\S+) *$/i.exec(authorization ?? "")?.[1];
  if (token === undefined) return missingApiKey();
  return timingSafeEqual(tokenHash, hashApiKey(token)) ? undefined : incorrectApiKey(token);
}
