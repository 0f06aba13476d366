/** Every header that an answer of this server may carry and a client may want, and those that any request may. */
import { API_VERSION, CLIENT_ID, SAFE_ID } from "../http/middleware/request-log.ts";
import type { Parameter, Reference } from "./spec.ts";

const text = { type: "string" };
const integer = { type: "integer", minimum: 0 };

export const HEADERS = {
  "x-request-id": {
    description: "Names this request in the server's log: as the client named it, or `req_` and 32 hex digits.",
    schema: { type: "string", pattern: SAFE_ID.source },
  },
  "openai-version": {
    description: "The published API that this server speaks.",
    schema: { type: "string", const: API_VERSION },
  },
  "openai-processing-ms": { description: "Milliseconds until the answer began.", schema: integer },
  "retry-after": { description: "Seconds after which to try again.", schema: integer },
  connection: { description: "`close`: the server takes no other request on it.", schema: text },
  upgrade: { description: "What is spoken instead of a WebSocket.", schema: text },
  "www-authenticate": { description: "How to authenticate.", schema: text },
  "x-should-retry": { description: "`false`: official clients do not send the request again.", schema: text },
  "x-ratelimit-limit-requests": { description: "Responses that a project may create in a minute.", schema: integer },
  "x-ratelimit-remaining-requests": { description: "How many of them are left.", schema: integer },
  "x-ratelimit-reset-requests": {
    description: "When all of them are back.",
    schema: { type: "string", pattern: "^\\d+s$" },
  },
  "idempotent-replayed": {
    description: "`true`: an earlier request with the same `Idempotency-Key` made this response.",
    schema: { type: "string", enum: ["true"] },
  },
  "x-ignored-parameters": {
    description:
      "With `UNKNOWN_PARAMETERS=ignore`: names in the request that this server does not know and left out, separated by commas.",
    schema: text,
  },
  "openai-poll-after-ms": {
    description: "While the response has not ended: milliseconds after which to ask again.",
    schema: integer,
  },
} as const;

export type HeaderName = keyof typeof HEADERS;

/** On every answer. */
export const NAMED: readonly HeaderName[] = ["x-request-id", "openai-version", "openai-processing-ms"];

export function headerRefs(names: Iterable<string>): Record<string, Reference> {
  return Object.fromEntries(
    [...names].map((name) => {
      if (!Object.hasOwn(HEADERS, name)) throw new Error(`The header ${name} is not described.`);
      return [name, { $ref: `#/components/headers/${name}` }];
    }),
  );
}

/** On every answer of what creates a response, where a limit is configured. */
export const RATE_LIMITS: readonly HeaderName[] = [
  "x-ratelimit-limit-requests",
  "x-ratelimit-remaining-requests",
  "x-ratelimit-reset-requests",
];

/** What any request to the API may carry, by its name among the components. */
export const REQUEST_HEADERS: Record<string, Parameter> = {
  RequestId: {
    name: "X-Request-Id",
    in: "header",
    description: `Names this request in the server's log and in the answer, if it is \`${SAFE_ID.source}\`. Another is replaced.`,
    schema: text,
  },
  ClientRequestId: {
    name: "X-Client-Request-Id",
    in: "header",
    description: "Stands in the log beside the name that the answer has.",
    schema: { type: "string", pattern: CLIENT_ID.source },
  },
};
export const REQUEST_HEADER_REFS: Reference[] = Object.keys(REQUEST_HEADERS).map((name) => ({
  $ref: `#/components/parameters/${name}`,
}));
