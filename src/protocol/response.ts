/**
 * The Response object: a union discriminated on `status`, so that a completed response with an error, or a queued one
 * with output, cannot be typed. Source: contract 02; key order as on the wire there.
 */
import { z } from "zod";
import { metadataSchema, reasoningConfigSchema, textFormatSchema } from "./create-request.ts";
import { outputItemSchema } from "./item.ts";
import { toolChoiceSchema, toolSchema } from "./tool.ts";

export const responseStatusSchema = z.enum(["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]);
export type ResponseStatus = z.infer<typeof responseStatusSchema>;

/** The states a response never leaves (contract 00, row 3). */
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

/** `type` is sent although the SDK calls it optional: the AI SDK refuses an error without it (contract 02). */
export const responseErrorSchema = z.object({
  code: z.string(),
  message: z.string(),
  type: z.string(),
  param: z.string().nullable(),
});
export type ResponseError = z.infer<typeof responseErrorSchema>;

export const incompleteDetailsSchema = z.object({
  reason: z.enum(["max_output_tokens", "content_filter", "max_messages", "steered"]),
});
export type IncompleteDetails = z.infer<typeof incompleteDetailsSchema>;

const commonFields = {
  id: z.string(),
  object: z.literal("response"),
  created_at: z.int(),
  background: z.boolean(),
  frequency_penalty: z.number(),
  instructions: z.string().nullable(),
  max_output_tokens: z.int().nullable(),
  max_tool_calls: z.int().nullable(),
  model: z.string(),
  moderation: z.null(),
  output: z.array(outputItemSchema),
  parallel_tool_calls: z.boolean(),
  presence_penalty: z.number(),
  previous_response_id: z.string().nullable(),
  prompt_cache_key: z.string().nullable(),
  prompt_cache_retention: z.enum(["in_memory", "24h"]).nullable(),
  reasoning: reasoningConfigSchema.nullable(),
  safety_identifier: z.string().nullable(),
  service_tier: z.string().nullable(),
  store: z.boolean(),
  temperature: z.number().nullable(),
  text: z.object({ format: textFormatSchema, verbosity: z.enum(["low", "medium", "high"]) }),
  tool_choice: toolChoiceSchema,
  tools: z.array(toolSchema),
  top_logprobs: z.int().nullable(),
  top_p: z.number().nullable(),
  truncation: z.enum(["auto", "disabled"]).nullable(),
  user: z.string().nullable(),
  metadata: metadataSchema,
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
export type ResponseInStatus<S extends ResponseStatus> = Extract<Response, { status: S }>;
