/** Counting and compacting the context of a model. */
import { parseCompactRequest } from "../../http/validation/compact-request.ts";
import { parseBody } from "../../http/validation/parse-body.ts";
import { responseError } from "../../lifecycle/lifecycle-events.ts";
import { runFailed } from "../../lifecycle/errors/server.ts";
import { compactedResponseSchema, compactRequestSchema } from "../../protocol/compaction.ts";
import { inputTokensRequestSchema, inputTokensSchema } from "../../protocol/input-tokens.ts";
import type { Endpoint } from "../endpoint.ts";
import { RESPONSE_ID } from "../example-ids.ts";
import { compaction, storedMessage, usage } from "../examples.ts";
import { RATE_LIMIT_HEADERS } from "../headers.ts";
import { catalog } from "../example-catalog.ts";
import { documentErrorsOf } from "../documented-errors.ts";
import { invalidItems } from "./parameter-errors.ts";
import { idempotencyKey } from "./parameters.ts";

const model = "simulator/default";
const withInput = (input: unknown): object => ({ model, input });

/** Errors of the history and of the items that the input references. */
const CONTEXT_ERRORS = [
  "previousResponseNotFound",
  "malformedPreviousResponseId",
  "previousResponseUnfinished",
  "toolOutputMissing",
  "duplicateItem",
  "misplacedTrigger",
  "encryptedContentUnverified",
  "secretInItem",
  "itemNotFound",
  "referencesTooLarge",
  "modelNotFound",
  "storeUnavailable",
] as const;

export const countInputTokens: Endpoint = {
  id: "countInputTokens",
  tag: "Responses",
  summary: "Count the tokens of a request",
  description:
    "Counts the input tokens of a request, including its previous responses or conversation, without running it. The provider counts if it can; otherwise this server does.",
  body: {
    description: "A request as for `POST /responses`. Every field is optional.",
    isRequired: false,
    schema: inputTokensRequestSchema,
    examples: { "A text": withInput("Why do leases need epochs?") },
  },
  answers: {
    200: {
      description: "Number of input tokens.",
      headers: ["x-ignored-parameters"],
      content: {
        "application/json": {
          schema: inputTokensSchema,
          examples: { Counted: { object: "response.input_tokens", input_tokens: 13 } },
        },
      },
    },
  },
  errors: [
    "adminNeedsProject",
    ...documentErrorsOf((body) => parseBody(inputTokensRequestSchema, body), {
      "A parameter is unknown. The message suggests a similar known one.": { inptu: "Hello" },
      "A value has the wrong type.": withInput(7),
      "A value is not one of the supported values.": { truncation: "some" },
      "`conversation` does not begin with `conv`.": { conversation: "foo" },
      "A string is too long.": { personality: "x".repeat(65) },
      "A list is too long.": { tools: Array.from({ length: 129 }, () => ({ type: "function", name: "weather" })) },
      ...invalidItems(withInput),
    }),
    "exclusiveContext",
    "conversationNotFound",
    ...CONTEXT_ERRORS,
  ],
};

export const compactResponse: Endpoint = {
  id: "compactResponse",
  tag: "Responses",
  summary: "Compact a conversation",
  description:
    "The model writes a summary of the conversation. Send `output` back as `input` and omit everything before the compaction. The run cannot be retrieved or continued. It is cancelled if the client disconnects.",
  parameters: [idempotencyKey],
  body: {
    description: "The conversation: `previous_response_id`, `input`, or both.",
    isRequired: true,
    schema: compactRequestSchema,
    examples: { "A chain": { model, previous_response_id: RESPONSE_ID } },
  },
  headers: RATE_LIMIT_HEADERS,
  answers: {
    200: {
      description: "The compacted conversation. `x-ratelimit-*` headers are present if a limit is configured.",
      headers: ["idempotent-replayed", "x-ignored-parameters"],
      content: {
        "application/json": {
          schema: compactedResponseSchema,
          examples: {
            "A message and the summary": {
              id: RESPONSE_ID,
              object: "response.compaction",
              created_at: 1_775_000_000,
              output: [storedMessage, compaction],
              usage,
            },
          },
        },
      },
    },
  },
  errors: [
    ...documentErrorsOf((body) => parseCompactRequest(body, catalog), {
      "`model` is missing.": { input: "Hello" },
      "`model` is empty.": { model: "", input: "Hello" },
      "Both `input` and `previous_response_id` are missing.": { model },
      "`input` is empty, and `previous_response_id` is missing.": withInput([]),
      "A parameter is unknown. The message suggests a similar known one.": {
        ...withInput("Hello"),
        stor: true,
      },
      "A value has the wrong type.": withInput(7),
      "A value is not one of the supported values.": { ...withInput("Hello"), service_tier: "bogus" },
      "A string is too long.": { ...withInput("Hello"), prompt_cache_key: "x".repeat(65) },
      ...invalidItems(withInput),
    }),
    ...CONTEXT_ERRORS,
    {
      when: "The run failed because the conversation exceeds the context window, or with another error code of a failed response.",
      error: runFailed(responseError("invalid_prompt", "Your input exceeds the context window of this model.")),
    },
    {
      when: "The run failed because the provider's rate limit is reached.",
      error: runFailed(responseError("rate_limit_exceeded", "The provider's rate limit is reached.")),
    },
    {
      when: "The run failed because the provider's quota is used up.",
      error: runFailed(responseError("insufficient_quota", "The provider's quota is used up.")),
    },
    "runFailed",
    "idempotencyKeyReuse",
    "tooManyRequests",
    "tooManyTokens",
    "spendLimitReached",
    "adminNeedsProject",
    "queueFull",
    "projectFull",
    "storageFull",
    "runInterrupted",
  ],
};
