/** What fields and schemas mean, in a sentence. A parameter that is added without one does not compile. */
import type { z } from "zod";
import { type CompactedResponse, compactedResponseSchema, compactRequestSchema } from "../protocol/compaction.ts";
import { createRequestSchema } from "../protocol/create-request.ts";
import { responseStreamEventSchema } from "../protocol/event.ts";
import { type InputTokensRequest, inputTokensRequestSchema } from "../protocol/input-tokens.ts";
import { type Response, responseSchema } from "../protocol/response.ts";

const PARAMETERS: Record<keyof typeof createRequestSchema.shape, string> = {
  model:
    "`vendor/model`. A bare name goes to the default vendor; `GET /models` lists what is configured. A prompt may name one instead.",
  input: "A text, which is one user message, or items in the order in which the model sees them.",
  previous_response_id: "Continues a finished, stored response: its input and output, and those before it, come first.",
  conversation: "Its items come first, and this response's input and output are added to it when it has ended.",
  prompt:
    "A template of this server's and its variables: messages that come first, and defaults of parameters that the request leaves out.",
  moderation: "Passed on to the provider.",
  include:
    "What the response shows besides. Reasoning has its `encrypted_content` anyway: what this server sealed comes back in `input`.",
  tools:
    "What the model may call. Functions and custom tools are the client's to run; hosted tools are the provider's.",
  tool_choice: "Whether, and which, tools must be called.",
  metadata: "Up to 16 pairs of the client's own. For `simulator/*` models, keys that begin with `simulator.` steer it.",
  text: "The format of the answer (text, JSON, or a JSON Schema), and how long it should be.",
  temperature: "Randomness of the sampling.",
  top_p: "Sampling from the most probable tokens with this total probability.",
  presence_penalty: "Against tokens that have occurred.",
  frequency_penalty: "Against tokens by how often they have occurred.",
  parallel_tool_calls: "Whether the model may call several tools at once.",
  stream: "Answer with the stream of events instead of the response.",
  stream_options: "`include_obfuscation` pads the deltas, so that their length does not tell what they say.",
  background:
    "Answer at once with status `queued` and go on without the client. Without it, the run is cancelled when the client leaves.",
  background_options:
    "`completion_window`: `soonest`, or `2h` or `8h` to wait behind all others, but not beyond the window (`background`, `service_tier` auto or default, and no `stream`). `continuation_id` names related requests, which are run close together.",
  max_output_tokens: "Where the model stops; the response is then `incomplete`.",
  max_tool_calls: "How many calls of hosted tools the provider may make.",
  reasoning: "How much a reasoning model should think, and whether to summarize it.",
  user: "Deprecated: `safety_identifier` and `prompt_cache_key`.",
  safety_identifier: "A stable name of the end user, for the provider.",
  prompt_cache_options: "How the provider should cache the prompt.",
  prompt_cache_key: "Requests with the same key are likely to share a cached prefix.",
  prompt_cache_retention: "How long the provider should keep the cached prefix.",
  truncation:
    "`auto` leaves out the oldest items if the input does not fit the model's context window; else the response fails.",
  instructions: "A system message before everything else. It is not carried over by `previous_response_id`.",
  store:
    "False: the response cannot be continued, and is erased when it has ended (in the foreground), or soon after it (in the background).",
  service_tier: "`priority` is run before `default`, and that before `flex`.",
  top_logprobs: "How many alternatives to show for each token.",
  context_management:
    "Above so many tokens the conversation is replaced by a summary that the model writes, and its latest messages.",
  access_programs: "Programs of the provider that the caller belongs to.",
  image: "How the provider should handle images.",
  client_metadata: "What the client says of itself (Codex). It is read, and neither kept nor passed on.",
};

/** The others are the request's, with the defaults filled in. */
const RESPONSE_FIELDS = {
  id: "`resp_` and 50 hex digits.",
  status: "It never leaves `completed`, `incomplete`, `failed` or `cancelled`.",
  created_at: "Unix seconds.",
  completed_at: "Unix seconds; null unless it was completed.",
  output: "What the model has produced so far; while it runs, the last item may be unfinished.",
  error: "Why it failed.",
  incomplete_details: "Why it stopped early.",
  usage: "Tokens, once it has ended.",
  model: "As the request, or its prompt, named it.",
  instructions: "As the request gave them, or the messages of its prompt.",
  prompt: "The prompt, with the version that was used.",
} satisfies Partial<Record<keyof Response, string>>;

const INPUT_TOKENS_FIELDS: Record<Exclude<keyof InputTokensRequest, keyof typeof PARAMETERS>, string> = {
  personality: "Passed on to the provider.",
};
const COMPACTED_FIELDS = {
  id: "It cannot be read, or continued.",
  output: "Messages that were kept word for word, and the compaction last: the `input` to go on with.",
  usage: "What the summary cost.",
} satisfies Partial<Record<keyof CompactedResponse, string>>;

/** Of a union, those of each member. */
export const FIELDS = new Map<z.ZodType, Readonly<Record<string, string>>>([
  [createRequestSchema, PARAMETERS],
  [inputTokensRequestSchema, { ...pick(inputTokensRequestSchema), ...INPUT_TOKENS_FIELDS }],
  [compactRequestSchema, pick(compactRequestSchema)],
  [responseSchema, RESPONSE_FIELDS],
  [compactedResponseSchema, COMPACTED_FIELDS],
]);

/** Of a request that has parameters of `POST /responses`, the same sentences. */
function pick(schema: z.ZodObject): Record<string, string> {
  return Object.fromEntries(Object.entries(PARAMETERS).filter(([name]) => Object.hasOwn(schema.shape, name)));
}

const EVENTS: Record<string, string> = {
  ResponseStreamEvent:
    "One event of a response's stream. `sequence_number` counts from 0 without gaps, and is where a stream is resumed.",
  ResponseCreatedEvent: "The first event of every stream.",
  ResponseQueuedEvent: "Accepted, and waiting for a worker.",
  ResponseInProgressEvent: "A worker has begun, or begun again after the last one was lost.",
  ResponseCompletedEvent: "Terminal: the response as it was completed.",
  ResponseIncompleteEvent: "Terminal: the response as it stopped at a limit.",
  ResponseFailedEvent: "Terminal: the response failed, or was cancelled (its `status` says which).",
  ResponseOutputItemDoneEvent:
    "The item as it is. If it is `incomplete` and the response goes on, it is dropped and written again under the next `output_index`.",
};

/** In the published union, for clients that know it. */
const NEVER_SENT = "Published, and never sent by this server.";
const unsent = responseStreamEventSchema.options[2].options.map(({ shape }) => shape.type.value);
const eventName = (type: string): string =>
  `${type.replaceAll(/(?:^|[._])([a-z])/g, (_match, letter: string) => letter.toUpperCase())}Event`;

export const SCHEMA_DESCRIPTIONS: Readonly<Record<string, string>> = {
  ...EVENTS,
  ...Object.fromEntries(unsent.map((type) => [eventName(type), NEVER_SENT])),
  CreateRequest:
    "Null is what leaving out is. Parameters that are not here are refused, unless the operator has them ignored (`x-ignored-parameters`) or passed on to the model's provider (`extra_parameters`).",
  Response: "A response in one of its six states, told apart by `status`.",
  QueuedResponse: "Waiting for a worker.",
  InProgressResponse: "A worker has it; `output` is what there is so far.",
  CancelledResponse: "Cancelled; `output` is what there was.",
  IncompleteResponse: "Stopped at a limit.",
  InputItem: "A message or a reference may leave out its `type`.",
  ItemReference:
    "Names an item of a stored response or of a conversation instead of sending it. It is replaced before the request is recorded.",
  Compaction: "A summary of what came before it, sealed: only this server can open it.",
  OutputItem: "What a model, or a tool, has produced.",
  StoredItem: "An item as it was sent or produced, with the id by which lists are paged.",
  ErrorEnvelope: "Every refusal. `param` is the path of what is wrong (`input[0].content`), `code` is for programs.",
};
