/** CORS: web pages may use the API only from the origins that the operator allows. */
import cors from "cors";
import type { RequestHandler } from "express";

/** Headers that a page needs in order to retry, poll and report errors. */
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

/** `setting`: origins separated by commas, or `*`. */
export function parseOrigins(setting: string | undefined): string[] {
  return (setting ?? "").split(",").flatMap((origin) => (origin.trim() === "" ? [] : [origin.trim()]));
}

export function allowOrigins(setting: string | undefined): RequestHandler {
  const origins = parseOrigins(setting);
  if (origins.length === 0) return (_request, _response, next) => next();
  return cors({ origin: origins.includes("*") ? "*" : origins, exposedHeaders: EXPOSED, maxAge: PREFLIGHT_SECONDS });
}
