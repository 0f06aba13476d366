/** The caller of a tool: the model, or a program that the model wrote (`programmatic_tool_calling`). */
import { z } from "zod";
import { bounded } from "../bounded.ts";

export const callerSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("direct") }),
  z.object({ type: z.literal("program"), caller_id: bounded.identifier }),
]);

export const callIdSchema = z.string().min(1).max(64);

/** Fields of a response's items. */
export const madeBy = { caller: callerSchema.nullable().exactOptional(), created_by: z.string().exactOptional() };
