/** Calls of functions and custom tools, and their outputs. Source: openai 7.59.0 `ResponseFunctionToolCall` … */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { answeredContentSchema, inputContentSchema } from "../content.ts";
import { callerSchema, callIdSchema, madeBy } from "./caller.ts";
import { itemStatusSchema } from "./status.ts";

const inputOutputSchema = z.union([bounded.text, z.array(inputContentSchema)]);
const answeredOutputSchema = z.union([z.string(), z.array(answeredContentSchema)]);

const inputFields = {
  id: bounded.identifier.nullish(),
  caller: callerSchema.nullish(),
  namespace: bounded.name.nullish(),
  status: itemStatusSchema.nullish(),
};

export const inputFunctionCallSchema = z.object({
  type: z.literal("function_call"),
  call_id: callIdSchema,
  name: z.string().min(1).max(128),
  arguments: bounded.text,
  async: z.boolean().nullish(),
  ...inputFields,
});

/** Without a `call_id` it answers no call: it is a late result of a function, identified by name. */
export const inputFunctionCallOutputSchema = z.object({
  type: z.literal("function_call_output"),
  call_id: callIdSchema.nullish(),
  name: bounded.name.nullish(),
  output: inputOutputSchema,
  ...inputFields,
});

export const inputCustomToolCallSchema = z.object({
  type: z.literal("custom_tool_call"),
  call_id: callIdSchema,
  name: bounded.name,
  input: bounded.text,
  async: z.boolean().nullish(),
  ...inputFields,
});

export const inputCustomToolCallOutputSchema = z.object({
  type: z.literal("custom_tool_call_output"),
  call_id: callIdSchema,
  output: inputOutputSchema,
  id: bounded.identifier.nullish(),
  caller: callerSchema.nullish(),
  status: itemStatusSchema.nullish(),
});

const outputFields = {
  id: z.string(),
  status: itemStatusSchema,
  ...madeBy,
};

export const functionCallSchema = z.object({
  type: z.literal("function_call"),
  call_id: z.string(),
  name: z.string(),
  arguments: z.string(),
  namespace: z.string().exactOptional(),
  async: z.boolean().exactOptional(),
  ...outputFields,
});

export const functionCallOutputSchema = z.object({
  type: z.literal("function_call_output"),
  call_id: z.string().exactOptional(),
  name: z.string().exactOptional(),
  namespace: z.string().exactOptional(),
  output: answeredOutputSchema,
  ...outputFields,
});

/** The published type has no status on the call; clients require one (contract.md#item-status). */
export const customToolCallSchema = z.object({
  type: z.literal("custom_tool_call"),
  call_id: z.string(),
  name: z.string(),
  input: z.string(),
  namespace: z.string().exactOptional(),
  async: z.boolean().exactOptional(),
  ...outputFields,
});

export const customToolCallOutputSchema = z.object({
  type: z.literal("custom_tool_call_output"),
  call_id: z.string(),
  output: answeredOutputSchema,
  ...outputFields,
});
