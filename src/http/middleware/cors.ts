/** Which web pages may use the API (CORS). None, unless the operator names their origins. */
import cors from "cors";
import type { RequestHandler } from "express";

/** What a page must be able to read to retry, poll and report well. */
const EXPOSED = [
  "x-request-id",
  "retry-after",
  "openai-poll-after-ms",
  "openai-processing-ms",
  "openai-version",
  "idempotent-replayed",
  "x-ignored-parameters",
  "x-ratelimit-limit-requests",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-reset-requests",
];
const PREFLIGHT_SECONDS = 600;

/** `setting`: origins, separated by commas, or `*`. */
export function parseOrigins(setting: string | undefined): string[] {
  return (setting ?? "").split(",").flatMap((origin) => (origin.trim() === "" ? [] : [origin.trim()]));
}

export function allowOrigins(setting: string | undefined): RequestHandler {
  const origins = parseOrigins(setting);
  if (origins.length === 0) return (_request, _response, next) => next();
  return cors({ origin: origins.includes("*") ? "*" : origins, exposedHeaders: EXPOSED, maxAge: PREFLIGHT_SECONDS });
}
