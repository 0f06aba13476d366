/**
 * Calls of the tools that a provider runs by itself: web and file search, code interpreter, image generation. The same
 * in requests and in responses. Source: openai 7.59.0.
 */
import { z } from "zod";
import { cutOff } from "./status.ts";

const webSearchActionSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("search"),
    query: z.string().exactOptional(),
    queries: z.array(z.string()).exactOptional(),
    sources: z.array(z.object({ type: z.literal("url"), url: z.string() })).exactOptional(),
  }),
  z.object({ type: z.literal("open_page"), url: z.string().nullable().exactOptional() }),
  z.object({ type: z.literal("find_in_page"), pattern: z.string(), url: z.string() }),
]);

export const webSearchCallSchema = z.object({
  type: z.literal("web_search_call"),
  id: z.string(),
  action: webSearchActionSchema,
  status: z.enum(["in_progress", "searching", "completed", "failed", "incomplete"]),
});

/** Codex sends its calls back without their ids, and without an action that it did not understand. */
export const inputWebSearchCallSchema = z.object({
  ...webSearchCallSchema.shape,
  id: z.string().nullish(),
  action: webSearchActionSchema.nullish(),
  status: webSearchCallSchema.shape.status.nullish(),
});

export const fileSearchCallSchema = z.object({
  type: z.literal("file_search_call"),
  id: z.string(),
  queries: z.array(z.string()),
  results: z
    .array(
      z.object({
        attributes: z
          .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
          .nullable()
          .exactOptional(),
        file_id: z.string().exactOptional(),
        filename: z.string().exactOptional(),
        score: z.number().exactOptional(),
        text: z.string().exactOptional(),
      }),
    )
    .nullable()
    .exactOptional(),
  status: z.enum(["in_progress", "searching", "completed", "incomplete", "failed"]),
});

export const codeInterpreterCallSchema = z.object({
  type: z.literal("code_interpreter_call"),
  id: z.string(),
  code: z.string().nullable(),
  container_id: z.string(),
  outputs: z
    .array(
      z.discriminatedUnion("type", [
        z.object({ type: z.literal("logs"), logs: z.string() }),
        z.object({ type: z.literal("image"), url: z.string() }),
      ]),
    )
    .nullable(),
  status: z.enum(["in_progress", "completed", "incomplete", "interpreting", "failed"]),
});

const imageErrorSchema = z.object({
  code: z.string().nullable(),
  message: z.string(),
  param: z.string().nullable(),
  type: z.string(),
  moderation_details: z
    .object({ categories: z.array(z.string()), moderation_stage: z.enum(["input", "output", "unknown"]) })
    .exactOptional(),
});

export const imageGenerationCallSchema = z.object({
  type: z.literal("image_generation_call"),
  id: z.string(),
  result: z.string().nullable(),
  status: z.union([z.enum(["in_progress", "completed", "generating", "failed"]), cutOff.status.unwrap()]),
  action: z.enum(["generate", "edit", "auto"]).nullable().exactOptional(),
  background: z.enum(["transparent", "opaque", "auto"]).nullable().exactOptional(),
  error: imageErrorSchema.exactOptional(),
  output_format: z.enum(["png", "webp", "jpeg", "gif", "svg"]).nullable().exactOptional(),
  quality: z.enum(["low", "medium", "high", "xhigh", "max", "auto"]).nullable().exactOptional(),
  revised_prompt: z.string().nullable().exactOptional(),
  size: z.string().nullable().exactOptional(),
  svg_usage: z
    .object({
      input_tokens: z.int(),
      model: z.string(),
      output_tokens: z.int(),
      reasoning_tokens: z.int(),
      total_tokens: z.int(),
    })
    .exactOptional(),
});
