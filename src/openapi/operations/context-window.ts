/** How long a conversation is for its model, and how it is made shorter. */
import { parseCompactRequest } from "../../http/endpoints/compact-response.ts";
import { parseBody } from "../../http/validation/validate.ts";
import { responseError } from "../../lifecycle/end-response.ts";
import { runFailed } from "../../lifecycle/errors/server.ts";
import { compactedResponseSchema, compactRequestSchema } from "../../protocol/compaction.ts";
import { inputTokensRequestSchema, inputTokensSchema } from "../../protocol/input-tokens.ts";
import { ProviderCatalog } from "../../providers/catalog.ts";
import type { Endpoint } from "../endpoint.ts";
import { compaction, RESPONSE_ID, storedMessage, usage } from "../examples.ts";
import { RATE_LIMITS } from "../headers.ts";
import { faultsOf } from "../refusals.ts";
import { itemFaults } from "./faults.ts";
import { idempotencyKey } from "./parameters.ts";

const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
const model = "simulator/default";
const withInput = (input: unknown): object => ({ model, input });

/** What may be wrong with what comes before the input, and with what the input names. */
const OF_CONTEXT = [
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
    "Takes a request as it would be sent, with its chain or conversation, and runs nothing. A provider that counts is asked; otherwise this server counts.",
  body: {
    description: "Everything may be left out.",
    isRequired: false,
    schema: inputTokensRequestSchema,
    examples: { "A text": withInput("Why do leases need epochs?") },
  },
  answers: {
    200: {
      description: "How many tokens the model would be shown.",
      headers: ["x-ignored-parameters"],
      content: {
        "application/json": {
          schema: inputTokensSchema,
          examples: { Counted: { object: "response.input_tokens", input_tokens: 13 } },
        },
      },
    },
  },
  refusals: [
    ...faultsOf((body) => parseBody(inputTokensRequestSchema, body), {
      "A parameter is not known; a known one that is spelt like it is suggested.": { inptu: "Hello" },
      "A value is of the wrong type.": withInput(7),
      "A value is none of those that are supported.": { truncation: "some" },
      "`conversation` does not begin with `conv`.": { conversation: "foo" },
      "A text is too long.": { personality: "x".repeat(65) },
      "A list is too long.": { tools: Array.from({ length: 129 }, () => ({ type: "function", name: "weather" })) },
      ...itemFaults(withInput),
    }),
    "exclusiveContext",
    "conversationNotFound",
    ...OF_CONTEXT,
  ],
};

export const compactResponse: Endpoint = {
  id: "compactResponse",
  tag: "Responses",
  summary: "Compact a conversation",
  description:
    "The model writes a summary of the conversation, by a run that can be neither read nor continued; leaving cancels it. Send `output` back as `input`: everything before the compaction may be left out.",
  parameters: [idempotencyKey],
  body: {
    description: "The conversation, as a chain, as items, or both.",
    isRequired: true,
    schema: compactRequestSchema,
    examples: { "A chain": { model, previous_response_id: RESPONSE_ID } },
  },
  headers: RATE_LIMITS,
  answers: {
    200: {
      description: "What is left of the conversation. `x-ratelimit-*` come where a limit is configured.",
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
  refusals: [
    ...faultsOf((body) => parseCompactRequest(body, catalog), {
      "`model` is missing.": { input: "Hello" },
      "`model` is empty.": { model: "", input: "Hello" },
      "`input` is missing, and there is no `previous_response_id`.": { model },
      "`input` is empty, and there is no `previous_response_id`.": withInput([]),
      "A parameter is not known; a known one that is spelt like it is suggested.": {
        ...withInput("Hello"),
        stor: true,
      },
      "A value is of the wrong type.": withInput(7),
      "A value is none of those that are supported.": { ...withInput("Hello"), service_tier: "bogus" },
      "A text is too long.": { ...withInput("Hello"), prompt_cache_key: "x".repeat(65) },
      ...itemFaults(withInput),
    }),
    ...OF_CONTEXT,
    {
      when: "The run failed because the conversation does not fit, or with another code of a failed response.",
      error: runFailed(responseError("invalid_prompt", "Your input exceeds the context window of this model.")),
    },
    {
      when: "The run failed because the provider's limit is reached.",
      error: runFailed(responseError("rate_limit_exceeded", "The provider's rate limit is reached.")),
    },
    {
      when: "The run failed because the provider's quota is used up.",
      error: runFailed(responseError("insufficient_quota", "The provider's quota is used up.")),
    },
    "runFailed",
    "idempotencyKeyReuse",
    "tooManyRequests",
    "queueFull",
    "projectFull",
    "storageFull",
    "runInterrupted",
  ],
};
