/** `POST /responses`. */
import { parseCreateRequest } from "../../http/validation/create-request.ts";
import { missingParameter, unknownParameter } from "../../lifecycle/errors/api-error.ts";
import { createRequestSchema } from "../../protocol/create-request.ts";
import { responseSchema } from "../../protocol/response.ts";
import type { Endpoint } from "../endpoint.ts";
import { CONVERSATION_ID } from "../example-ids.ts";
import { backgroundRequest, completedResponse, queuedResponse, streamAfter } from "../examples.ts";
import { RATE_LIMIT_HEADERS } from "../headers.ts";
import { catalog } from "../example-catalog.ts";
import { documentErrorsOf, type DocumentedError } from "../documented-errors.ts";
import { streamEventSchema } from "../wire.ts";
import { invalidItems, invalidMetadata } from "./parameter-errors.ts";
import { idempotencyKey } from "./parameters.ts";

const valid = { model: "simulator/default", input: "Hello" };
const withFields = (fields: object): object => ({ ...valid, ...fields });
const tool = { type: "function", name: "weather" };

const bodyErrors = documentErrorsOf((body) => parseCreateRequest(body, catalog), {
  "`model` is missing, and there is no `prompt`.": { input: "Hello" },
  "`model` is empty.": withFields({ model: "" }),
  "`input` is missing, and there is no `prompt`, `previous_response_id` or `conversation`.": {
    model: "simulator/default",
  },
  "`input` is empty, and there is no `prompt`, `previous_response_id` or `conversation`.": withFields({ input: [] }),
  "A parameter is unknown. The message suggests a similar known one.": withFields({ stor: true }),
  "A value has the wrong type.": withFields({ background: "yes" }),
  "A value is not one of the supported values.": withFields({ truncation: "bogus" }),
  "`conversation` does not begin with `conv`.": withFields({ conversation: "foo" }),
  "An integer is too small.": withFields({ max_output_tokens: 8 }),
  "An integer is too large.": withFields({ top_logprobs: 21 }),
  "A number is too small.": withFields({ top_p: -0.1 }),
  "A number is too large.": withFields({ temperature: 3 }),
  "A string is too long.": withFields({ prompt_cache_key: "x".repeat(65) }),
  "A string is too short.": withFields({ tools: [{ ...tool, name: "" }] }),
  "A list is too long.": withFields({ tools: Array.from({ length: 129 }, () => tool) }),
  "A list is too short.": withFields({ context_management: [] }),
  ...invalidMetadata(withFields),
  ...invalidItems((input) => withFields({ input })),
});

const promptErrors: DocumentedError[] = [
  { when: "Neither the request nor its prompt names a model.", error: missingParameter("model") },
  { when: "A prompt variable is missing.", error: missingParameter("prompt.variables.city") },
  { when: "A prompt variable is unknown.", error: unknownParameter("prompt.variables.town") },
];

export const createResponse: Endpoint = {
  id: "createResponse",
  tag: "Responses",
  summary: "Create a response",
  description: [
    "The endpoint has four modes:",
    "",
    "| `background` | `stream` | answer |",
    "| --- | --- | --- |",
    "| true | | the `queued` response, at once. It runs independently of the client |",
    "| true | true | the stream of events. A disconnect does not affect the run, and the client can resume the stream |",
    "| | | the response, once it has ended. A disconnect cancels the run, unless the request has an `Idempotency-Key` |",
    "| | true | the stream of events. A disconnect cancels the run, unless the request has an `Idempotency-Key` |",
    "",
    "A run that fails is not an HTTP error: the answer is 200, and the response has the status `failed`.",
  ].join("\n"),
  parameters: [idempotencyKey],
  body: {
    description: "The request as JSON. `Content-Type` is ignored.",
    isRequired: true,
    schema: createRequestSchema,
    examples: {
      "In the background": backgroundRequest,
      "As a stream": { ...backgroundRequest, stream: true },
      "From a prompt": { prompt: { id: "pmpt_1", variables: { city: "Bern" } }, background: true },
      "In a conversation": { ...backgroundRequest, conversation: CONVERSATION_ID },
    },
  },
  headers: RATE_LIMIT_HEADERS,
  answers: {
    200: {
      description:
        "The response or, with `stream`, its events. `x-ratelimit-*` headers are present if a limit is configured.",
      headers: ["idempotent-replayed", "x-ignored-parameters"],
      content: {
        "application/json": {
          schema: responseSchema,
          examples: { "Background: queued": queuedResponse, "Foreground: completed": completedResponse },
        },
        "text/event-stream": {
          schema: streamEventSchema,
          examples: { "All events of a response": streamAfter(-1) },
        },
      },
    },
  },
  errors: [
    ...bodyErrors,
    ...promptErrors,
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
    "fileNotFoundIn",
    "tooManyInputFiles",
    "inputFilesTooLarge",
    "modelNotFound",
    "toolUnavailable",
    "idempotencyKeyReuse",
    "tooManyRequests",
    "tooManyTokens",
    "spendLimitReached",
    "adminNeedsProject",
    "queueFull",
    "projectFull",
    "streamsFull",
    "storageFull",
    "storeUnavailable",
    "runInterrupted",
  ],
};
