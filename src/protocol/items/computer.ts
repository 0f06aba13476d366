/** The computer tool: actions on a screen and the resulting screenshots. Source: openai 7.59.0. */
import { z } from "zod";
import { bounded } from "../bounded.ts";
import { callIdSchema } from "./caller.ts";
import { itemStatusSchema } from "./status.ts";

const point = { x: z.number(), y: z.number() };
const keys = { keys: z.array(bounded.name).nullable().exactOptional() };

const computerActionSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("click"),
    button: z.enum(["left", "right", "wheel", "back", "forward"]),
    ...point,
    ...keys,
  }),
  z.object({ type: z.literal("double_click"), keys: z.array(bounded.name).nullable(), ...point }),
  z.object({ type: z.literal("drag"), path: z.array(z.object(point)), ...keys }),
  z.object({ type: z.literal("keypress"), keys: z.array(bounded.name) }),
  z.object({ type: z.literal("move"), ...point, ...keys }),
  z.object({ type: z.literal("screenshot") }),
  z.object({ type: z.literal("scroll"), scroll_x: z.number(), scroll_y: z.number(), ...point, ...keys }),
  z.object({ type: z.literal("type"), text: bounded.text }),
  z.object({ type: z.literal("wait") }),
]);

const safetyCheckSchema = z.object({
  id: bounded.identifier,
  code: bounded.name.nullable().exactOptional(),
  message: bounded.text.nullable().exactOptional(),
});

/** Older models send `action`, newer ones `actions`. */
export const computerCallSchema = z.object({
  type: z.literal("computer_call"),
  id: bounded.identifier,
  call_id: bounded.identifier,
  action: computerActionSchema.exactOptional(),
  actions: z.array(computerActionSchema).exactOptional(),
  pending_safety_checks: z.array(safetyCheckSchema),
  status: itemStatusSchema,
});

const screenshotSchema = z.object({
  type: z.literal("computer_screenshot"),
  file_id: bounded.identifier.exactOptional(),
  image_url: bounded.data.exactOptional(),
});

export const inputComputerCallOutputSchema = z.object({
  type: z.literal("computer_call_output"),
  id: bounded.identifier.nullish(),
  call_id: callIdSchema,
  output: screenshotSchema,
  acknowledged_safety_checks: z.array(safetyCheckSchema).nullish(),
  status: itemStatusSchema.nullish(),
});

export const computerCallOutputSchema = z.object({
  type: z.literal("computer_call_output"),
  id: z.string(),
  call_id: z.string(),
  output: screenshotSchema,
  acknowledged_safety_checks: z.array(safetyCheckSchema).exactOptional(),
  status: z.enum(["completed", "incomplete", "failed", "in_progress"]),
  created_by: z.string().exactOptional(),
});
