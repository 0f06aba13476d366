/**
 * Input and output items of a response, and the content parts inside them.
 *
 * Source: contract 01 §1.4 and the types of openai 7.57.0 (`resources/responses/responses.d.ts`).
 * Input schemas are strict about what they know; output schemas describe what this server may emit or pass on.
 */
import { z } from "zod";

export const itemStatusSchema = z.enum(["in_progress", "completed", "incomplete"]);
export type ItemStatus = z.infer<typeof itemStatusSchema>;

// --- content parts -----------------------------------------------------------------------------------------

const annotationSchema = z.looseObject({ type: z.string() });

const logprobSchema = z.looseObject({ token: z.string(), logprob: z.number() });

const inputTextSchema = z.object({ type: z.literal("input_text"), text: z.string() });

const inputImageSchema = z.object({
  type: z.literal("input_image"),
  image_url: z.string().nullish(),
  file_id: z.string().nullish(),
  detail: z.enum(["low", "high", "auto", "original"]).nullish(),
});

const inputFileSchema = z.object({
  type: z.literal("input_file"),
  file_id: z.string().nullish(),
  file_url: z.string().nullish(),
  file_data: z.string().nullish(),
  filename: z.string().nullish(),
});

const outputTextSchema = z.object({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(annotationSchema).default([]),
  logprobs: z.array(logprobSchema).optional(),
});

const refusalSchema = z.object({ type: z.literal("refusal"), refusal: z.string() });
const reasoningTextSchema = z.object({ type: z.literal("reasoning_text"), text: z.string() });
const summaryTextSchema = z.object({ type: z.literal("summary_text"), text: z.string() });

export const messagePartSchema = z.discriminatedUnion("type", [outputTextSchema, refusalSchema]);
export type MessagePart = z.infer<typeof messagePartSchema>;

export const outputContentSchema = z.discriminatedUnion("type", [outputTextSchema, refusalSchema, reasoningTextSchema]);

const inputContentSchema = z.discriminatedUnion("type", [inputTextSchema, inputImageSchema, inputFileSchema]);

const anyContentSchema = z.discriminatedUnion("type", [
  inputTextSchema,
  inputImageSchema,
  inputFileSchema,
  outputTextSchema,
  refusalSchema,
]);

// --- input items -------------------------------------------------------------------------------------------

const inputMessageSchema = z.object({
  type: z.literal("message"),
  id: z.string().nullish(),
  role: z.enum(["user", "assistant", "system", "developer"]),
  status: itemStatusSchema.nullish(),
  phase: z.enum(["commentary", "final_answer"]).nullish(),
  content: z.union([z.string(), z.array(anyContentSchema)]),
});

const inputFunctionCallSchema = z.object({
  type: z.literal("function_call"),
  id: z.string().nullish(),
  call_id: z.string().min(1).max(64),
  name: z.string().min(1).max(128),
  arguments: z.string(),
  status: itemStatusSchema.nullish(),
});

const functionCallOutputSchema = z.object({
  type: z.literal("function_call_output"),
  id: z.string().nullish(),
  call_id: z.string().min(1).max(64),
  output: z.union([z.string().max(10_485_760), z.array(inputContentSchema)]),
  status: itemStatusSchema.nullish(),
});

const inputReasoningSchema = z.object({
  type: z.literal("reasoning"),
  id: z.string().nullish(),
  summary: z.array(summaryTextSchema),
  content: z.array(reasoningTextSchema).nullish(),
  encrypted_content: z.string().nullish(),
  status: itemStatusSchema.nullish(),
});

/** An EasyInputMessage may leave `type` out: a role says that it is a message (openai 7.57 `EasyInputMessage`). */
function nameMessageType(item: unknown): unknown {
  const isUntypedMessage = typeof item === "object" && item !== null && !("type" in item) && "role" in item;
  return isUntypedMessage ? { type: "message", ...item } : item;
}

export const inputItemSchema = z.preprocess(
  nameMessageType,
  z.discriminatedUnion("type", [
    inputMessageSchema,
    inputFunctionCallSchema,
    functionCallOutputSchema,
    inputReasoningSchema,
  ]),
);
export type InputItem = z.infer<typeof inputItemSchema>;

/** An input item as it is stored and listed: it always has an id (openai 7.57 pages by it). */
export type StoredInputItem = InputItem & { id: string };

// --- output items ------------------------------------------------------------------------------------------

const messageItemSchema = z.looseObject({
  type: z.literal("message"),
  id: z.string(),
  role: z.literal("assistant"),
  status: itemStatusSchema,
  content: z.array(messagePartSchema),
});

const functionCallItemSchema = z.looseObject({
  type: z.literal("function_call"),
  id: z.string(),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
  status: itemStatusSchema,
});

const reasoningItemSchema = z.looseObject({
  type: z.literal("reasoning"),
  id: z.string(),
  summary: z.array(summaryTextSchema),
  content: z.array(reasoningTextSchema).nullish(),
  encrypted_content: z.string().nullish(),
  status: itemStatusSchema.nullish(),
});

/**
 * Items of a provider's hosted tools. They are passed on as they came, so only what every item has is described.
 * Names: the `ResponseOutputItem` union of openai 7.57.0.
 */
const hostedItemSchema = z.looseObject({
  type: z.enum([
    "additional_tools",
    "apply_patch_call",
    "apply_patch_call_output",
    "code_interpreter_call",
    "compaction",
    "computer_call",
    "computer_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "file_search_call",
    "function_call_output",
    "image_generation_call",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "program",
    "program_output",
    "shell_call",
    "shell_call_output",
    "tool_search_call",
    "tool_search_output",
    "web_search_call",
  ]),
  id: z.string(),
  status: z.string().nullish(),
});

export const outputItemSchema = z.discriminatedUnion("type", [
  messageItemSchema,
  functionCallItemSchema,
  reasoningItemSchema,
  hostedItemSchema,
]);
export type OutputItem = z.infer<typeof outputItemSchema>;
