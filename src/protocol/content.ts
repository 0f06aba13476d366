/**
 * Parts of messages, reasoning and tool outputs. Source: openai 7.59.0 (`ResponseInputContent`, `ResponseOutputText`,
 * `ResponseReasoningItem`). Here and in `items/` and `tools/`: this server omits an empty field and sends null only
 * where the published type does (`exactOptional`); clients may also send null for an omitted field (`nullish`).
 */
import { z } from "zod";
import { bounded } from "./bounded.ts";

/** Marks the end of a prefix that the provider should cache. */
const cacheBreakpointSchema = z.object({ mode: z.literal("explicit"), ttl: z.enum(["30m", "12h"]).exactOptional() });

export const inputTextSchema = z.object({
  type: z.literal("input_text"),
  text: bounded.text,
  prompt_cache_breakpoint: cacheBreakpointSchema.nullish(),
});

export const inputImageSchema = z.object({
  type: z.literal("input_image"),
  image_url: bounded.data.nullish(),
  file_id: bounded.identifier.nullish(),
  detail: z.enum(["low", "high", "auto", "original"]).nullish(),
  prompt_cache_breakpoint: cacheBreakpointSchema.nullish(),
});

export const inputFileSchema = z.object({
  type: z.literal("input_file"),
  file_id: bounded.identifier.nullish(),
  file_url: bounded.data.nullish(),
  file_data: bounded.data.nullish(),
  filename: bounded.name.nullish(),
  detail: z.enum(["auto", "low", "high"]).nullish(),
  prompt_cache_breakpoint: cacheBreakpointSchema.nullish(),
});

export const inputContentSchema = z.discriminatedUnion("type", [inputTextSchema, inputImageSchema, inputFileSchema]);
export type InputContent = z.infer<typeof inputContentSchema>;

/** Outputs of calls and functions as items of a response: published item types allow fewer nulls than request types. */
const answeredBreakpoint = { prompt_cache_breakpoint: cacheBreakpointSchema.exactOptional() };
export const answeredContentSchema = z.discriminatedUnion("type", [
  z.object({ ...inputTextSchema.shape, ...answeredBreakpoint }),
  z.object({
    type: z.literal("input_image"),
    detail: z.enum(["low", "high", "auto", "original"]),
    file_id: z.string().nullable().exactOptional(),
    image_url: z.string().nullable().exactOptional(),
    ...answeredBreakpoint,
  }),
  z.object({
    type: z.literal("input_file"),
    detail: z.enum(["auto", "low", "high"]).exactOptional(),
    file_data: z.string().exactOptional(),
    file_id: z.string().nullable().exactOptional(),
    file_url: z.string().exactOptional(),
    filename: z.string().exactOptional(),
    ...answeredBreakpoint,
  }),
]);
export type AnsweredContent = z.infer<typeof answeredContentSchema>;

// --- output of a model -----------------------------------------------------------------------------------

export const annotationSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("file_citation"), file_id: bounded.identifier, filename: bounded.name, index: z.int() }),
  z.object({
    type: z.literal("url_citation"),
    url: bounded.address,
    title: bounded.description,
    start_index: z.int(),
    end_index: z.int(),
  }),
  z.object({
    type: z.literal("container_file_citation"),
    container_id: bounded.identifier,
    file_id: bounded.identifier,
    filename: bounded.name,
    start_index: z.int(),
    end_index: z.int(),
  }),
  z.object({ type: z.literal("file_path"), file_id: bounded.identifier, index: z.int() }),
]);

const tokenSchema = z.object({ token: bounded.name, bytes: z.array(z.int()), logprob: z.number() });

/** The logprobs of finished text. Events use a shorter form (event.ts). */
const logprobSchema = z.object({ ...tokenSchema.shape, top_logprobs: z.array(tokenSchema) });

export const outputTextSchema = z.object({
  type: z.literal("output_text"),
  text: z.string(),
  annotations: z.array(annotationSchema),
  logprobs: z.array(logprobSchema).exactOptional(),
});

export const refusalSchema = z.object({ type: z.literal("refusal"), refusal: bounded.text });
export const reasoningTextSchema = z.object({ type: z.literal("reasoning_text"), text: bounded.text });
export const summaryTextSchema = z.object({ type: z.literal("summary_text"), text: bounded.text });

export const messagePartSchema = z.discriminatedUnion("type", [outputTextSchema, refusalSchema]);
export type MessagePart = z.infer<typeof messagePartSchema>;

export const outputContentSchema = z.discriminatedUnion("type", [outputTextSchema, refusalSchema, reasoningTextSchema]);
export type OutputContent = z.infer<typeof outputContentSchema>;

/** A model's text as a client returns it: many omit the annotations or shorten the logprobs. */
const returnedTextSchema = z.object({
  type: z.literal("output_text"),
  text: bounded.text,
  annotations: z.array(annotationSchema).default([]),
  logprobs: z.array(z.object({ ...logprobSchema.partial({ bytes: true, top_logprobs: true }).shape })).nullish(),
});

/** Parts of an assistant message. */
export const assistantContentSchema = z.discriminatedUnion("type", [
  inputTextSchema,
  inputImageSchema,
  inputFileSchema,
  returnedTextSchema,
  refusalSchema,
]);
