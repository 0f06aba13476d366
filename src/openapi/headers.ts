/** Headers of answers that are useful to clients, and headers that every request may have. */
import { API_VERSION, SAFE_ID } from "../http/middleware/request-id.ts";
import { CLIENT_ID } from "../http/middleware/request-log.ts";
import type { Parameter, Reference } from "./spec.ts";

const text = { type: "string" };
const integer = { type: "integer", minimum: 0 };

export const HEADERS = {
  "x-request-id": {
    description:
      "Identifies the request in the server's log. It is the client's `X-Request-Id`, or `req_` and 32 hex digits.",
    schema: { type: "string", pattern: SAFE_ID.source },
  },
  "openai-version": {
    description: "Version of the published API that this server implements.",
    schema: { type: "string", const: API_VERSION },
  },
  "openai-processing-ms": { description: "Milliseconds until the answer started.", schema: integer },
  "retry-after": { description: "Seconds to wait before a retry.", schema: integer },
  "content-range": { description: "The bytes that the answer has, and the size of the file.", schema: text },
  "content-disposition": { description: "The name of the file, to save it under.", schema: text },
  etag: { description: "Identifies the bytes of the file.", schema: text },
  "accept-ranges": { description: "`bytes`: the file can be read in ranges.", schema: text },
  connection: { description: "`close`: the server closes the connection after this answer.", schema: text },
  upgrade: { description: "Protocol to use instead of WebSocket.", schema: text },
  "www-authenticate": { description: "Authentication scheme.", schema: text },
  "x-should-retry": { description: "`false` keeps official clients from retrying.", schema: text },
  "x-ratelimit-limit-requests": { description: "Responses the project may create per minute.", schema: integer },
  "x-ratelimit-remaining-requests": {
    description: "Responses the project may still create in the current minute.",
    schema: integer,
  },
  "x-ratelimit-reset-requests": {
    description: "Time until the full limit is available again.",
    schema: { type: "string", pattern: "^\\d+s$" },
  },
  "idempotent-replayed": {
    description: "`true`: an earlier request with the same `Idempotency-Key` created this response.",
    schema: { type: "string", enum: ["true"] },
  },
  "x-ignored-parameters": {
    description:
      "Comma-separated names of unknown parameters that the server ignored. Only with `UNKNOWN_PARAMETERS=ignore`.",
    schema: text,
  },
  "openai-poll-after-ms": {
    description: "Milliseconds to wait before the next poll. Absent once the response has ended.",
    schema: integer,
  },
} as const;

export type HeaderName = keyof typeof HEADERS;

/** On every answer. */
export const COMMON_HEADERS: readonly HeaderName[] = ["x-request-id", "openai-version", "openai-processing-ms"];

export function toHeaderRefs(names: Iterable<string>): Record<string, Reference> {
  return Object.fromEntries(
    [...names].map((name) => {
      if (!Object.hasOwn(HEADERS, name)) throw new Error(`The header ${name} is not described.`);
      return [name, { $ref: `#/components/headers/${name}` }];
    }),
  );
}

/** On every answer of endpoints that create responses, if a limit is configured. */
export const RATE_LIMIT_HEADERS: readonly HeaderName[] = [
  "x-ratelimit-limit-requests",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-reset-requests",
];

/** Headers by the name of their component. */
export const REQUEST_HEADERS: Record<string, Parameter> = {
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: `Identifies the request in the server's log and in the answer. The server replaces an id that does not match \`${SAFE_ID.source}\`.`,
    schema: text,
  },
  ClientRequestId: {
    name: "X-Client-Request-Id",
    in: "header",
    description: "Second id for the server's log, beside `x-request-id`.",
    schema: { type: "string", pattern: CLIENT_ID.source },
  },
};
export const REQUEST_HEADER_REFS: Reference[] = Object.keys(REQUEST_HEADERS).map((name) => ({
  $ref: `#/components/parameters/${name}`,
}));
