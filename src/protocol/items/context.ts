/**
 * Items that change what the model has before it: compaction, settings and tools from here on, programs, and references
 * to items that are kept. Source: openai 7.59.0.
 */
import { z } from "zod";
import { reasoningEffortSchema, textFormatSchema } from "../settings.ts";
import { responseToolSchema, toolSchema } from "../tool.ts";
import { cutOff, itemStatusSchema } from "./status.ts";

export const inputCompactionSchema = z.object({
  type: z.literal("compaction"),
  id: z.string().nullish(),
  encrypted_content: z.string(),
});

export const compactionSchema = z.object({
  type: z.literal("compaction"),
  id: z.string(),
  encrypted_content: z.string(),
  created_by: z.string().exactOptional(),
  ...cutOff,
});

export const compactionTriggerSchema = z.object({ type: z.literal("compaction_trigger"), id: z.string().nullish() });

export const itemReferenceSchema = z.object({ type: z.literal("item_reference"), id: z.string() });

export const configurationUpdateSchema = z.object({
  type: z.literal("configuration_update"),
  id: z.string().nullish(),
  reasoning: z.object({ effort: reasoningEffortSchema.nullish() }).nullish(),
  text: z.object({ format: textFormatSchema }).nullish(),
});

export const inputAdditionalToolsSchema = z.object({
  type: z.literal("additional_tools"),
  id: z.string().nullish(),
  role: z.literal("developer"),
  tools: z.array(toolSchema),
});

export const additionalToolsSchema = z.object({
  type: z.literal("additional_tools"),
  id: z.string(),
  role: z.enum(["unknown", "user", "assistant", "system", "critic", "discriminator", "developer", "tool"]),
  tools: z.array(responseToolSchema),
  ...cutOff,
});

const executionSchema = z.enum(["server", "client"]);

export const inputToolSearchCallSchema = z.object({
  type: z.literal("tool_search_call"),
  id: z.string().nullish(),
  call_id: z.string().nullish(),
  arguments: z.unknown(),
  execution: executionSchema.nullish(),
  status: itemStatusSchema.nullish(),
});

export const toolSearchCallSchema = z.object({
  type: z.literal("tool_search_call"),
  id: z.string(),
  call_id: z.string().nullable(),
  arguments: z.unknown(),
  execution: executionSchema,
  status: itemStatusSchema,
  created_by: z.string().exactOptional(),
});

export const inputToolSearchOutputSchema = z.object({
  type: z.literal("tool_search_output"),
  id: z.string().nullish(),
  call_id: z.string().nullish(),
  tools: z.array(toolSchema),
  execution: executionSchema.nullish(),
  status: itemStatusSchema.nullish(),
});

export const toolSearchOutputSchema = z.object({
  type: z.literal("tool_search_output"),
  id: z.string(),
  call_id: z.string().nullable(),
  tools: z.array(responseToolSchema),
  execution: executionSchema,
  status: itemStatusSchema,
  created_by: z.string().exactOptional(),
});

export const programSchema = z.object({
  type: z.literal("program"),
  id: z.string(),
  call_id: z.string(),
  code: z.string(),
  fingerprint: z.string(),
  ...cutOff,
});

export const programOutputSchema = z.object({
  type: z.literal("program_output"),
  id: z.string(),
  call_id: z.string(),
  result: z.string(),
  status: z.enum(["completed", "incomplete"]),
});
