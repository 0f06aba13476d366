/**
 * Tools that the client runs: functions and custom tools, and how a model finds and calls them. Source: openai 7.59.0.
 */
import { z } from "zod";
import { bounded } from "../bounded.ts";

export const allowedCallersSchema = z.array(z.enum(["direct", "programmatic"])).nullable();

const nameSchema = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[a-zA-Z0-9_-]+$/);

const deferrable = {
  allowed_callers: allowedCallersSchema.exactOptional(),
  async: z.boolean().exactOptional(),
  defer_loading: z.boolean().exactOptional(),
};

const jsonSchema = z.record(bounded.name, z.unknown());

export const functionToolSchema = z.strictObject({
  type: z.literal("function"),
  name: nameSchema,
  description: bounded.description.nullish(),
  parameters: jsonSchema.nullish(),
  strict: z.boolean().nullish(),
  output_schema: jsonSchema.nullable().exactOptional(),
  ...deferrable,
});
export type FunctionTool = z.infer<typeof functionToolSchema>;

/** A function as a response shows it. */
export const responseFunctionToolSchema = z.strictObject({
  ...functionToolSchema.shape,
  name: z.string(),
  description: z.string().nullable(),
  parameters: jsonSchema.nullable(),
  strict: z.boolean().nullable(),
});

export const customToolSchema = z.strictObject({
  type: z.literal("custom"),
  name: bounded.name,
  description: bounded.description.exactOptional(),
  format: z
    .discriminatedUnion("type", [
      z.strictObject({ type: z.literal("text") }),
      z.strictObject({ type: z.literal("grammar"), definition: bounded.text, syntax: z.enum(["lark", "regex"]) }),
    ])
    .exactOptional(),
  ...deferrable,
});

export const namespaceToolSchema = z.strictObject({
  type: z.literal("namespace"),
  name: bounded.name,
  description: bounded.description,
  tools: z.array(
    z.discriminatedUnion("type", [
      z.strictObject({
        type: z.literal("function"),
        name: nameSchema,
        description: bounded.description.nullable().exactOptional(),
        parameters: z.unknown().exactOptional(),
        strict: z.boolean().nullable().exactOptional(),
        output_schema: jsonSchema.nullable().exactOptional(),
        ...deferrable,
      }),
      customToolSchema,
    ]),
  ),
});

export const toolSearchToolSchema = z.strictObject({
  type: z.literal("tool_search"),
  description: bounded.description.nullable().exactOptional(),
  execution: z.enum(["server", "client"]).exactOptional(),
  parameters: z.unknown().exactOptional(),
});

export const programmaticToolSchema = z.strictObject({ type: z.literal("programmatic_tool_calling") });
