/**
 * Messages and reasoning. Source: openai 7.59.0 `EasyInputMessage`, `ResponseOutputMessage`, `ResponseReasoningItem`.
 */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import {
  answeredContentSchema,
  assistantContentSchema,
  inputContentSchema,
  messagePartSchema,
  reasoningTextSchema,
  summaryTextSchema,
} from "../content.ts";
import { itemStatusSchema } from "./status.ts";

const phaseSchema = z.enum(["commentary", "final_answer"]);

const inputFields = {
  type: z.literal("message"),
  id: bounded.identifier.nullish(),
  status: itemStatusSchema.nullish(),
  phase: phaseSchema.nullish(),
};

/** Only assistant messages hold model output. Errors list the roles in this order. */
export const inputMessageSchema = z.discriminatedUnion("role", [
  z.object({ ...inputFields, role: z.literal("user"), content: z.union([bounded.text, z.array(inputContentSchema)]) }),
  z.object({
    ...inputFields,
    role: z.literal("assistant"),
    content: z.union([bounded.text, z.array(assistantContentSchema)]),
  }),
  z.object({
    ...inputFields,
    role: z.enum(["system", "developer"]),
    content: z.union([bounded.text, z.array(inputContentSchema)]),
  }),
]);

/** A message of a prompt's template, as a response shows it in its instructions. */
export const instructionMessageSchema = z.discriminatedUnion("role", [
  z.object({
    type: z.literal("message"),
    role: z.enum(["system", "developer", "user"]),
    content: z.array(answeredContentSchema),
  }),
  // Written by an operator, but providers treat it as output of the model.
  z.object({ type: z.literal("message"), role: z.literal("assistant"), content: z.string() }),
]);
export type InstructionMessage = z.infer<typeof instructionMessageSchema>;

export const outputMessageSchema = z.object({
  type: z.literal("message"),
  id: z.string(),
  role: z.literal("assistant"),
  status: itemStatusSchema,
  content: z.array(messagePartSchema),
  phase: phaseSchema.nullable().exactOptional(),
});

export const inputReasoningSchema = z.object({
  type: z.literal("reasoning"),
  id: bounded.identifier.nullish(),
  summary: z.array(summaryTextSchema),
  content: z.array(reasoningTextSchema).nullish(),
  encrypted_content: bounded.data.nullish(),
  status: itemStatusSchema.nullish(),
});

export const outputReasoningSchema = z.object({
  type: z.literal("reasoning"),
  id: z.string(),
  summary: z.array(summaryTextSchema),
  content: z.array(reasoningTextSchema).exactOptional(),
  encrypted_content: z.string().nullable().exactOptional(),
  status: itemStatusSchema.exactOptional(),
});
