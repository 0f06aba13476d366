/**
 * All stream events, as one union discriminated on `type` (59 in openai 7.59.0). Source: contract.md#events. There are
 * two families: *lifecycle* events carry the whole response; *item* events carry `output_index` or a part of an item.
 * Upstreams yield item events only; the server adds the lifecycle events.
 */
import { z } from "zod";
import { annotationSchema, outputContentSchema, summaryTextSchema } from "./content.ts";
import { outputItemSchema } from "./item.ts";
import { shellOutputSchema } from "./items/shell.ts";
import { responseSchema } from "./response.ts";

const onItem = { item_id: z.string(), output_index: z.int() };
const onContent = { ...onItem, content_index: z.int() };
const onSummary = { ...onItem, summary_index: z.int() };
const onCommand = { output_index: z.int(), command_index: z.int() };

/** Shorter than the logprobs of finished text (content.ts), as published. */
const logprobs = z.array(
  z.object({
    token: z.string(),
    logprob: z.number(),
    top_logprobs: z
      .array(z.object({ token: z.string().exactOptional(), logprob: z.number().exactOptional() }))
      .exactOptional(),
  }),
);

function eventSchema<const T extends string, F extends z.ZodRawShape>(type: T, fields: F) {
  return z.object({ type: z.literal(type), sequence_number: z.int().nonnegative(), ...fields });
}

function lifecycleSchema<const T extends string>(type: T) {
  return eventSchema(type, { response: responseSchema });
}

export const lifecycleEventSchema = z.discriminatedUnion("type", [
  lifecycleSchema("response.created"),
  lifecycleSchema("response.queued"),
  lifecycleSchema("response.in_progress"),
  lifecycleSchema("response.completed"),
  lifecycleSchema("response.incomplete"),
  lifecycleSchema("response.failed"),
]);
export type LifecycleEvent = z.infer<typeof lifecycleEventSchema>;

export const itemEventSchema = z.discriminatedUnion("type", [
  eventSchema("response.output_item.added", { output_index: z.int(), item: outputItemSchema }),
  eventSchema("response.output_item.done", { output_index: z.int(), item: outputItemSchema }),
  eventSchema("response.content_part.added", { ...onContent, part: outputContentSchema }),
  eventSchema("response.content_part.done", { ...onContent, part: outputContentSchema }),
  eventSchema("response.output_text.delta", { ...onContent, delta: z.string(), logprobs }),
  eventSchema("response.output_text.done", { ...onContent, text: z.string(), logprobs }),
  eventSchema("response.output_text.annotation.added", {
    ...onContent,
    annotation_index: z.int(),
    annotation: annotationSchema.nullable(),
  }),
  eventSchema("response.refusal.delta", { ...onContent, delta: z.string() }),
  eventSchema("response.refusal.done", { ...onContent, refusal: z.string() }),
  eventSchema("response.reasoning_text.delta", { ...onContent, delta: z.string() }),
  eventSchema("response.reasoning_text.done", { ...onContent, text: z.string() }),
  eventSchema("response.reasoning_summary_part.added", { ...onSummary, part: summaryTextSchema }),
  eventSchema("response.reasoning_summary_part.done", {
    ...onSummary,
    status: z.literal("incomplete").exactOptional(),
    part: summaryTextSchema,
  }),
  eventSchema("response.reasoning_summary_text.delta", { ...onSummary, delta: z.string() }),
  eventSchema("response.reasoning_summary_text.done", { ...onSummary, text: z.string() }),
  eventSchema("response.function_call_arguments.delta", { ...onItem, delta: z.string() }),
  eventSchema("response.function_call_arguments.done", {
    ...onItem,
    name: z.string().exactOptional(),
    arguments: z.string(),
  }),
  eventSchema("response.custom_tool_call_input.delta", { ...onItem, delta: z.string() }),
  eventSchema("response.custom_tool_call_input.done", { ...onItem, input: z.string() }),
  eventSchema("response.mcp_call_arguments.delta", { ...onItem, delta: z.string() }),
  eventSchema("response.mcp_call_arguments.done", { ...onItem, arguments: z.string() }),
  eventSchema("response.mcp_call.in_progress", onItem),
  eventSchema("response.mcp_call.completed", onItem),
  eventSchema("response.mcp_call.failed", onItem),
  eventSchema("response.mcp_list_tools.in_progress", onItem),
  eventSchema("response.mcp_list_tools.completed", onItem),
  eventSchema("response.mcp_list_tools.failed", onItem),
  eventSchema("response.web_search_call.in_progress", onItem),
  eventSchema("response.web_search_call.searching", onItem),
  eventSchema("response.web_search_call.completed", onItem),
  eventSchema("response.file_search_call.in_progress", onItem),
  eventSchema("response.file_search_call.searching", onItem),
  eventSchema("response.file_search_call.completed", onItem),
  eventSchema("response.code_interpreter_call.in_progress", onItem),
  eventSchema("response.code_interpreter_call.interpreting", onItem),
  eventSchema("response.code_interpreter_call.completed", onItem),
  eventSchema("response.code_interpreter_call_code.delta", { ...onItem, delta: z.string() }),
  eventSchema("response.code_interpreter_call_code.done", { ...onItem, code: z.string() }),
  eventSchema("response.image_generation_call.in_progress", onItem),
  eventSchema("response.image_generation_call.generating", onItem),
  eventSchema("response.image_generation_call.completed", onItem),
  eventSchema("response.image_generation_call.partial_image", {
    ...onItem,
    partial_image_index: z.int(),
    partial_image_b64: z.string(),
    size: z.string().exactOptional(),
    quality: z.string().exactOptional(),
    background: z.string().exactOptional(),
    output_format: z.string().exactOptional(),
  }),
  eventSchema("response.compaction.compacting", onItem),
  eventSchema("response.shell_call_command.added", { ...onCommand, command: z.string() }),
  eventSchema("response.shell_call_command.delta", { ...onCommand, delta: z.string() }),
  eventSchema("response.shell_call_command.done", { ...onCommand, command: z.string() }),
  eventSchema("response.shell_call_output_content.delta", {
    ...onCommand,
    item_id: z.string(),
    delta: z.object({ stdout: z.string().exactOptional(), stderr: z.string().exactOptional() }),
  }),
  eventSchema("response.shell_call_output_content.done", {
    ...onCommand,
    item_id: z.string(),
    output: z.array(shellOutputSchema),
  }),
]);
export type ItemEvent = z.infer<typeof itemEventSchema>;

/**
 * Published but never emitted: `error` makes official clients throw before the final snapshot (contract.md#failures).
 */
const unemittedEventSchema = z.discriminatedUnion("type", [
  eventSchema("error", { code: z.string().nullable(), message: z.string(), param: z.string().nullable() }),
  eventSchema("response.audio.delta", { delta: z.string() }),
  eventSchema("response.audio.done", {}),
  eventSchema("response.audio.transcript.delta", { delta: z.string() }),
  eventSchema("response.audio.transcript.done", {}),
]);

export const responseStreamEventSchema = z.discriminatedUnion("type", [
  lifecycleEventSchema,
  itemEventSchema,
  unemittedEventSchema,
]);
export type ResponseStreamEvent = z.infer<typeof responseStreamEventSchema>;

/** An event without its sequence number. Only `sequenceEvents` (src/stream/log/event-log.ts) assigns that number. */
export type Unsequenced<E extends { sequence_number: number }> = E extends E ? Omit<E, "sequence_number"> : never;
export type EventDraft = Unsequenced<ResponseStreamEvent>;
export type ItemEventDraft = Unsequenced<ItemEvent>;
export type LifecycleEventDraft = Unsequenced<LifecycleEvent>;

const OPENING_EVENT_TYPES = new Set(["response.created", "response.queued", "response.in_progress"]);

/** Whether the event opens a log. As the last event of a log, it shows the current response. */
export function isOpeningEventType(type: string): boolean {
  return OPENING_EVENT_TYPES.has(type);
}

export const TERMINAL_EVENT_TYPES = ["response.completed", "response.incomplete", "response.failed"] as const;
export type TerminalEventType = (typeof TERMINAL_EVENT_TYPES)[number];

export function isTerminalEventType(type: string): type is TerminalEventType {
  return (TERMINAL_EVENT_TYPES as readonly string[]).includes(type);
}
