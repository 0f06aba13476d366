/**
 * Calls of tools that the provider runs: web and file search, code interpreter, image generation. Requests and
 * responses share these types. Source: openai 7.59.0.
 */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { cutOff } from "./status.ts";

const webSearchActionSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("search"),
    query: bounded.text.exactOptional(),
    queries: z.array(bounded.text).exactOptional(),
    sources: z.array(z.object({ type: z.literal("url"), url: bounded.address })).exactOptional(),
  }),
  z.object({ type: z.literal("open_page"), url: bounded.address.nullable().exactOptional() }),
  z.object({ type: z.literal("find_in_page"), pattern: bounded.text, url: bounded.address }),
]);

export const webSearchCallSchema = z.object({
  type: z.literal("web_search_call"),
  id: bounded.identifier,
  action: webSearchActionSchema,
  status: z.enum(["in_progress", "searching", "completed", "failed", "incomplete"]),
});

/** Codex returns its calls without ids, and without actions that it did not understand. */
export const inputWebSearchCallSchema = z.object({
  ...webSearchCallSchema.shape,
  id: bounded.identifier.nullish(),
  action: webSearchActionSchema.nullish(),
  status: webSearchCallSchema.shape.status.nullish(),
});

export const fileSearchCallSchema = z.object({
  type: z.literal("file_search_call"),
  id: bounded.identifier,
  queries: z.array(bounded.text),
  results: z
    .array(
      z.object({
        attributes: z
          .record(bounded.name, z.union([bounded.text, z.number(), z.boolean()]))
          .nullable()
          .exactOptional(),
        file_id: bounded.identifier.exactOptional(),
        filename: bounded.name.exactOptional(),
        score: z.number().exactOptional(),
        text: bounded.text.exactOptional(),
      }),
    )
    .nullable()
    .exactOptional(),
  status: z.enum(["in_progress", "searching", "completed", "incomplete", "failed"]),
});

export const codeInterpreterCallSchema = z.object({
  type: z.literal("code_interpreter_call"),
  id: bounded.identifier,
  code: bounded.text.nullable(),
  container_id: bounded.identifier,
  outputs: z
    .array(
      z.discriminatedUnion("type", [
        z.object({ type: z.literal("logs"), logs: bounded.text }),
        z.object({ type: z.literal("image"), url: bounded.data }),
      ]),
    )
    .nullable(),
  status: z.enum(["in_progress", "completed", "incomplete", "interpreting", "failed"]),
});

const imageErrorSchema = z.object({
  code: bounded.name.nullable(),
  message: bounded.text,
  param: bounded.name.nullable(),
  type: bounded.name,
  moderation_details: z
    .object({ categories: z.array(bounded.name), moderation_stage: z.enum(["input", "output", "unknown"]) })
    .exactOptional(),
});

export const imageGenerationCallSchema = z.object({
  type: z.literal("image_generation_call"),
  id: bounded.identifier,
  result: bounded.data.nullable(),
  status: z.union([z.enum(["in_progress", "completed", "generating", "failed"]), cutOff.status.unwrap()]),
  action: z.enum(["generate", "edit", "auto"]).nullable().exactOptional(),
  background: z.enum(["transparent", "opaque", "auto"]).nullable().exactOptional(),
  error: imageErrorSchema.exactOptional(),
  output_format: z.enum(["png", "webp", "jpeg", "gif", "svg"]).nullable().exactOptional(),
  quality: z.enum(["low", "medium", "high", "xhigh", "max", "auto"]).nullable().exactOptional(),
  revised_prompt: bounded.text.nullable().exactOptional(),
  size: bounded.name.nullable().exactOptional(),
  svg_usage: z
    .object({
      input_tokens: z.int(),
      model: bounded.name,
      output_tokens: z.int(),
      reasoning_tokens: z.int(),
      total_tokens: z.int(),
    })
    .exactOptional(),
});
