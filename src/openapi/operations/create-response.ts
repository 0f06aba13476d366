/** `POST /responses`. */
import { parseCreateRequest } from "../../http/validation/validate.ts";
import { missingParameter, unknownParameter } from "../../lifecycle/errors/api-error.ts";
import { createRequestSchema } from "../../protocol/create-request.ts";
import { responseSchema } from "../../protocol/response.ts";
import { ProviderCatalog } from "../../providers/catalog.ts";
import type { Endpoint } from "../endpoint.ts";
import { backgroundRequest, completedResponse, CONVERSATION_ID, queuedResponse, streamAfter } from "../examples.ts";
import { RATE_LIMITS } from "../headers.ts";
import { faultsOf, type Refusal } from "../refusals.ts";
import { streamEventSchema } from "../wire.ts";
import { itemFaults, metadataFaults } from "./faults.ts";
import { idempotencyKey } from "./parameters.ts";

const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
const valid = { model: "simulator/default", input: "Hello" };
const withFields = (fields: object): object => ({ ...valid, ...fields });
const tool = { type: "function", name: "weather" };

const faults = faultsOf((body) => parseCreateRequest(body, catalog), {
  "`model` is missing, and no prompt may stand in for it.": { input: "Hello" },
  "`model` is empty.": withFields({ model: "" }),
  "`input` is missing, and nothing stands in for it.": { model: "simulator/default" },
  "`input` is empty, and nothing stands in for it.": withFields({ input: [] }),
  "A parameter is not known; a known one that is spelt like it is suggested.": withFields({ stor: true }),
  "A value is of the wrong type.": withFields({ background: "yes" }),
  "A value is none of those that are supported.": withFields({ truncation: "bogus" }),
  "`conversation` does not begin with `conv`.": withFields({ conversation: "foo" }),
  "An integer is too small.": withFields({ max_output_tokens: 8 }),
  "An integer is too large.": withFields({ top_logprobs: 21 }),
  "A number is too small.": withFields({ top_p: -0.1 }),
  "A number is too large.": withFields({ temperature: 3 }),
  "A text is too long.": withFields({ prompt_cache_key: "x".repeat(65) }),
  "A text is too short.": withFields({ tools: [{ ...tool, name: "" }] }),
  "A list is too long.": withFields({ tools: Array.from({ length: 129 }, () => tool) }),
  "A list is too short.": withFields({ context_management: [] }),
  ...metadataFaults(withFields),
  ...itemFaults((input) => withFields({ input })),
});

const promptFaults: Refusal[] = [
  { when: "Neither the request nor its prompt names a model.", error: missingParameter("model") },
  { when: "A variable of the prompt is missing.", error: missingParameter("prompt.variables.city") },
  { when: "The prompt has no such variable.", error: unknownParameter("prompt.variables.town") },
];

export const createResponse: Endpoint = {
  id: "createResponse",
  tag: "Responses",
  summary: "Create a response",
  description: [
    "One path in four modes:",
    "",
    "| `background` | `stream` | the answer |",
    "| --- | --- | --- |",
    "| true | | the response at once, `queued`; it runs whether or not anyone listens |",
    "| true | true | the stream of events; leaving it does not end the run, and it can be resumed |",
    "| | | the response when it has ended; leaving cancels the run, unless there is an `Idempotency-Key` |",
    "| | true | the stream of events; leaving cancels the run, unless there is an `Idempotency-Key` |",
    "",
    "A run that fails is no refusal: the answer is 200, with a response whose `status` is `failed`.",
  ].join("\n"),
  parameters: [idempotencyKey],
  body: {
    description: "JSON, whatever `Content-Type` says.",
    isRequired: true,
    schema: createRequestSchema,
    examples: {
      "In the background": backgroundRequest,
      "As a stream": { ...backgroundRequest, stream: true },
      "From a prompt": { prompt: { id: "pmpt_1", variables: { city: "Bern" } }, background: true },
      "In a conversation": { ...backgroundRequest, conversation: CONVERSATION_ID },
    },
  },
  headers: RATE_LIMITS,
  answers: {
    200: {
      description: "The response, or with `stream` its events. `x-ratelimit-*` come where a limit is configured.",
      headers: ["idempotent-replayed", "x-ignored-parameters"],
      content: {
        "application/json": {
          schema: responseSchema,
          examples: { "In the background: accepted": queuedResponse, "In the foreground: ended": completedResponse },
        },
        "text/event-stream": {
          schema: streamEventSchema,
          examples: { "From the first event to the terminal one": streamAfter(-1) },
        },
      },
    },
  },
  refusals: [
    ...faults,
    ...promptFaults,
    "textVariableExpected",
    "filledPromptTooLong",
    "promptNotFound",
    "exclusiveContext",
    "windowUnsupported",
    "previousResponseNotFound",
    "malformedPreviousResponseId",
    "previousResponseUnfinished",
    "toolOutputMissing",
    "duplicateItem",
    "misplacedTrigger",
    "encryptedContentUnverified",
    "secretInItem",
    "conversationLocked",
    "conversationNotFound",
    "itemNotFound",
    "referencesTooLarge",
    "modelNotFound",
    "toolUnavailable",
    "idempotencyKeyReuse",
    "tooManyRequests",
    "queueFull",
    "projectFull",
    "streamsFull",
    "storageFull",
    "storeUnavailable",
    "runInterrupted",
  ],
};
