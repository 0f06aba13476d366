/** Tools a request may offer, and how it may ask for them. Source: contract 03 §3.1, openai 7.57.0 `Tool`. */
import { z } from "zod";

const functionToolSchema = z.object({
  type: z.literal("function"),
  name: z
    .string()
    .min(1)
    .max(128)
    .regex(/^[a-zA-Z0-9_-]+$/),
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()).nullish(),
  strict: z.boolean().nullish(),
});
export type FunctionTool = z.infer<typeof functionToolSchema>;

export const toolSchema = z.discriminatedUnion("type", [functionToolSchema]);
export type Tool = z.infer<typeof toolSchema>;

const functionChoiceSchema = z.object({ type: z.literal("function"), name: z.string() });

const allowedToolsSchema = z.object({
  type: z.literal("allowed_tools"),
  mode: z.enum(["auto", "required"]),
  tools: z.array(z.record(z.string(), z.unknown())),
});

export const toolChoiceSchema = z.union([
  z.enum(["none", "auto", "required"]),
  z.discriminatedUnion("type", [functionChoiceSchema, allowedToolsSchema]),
]);
