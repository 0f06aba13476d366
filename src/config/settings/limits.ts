import { choice, integer } from "../setting.ts";

export const limitSettings = {
  MAX_BODY_BYTES: integer("Maximum size of a request body.", { default: 32 * 1024 ** 2, min: 1024, unit: "bytes" }),
  MAX_BODY_VALUES: integer(
    "Maximum number of JSON values in a request body, field names included. Larger bodies get 413.",
    { default: 500_000, min: 1_000 },
  ),
  UNKNOWN_PARAMETERS: choice(
    "Treatment of request parameters that this server does not know: `refuse` answers 400; `ignore` drops them and names them in the header `x-ignored-parameters`.",
    ["refuse", "ignore"],
    "refuse",
  ),
  MAX_OPEN_RESPONSES: integer("Maximum responses that are queued or in progress at a time. Excess requests get 429.", {
    default: 10_000,
    min: 1,
  }),
  RATE_LIMIT_REQUESTS_PER_MINUTE: integer(
    "Maximum responses a project may create per minute (0 = unlimited). Excess requests get 429.",
    { default: 0 },
  ),
  RATE_LIMIT_TOKENS_PER_MINUTE: integer(
    "Maximum tokens per minute of a project's ended responses (0 = unlimited). Over it, requests get 429 until the minute is over.",
    { default: 0 },
  ),
  RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT: integer(
    "Maximum responses of one project that are queued or in progress at a time (0 = only `MAX_OPEN_RESPONSES` applies). Excess requests get 429.",
    { default: 0 },
  ),
  MAX_STREAMS_PER_PROJECT: integer(
    "Maximum event streams that one API process keeps open for one project (0 = unlimited). Excess requests get 429.",
    { default: 1_000 },
  ),
  MAX_STORED_BYTES_PER_PROJECT: integer(
    "Maximum storage of one project: responses with their logs, conversations and containers in Redis, and the bytes of its files (0 = unlimited). Requests beyond it get 429.",
    { default: 2 * 1024 ** 3, unit: "bytes" },
  ),
};
