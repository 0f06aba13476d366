/**
 * Items that change the model's context: compaction, settings and tools from this point on, programs, and references to
 * stored items. Source: openai 7.59.0.
 */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { reasoningEffortSchema, textFormatSchema } from "../request-options.ts";
import { responseToolSchema, toolSchema } from "../tool.ts";
import { cutOff, itemStatusSchema } from "./status.ts";

export const inputCompactionSchema = z.object({
  type: z.literal("compaction"),
  id: bounded.identifier.nullish(),
  encrypted_content: bounded.data,
});

export const compactionSchema = z.object({
  type: z.literal("compaction"),
  id: z.string(),
  encrypted_content: z.string(),
  created_by: z.string().exactOptional(),
  ...cutOff,
});

export const compactionTriggerSchema = z.object({
  type: z.literal("compaction_trigger"),
  id: bounded.identifier.nullish(),
});

export const itemReferenceSchema = z.object({ type: z.literal("item_reference"), id: bounded.identifier });

export const configurationUpdateSchema = z.object({
  type: z.literal("configuration_update"),
  id: bounded.identifier.nullish(),
  reasoning: z.object({ effort: reasoningEffortSchema.nullish() }).nullish(),
  text: z.object({ format: textFormatSchema }).nullish(),
});

export const inputAdditionalToolsSchema = z.object({
  type: z.literal("additional_tools"),
  id: bounded.identifier.nullish(),
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
  id: bounded.identifier.nullish(),
  call_id: bounded.identifier.nullish(),
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
  id: bounded.identifier.nullish(),
  call_id: bounded.identifier.nullish(),
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
  id: bounded.identifier,
  call_id: bounded.identifier,
  code: bounded.text,
  fingerprint: bounded.text,
  ...cutOff,
});

export const programOutputSchema = z.object({
  type: z.literal("program_output"),
  id: bounded.identifier,
  call_id: bounded.identifier,
  result: bounded.text,
  status: z.enum(["completed", "incomplete"]),
});
