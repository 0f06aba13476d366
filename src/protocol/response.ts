/**
 * The Response object: a union discriminated on `status`, so that a completed response with an error or a queued one
 * with output does not compile. Source: contract.md#response-object; the keys have the wire order.
 */
import { z } from "zod";
import { outputItemSchema } from "./item.ts";
import { instructionMessageSchema } from "./items/message.ts";
import * as settings from "./request-options.ts";
import { responseToolChoiceSchema, responseToolSchema } from "./tool.ts";

export const responseStatusSchema = z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]);
export type ResponseStatus = z.infer<typeof responseStatusSchema>;

/** Final statuses (contract.md#statuses). */
export const TERMINAL_STATUSES = ["completed", "incomplete", "failed", "cancelled"] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

export function isTerminalStatus(status: string): status is TerminalStatus {
  return (TERMINAL_STATUSES as readonly string[]).includes(status);
}

export const usageSchema = z.object({
  input_tokens: z.int(),
  input_tokens_details: z.object({ cached_tokens: z.int(), cache_write_tokens: z.int() }),
  output_tokens: z.int(),
  output_tokens_details: z.object({ reasoning_tokens: z.int() }),
  total_tokens: z.int(),
});
export type Usage = z.infer<typeof usageSchema>;

/**
 * As published (openai 7.59.0 `ResponseError`), plus `insufficient_quota`, which the hosted API sends
 * (contract.md#failures).
 */
export const responseErrorCodeSchema = z.enum([
  "server_error",
  "rate_limit_exceeded",
  "invalid_prompt",
  "data_residency_mismatch",
  "bio_policy",
  "misalignment_policy_violation",
  "vector_store_timeout",
  "invalid_image",
  "invalid_image_format",
  "invalid_base64_image",
  "invalid_image_url",
  "image_too_large",
  "image_too_small",
  "image_parse_error",
  "image_content_policy_violation",
  "invalid_image_mode",
  "image_file_too_large",
  "unsupported_image_media_type",
  "empty_image_file",
  "failed_to_download_image",
  "image_file_not_found",
  "insufficient_quota",
]);
export type ResponseErrorCode = z.infer<typeof responseErrorCodeSchema>;

/**
 * `type` is always sent, although the SDK calls it optional: the AI SDK rejects an error without it
 * (contract.md#response-object).
 */
export const responseErrorSchema = z.object({
  code: responseErrorCodeSchema,
  message: z.string(),
  type: z.string(),
  param: z.string().nullable(),
});
export type ResponseError = z.infer<typeof responseErrorSchema>;

export const incompleteDetailsSchema = z.object({
  reason: z.enum(["max_output_tokens", "content_filter", "max_messages", "steered"]),
});
export type IncompleteDetails = z.infer<typeof incompleteDetailsSchema>;

/** Usage of hosted tools other than tokens. */
export const toolUsageSchema = z.object({
  image_gen: z.object({
    input_tokens: z.int(),
    input_tokens_details: z.object({ image_tokens: z.int(), text_tokens: z.int() }),
    output_tokens: z.int(),
    total_tokens: z.int(),
    cached_tokens: z.int().exactOptional(),
    cached_tokens_details: z.object({ cached_image_tokens: z.int(), cached_text_tokens: z.int() }).exactOptional(),
    output_tokens_details: z.object({ image_tokens: z.int(), text_tokens: z.int() }).exactOptional(),
  }),
  web_search: z.object({ num_requests: z.int() }),
});
export type ToolUsage = z.infer<typeof toolUsageSchema>;

const moderationOutcomeSchema = z.discriminatedUnion("type", [
  z.object({
    categories: z.record(z.string(), z.boolean()),
    category_applied_input_types: z.record(z.string(), z.array(z.enum(["text", "image"]))),
    category_scores: z.record(z.string(), z.number()),
    flagged: z.boolean(),
    model: z.string(),
    type: z.literal("moderation_result"),
  }),
  z.object({ code: z.string(), message: z.string(), type: z.literal("error") }),
]);

/** Results of the provider's moderation, if the request asked for it. */
export const responseModerationSchema = z.object({ input: moderationOutcomeSchema, output: moderationOutcomeSchema });
export type ResponseModeration = z.infer<typeof responseModerationSchema>;

const commonFields = {
  id: z.string(),
  object: z.literal("response"),
  created_at: z.int(),
  background: z.boolean(),
  access_programs: settings.responseAccessProgramsSchema.nullable(),
  conversation: z.object({ id: z.string() }).nullable(),
  frequency_penalty: z.number(),
  image: settings.responseImageOptionsSchema.exactOptional(),
  instructions: z.union([z.string(), z.array(instructionMessageSchema)]).nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.int().nullable(),
  model: z.string(),
  moderation: responseModerationSchema.nullable(),
  output: z.array(outputItemSchema),
  parallel_tool_calls: z.boolean(),
  presence_penalty: z.number(),
  previous_response_id: z.string().nullable(),
  prompt: settings.responsePromptSchema.nullable(),
  prompt_cache_key: z.string().nullable(),
  prompt_cache_options: settings.responsePromptCacheOptionsSchema.exactOptional(),
  prompt_cache_retention: settings.promptCacheRetentionSchema.nullable(),
  reasoning: settings.responseReasoningSchema,
  safety_identifier: z.string().nullable(),
  service_tier: settings.serviceTierSchema,
  store: z.boolean(),
  temperature: z.number(),
  text: settings.responseTextConfigSchema,
  tool_choice: responseToolChoiceSchema,
  tool_usage: toolUsageSchema,
  tools: z.array(responseToolSchema),
  top_logprobs: z.int(),
  top_p: z.number(),
  truncation: settings.truncationSchema,
  user: z.string().nullable(),
  metadata: settings.metadataSchema,
};

const unfinishedFields = {
  completed_at: z.null(),
  error: z.null(),
  incomplete_details: z.null(),
  usage: z.null(),
};

export const responseSchema = z.discriminatedUnion("status", [
  z.object({ ...commonFields, ...unfinishedFields, status: z.literal("queued"), output: z.tuple([]) }),
  z.object({ ...commonFields, ...unfinishedFields, status: z.literal("in_progress") }),
  z.object({ ...commonFields, ...unfinishedFields, status: z.literal("cancelled") }),
  z.object({
    ...commonFields,
    status: z.literal("completed"),
    completed_at: z.int(),
    error: z.null(),
    incomplete_details: z.null(),
    usage: usageSchema,
  }),
  z.object({
    ...commonFields,
    status: z.literal("incomplete"),
    completed_at: z.null(),
    error: z.null(),
    incomplete_details: incompleteDetailsSchema,
    usage: usageSchema.nullable(),
  }),
  z.object({
    ...commonFields,
    status: z.literal("failed"),
    completed_at: z.null(),
    error: responseErrorSchema,
    incomplete_details: z.null(),
    usage: usageSchema.nullable(),
  }),
]);
export type Response = z.infer<typeof responseSchema>;

/** The answer to DELETE (contract.md#deleting). */
export const deletedResponseSchema = z.object({
  id: z.string(),
  object: z.literal("response"),
  deleted: z.literal(true),
});

export type ResponseInStatus<S extends ResponseStatus> = Extract<Response, { status: S }>;
