/** Descriptions of fields and schemas. A parameter without one does not compile. */
import type { z } from "zod";
import { type CompactedResponse, compactedResponseSchema, compactRequestSchema } from "../protocol/compaction.ts";
import { createRequestSchema } from "../protocol/create-request.ts";
import { responseStreamEventSchema } from "../protocol/event.ts";
import { embeddingsRequestSchema } from "../protocol/embeddings.ts";
import { type InputTokensRequest, inputTokensRequestSchema } from "../protocol/input-tokens.ts";
import { type Response, responseSchema } from "../protocol/response.ts";
import { eventSchemaName } from "./schema-names.ts";

const PARAMETERS: Record<keyof typeof createRequestSchema.shape, string> = {
  model:
    "Model as `vendor/model`. A name without a vendor goes to the default vendor. `GET /models` lists the configured models. Optional if the prompt names a model.",
  input: "A string (one user message), or a list of items in the order the model reads them.",
  previous_response_id:
    "Id of a stored response that has ended. The model reads its input and output, and those of the responses before it, before this `input`.",
  conversation:
    "Conversation id. The model reads the conversation's items before this `input`. When the response ends, its input and output are added to the conversation.",
  prompt:
    "Id of a prompt template on this server, with its variables. The template provides messages that precede `input`, and defaults for parameters the request omits.",
  moderation: "Moderation settings, passed to the provider.",
  include:
    "Additional data to include in the output. Reasoning items always have `encrypted_content`: send them back in `input` unchanged.",
  tools:
    "Tools the model may call. The client runs functions and custom tools. The provider or this server runs hosted tools.",
  tool_choice: "Whether the model must call a tool, and which.",
  metadata:
    "Up to 16 key-value pairs for the client's own use. For `simulator/*` models, keys that begin with `simulator.` control the simulator.",
  text: "Format of the text output (plain text, JSON, or a JSON Schema) and its verbosity.",
  temperature: "Sampling temperature. Higher values make the output more random.",
  top_p: "Nucleus sampling: the model samples from the most probable tokens up to this total probability.",
  presence_penalty: "Penalty for tokens that already appeared.",
  frequency_penalty: "Penalty for tokens that already appeared, growing with their frequency.",
  parallel_tool_calls: "Whether the model may call several tools in one turn.",
  stream: "Return a stream of events instead of the response object.",
  stream_options: "Stream settings. `include_obfuscation` pads deltas to hide the length of their text.",
  background:
    "Return at once with status `queued` and run independently of the client. Otherwise the run is cancelled if the client disconnects.",
  background_options:
    "`completion_window`: `soonest`, `2h` or `8h`. With `2h` or `8h` the response waits behind all others, and starts in time for the window. These need `background: true`, a `service_tier` of `auto` or `default`, and no `stream`. `continuation_id` groups related requests, which run close together.",
  max_output_tokens: "Maximum number of output tokens. A response that reaches it ends as `incomplete`.",
  max_tool_calls: "Maximum number of hosted tool calls.",
  reasoning: "Reasoning effort, and whether to summarize the reasoning.",
  user: "Deprecated. Use `safety_identifier` and `prompt_cache_key`.",
  safety_identifier: "Stable identifier of the end user, passed to the provider.",
  prompt_cache_options: "Prompt caching settings for the provider.",
  prompt_cache_key:
    "Key for the provider's prompt cache. Requests with the same key are likely to share a cached prefix.",
  prompt_cache_retention: "How long the provider keeps a cached prefix.",
  truncation:
    "`auto` drops the oldest items if the input exceeds the model's context window. With `disabled` the response fails instead.",
  instructions: "System message that precedes everything else. `previous_response_id` does not carry it over.",
  store:
    "Whether to keep the response. With `false` it cannot be continued. It is erased when it ends or, with `background`, soon after.",
  service_tier: "Order in the background queue: `priority` first, then `default`, then `flex`.",
  top_logprobs: "Number of alternative tokens to return at each position.",
  context_management:
    "Automatic compaction. Above `compact_threshold` tokens, the model writes a summary that replaces all but the latest messages.",
  access_programs: "Access programs of the provider that the caller belongs to.",
  image: "Image settings for the provider.",
  client_metadata: "Information about the client, as Codex sends it. Accepted, but neither stored nor passed on.",
};

/** Other fields echo the request, with defaults filled in. */
const RESPONSE_FIELDS = {
  id: "Id: `resp_` and 50 hex digits.",
  status: "Status. `completed`, `incomplete`, `failed` and `cancelled` are final.",
  created_at: "Time of creation, in Unix seconds.",
  completed_at: "Time of completion, in Unix seconds. Null unless the status is `completed`.",
  output: "Output items. Until the response ends, the list grows and its last item may be unfinished.",
  error: "Reason for the failure. Null unless the status is `failed`.",
  incomplete_details: "Reason the response stopped early. Null unless the status is `incomplete`.",
  usage: "Token usage. Null until the response ends.",
  model: "Model, as named by the request or its prompt.",
  instructions: "Instructions from the request, or the messages of its prompt.",
  prompt: "Prompt, with the version that was used.",
} satisfies Partial<Record<keyof Response, string>>;

const INPUT_TOKENS_FIELDS: Record<Exclude<keyof InputTokensRequest, keyof typeof PARAMETERS>, string> = {
  personality: "Personality setting, passed to the provider.",
};
const COMPACTED_FIELDS = {
  id: "Id of the compaction. It cannot be retrieved or continued.",
  output: "The `input` to continue with: messages kept word for word, and the compaction as the last item.",
  usage: "Token usage of the summary.",
} satisfies Partial<Record<keyof CompactedResponse, string>>;

const EMBEDDINGS_FIELDS = {
  input: "Text, or up to 2,048 of them; or a list of tokens, or up to 2,048 of those.",
  model: "Model, as `provider/name`, or as a name alone for the default provider.",
  dimensions: "Length of the vectors, for models that can shorten them.",
  encoding_format: "`float` for numbers (default), `base64` for little-endian 32-bit floats.",
  user: "Id of an end user, passed to the provider.",
} satisfies Record<keyof typeof embeddingsRequestSchema.shape, string>;

/** Descriptions of fields by schema. Those of a union apply to each member. */
export const FIELDS = new Map<z.ZodType, Readonly<Record<string, string>>>([
  [createRequestSchema, PARAMETERS],
  [inputTokensRequestSchema, { ...pick(inputTokensRequestSchema), ...INPUT_TOKENS_FIELDS }],
  [compactRequestSchema, pick(compactRequestSchema)],
  [embeddingsRequestSchema, EMBEDDINGS_FIELDS],
  [responseSchema, RESPONSE_FIELDS],
  [compactedResponseSchema, COMPACTED_FIELDS],
]);

/** Requests that share parameters with `POST /responses` share their descriptions. */
function pick(schema: z.ZodObject): Record<string, string> {
  return Object.fromEntries(Object.entries(PARAMETERS).filter(([name]) => Object.hasOwn(schema.shape, name)));
}

const EVENTS: Record<string, string> = {
  ResponseStreamEvent:
    "One event of a response's stream. `sequence_number` counts from 0 without gaps. Clients resume a stream after such a number.",
  ResponseCreatedEvent: "First event of every stream.",
  ResponseQueuedEvent: "The response is accepted and waits for a worker.",
  ResponseInProgressEvent: "The run has started.",
  ResponseCompletedEvent: "Terminal event: the completed response.",
  ResponseIncompleteEvent: "Terminal event: the response stopped at a limit.",
  ResponseFailedEvent: "Terminal event: the response failed or was cancelled. Its `status` is `failed` or `cancelled`.",
  ResponseOutputItemDoneEvent:
    "The finished item. If its status is `incomplete` and the response continues, the final output omits it, and a new item follows at the next `output_index`.",
};

const NEVER_SENT = "Part of the published API. This server never sends it.";
const unsent = responseStreamEventSchema.options[2].options.map(({ shape }) => shape.type.value);

export const SCHEMA_DESCRIPTIONS: Readonly<Record<string, string>> = {
  ...EVENTS,
  ...Object.fromEntries(unsent.map((type) => [eventSchemaName(type), NEVER_SENT])),
  CreateRequest:
    "`null` means the same as omitting a parameter. Unknown parameters are rejected, unless the operator configured the server to ignore them (`x-ignored-parameters`) or to pass them to the model's provider (`extra_parameters`).",
  Response: "A response. `status` determines which of its six forms it has.",
  QueuedResponse: "A response that waits for a worker.",
  InProgressResponse: "A response that is running. `output` is partial.",
  CancelledResponse: "A cancelled response. `output` is what the run had produced.",
  IncompleteResponse: "A response that stopped at a limit.",
  InputItem: "An input item. Messages and references may omit `type`.",
  ItemReference:
    "Reference to an item of a stored response or a conversation. The server replaces it with the item when it accepts the request.",
  Compaction: "Summary of the conversation before it, encrypted by this server. Clients cannot read it.",
  OutputItem: "An item that the model or a tool produced.",
  StoredItem: "An item as it was sent or produced, with its id.",
  ErrorEnvelope:
    "Body of every error. `param` is the path of the wrong value, such as `input[0].content`. `code` is for programs, `message` for people.",
};
