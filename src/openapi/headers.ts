/** Every header that an answer of this server may carry and a client may want. */
import type { Reference } from "./spec.ts";

const text = { type: "string" };
const integer = { type: "integer", minimum: 0 };

export const HEADERS = {
  "x-request-id": {
    description: "Names this request in the server's log.",
    schema: { type: "string", pattern: "^req_[0-9a-f]{32}$" },
  },
  "retry-after": { description: "Seconds after which to try again.", schema: integer },
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
  "openai-poll-after-ms": {
    description: "While the response has not ended: milliseconds after which to ask again.",
    schema: integer,
  },
} as const;

export type HeaderName = keyof typeof HEADERS;

export function headerRefs(names: Iterable<string>): Record<string, Reference> {
  return Object.fromEntries(
    [...names].map((name) => {
      if (!Object.hasOwn(HEADERS, name)) throw new Error(`The header ${name} is not described.`);
      return [name, { $ref: `#/components/headers/${name}` }];
    }),
  );
}
