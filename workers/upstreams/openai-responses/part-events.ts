/** Events inside an item: which of them open a content part or need one open, and what they must say to be folded. */
import { itemEventSchema, type ItemEventDraft } from "../../../src/protocol/event.ts";
import { completeLogprob, completePart } from "./items.ts";
import { asArray, asIndex, asString, isObject, type Json, type ProviderEvent } from "../provider/json.ts";

/** The start of a part. `key` is its place in the item. */
export interface PartStart {
  key: string;
  event: ItemEventDraft;
}

type PartType = "output_text" | "refusal" | "reasoning_text" | "summary_text";

const EMPTY_PARTS: Record<PartType, Json> = {
  output_text: { type: "output_text", text: "", annotations: [], logprobs: [] },
  refusal: { type: "refusal", refusal: "" },
  reasoning_text: { type: "reasoning_text", text: "" },
  summary_text: { type: "summary_text", text: "" },
};

/** By the event's name without its last word. */
const PART_OF: Record<string, PartType> = {
  "response.output_text": "output_text",
  "response.output_text.annotation": "output_text",
  "response.refusal": "refusal",
  "response.reasoning_text": "reasoning_text",
  "response.reasoning_summary_text": "summary_text",
};

/** What the fold reads. An event without it is not passed on. */
const FOLDED_FIELDS: Record<string, { name: string; type: "string" | "number" }> = {
  "response.output_text.delta": { name: "delta", type: "string" },
  "response.output_text.done": { name: "text", type: "string" },
  "response.output_text.annotation.added": { name: "annotation_index", type: "number" },
  "response.refusal.delta": { name: "delta", type: "string" },
  "response.refusal.done": { name: "refusal", type: "string" },
  "response.reasoning_text.delta": { name: "delta", type: "string" },
  "response.reasoning_text.done": { name: "text", type: "string" },
  "response.reasoning_summary_text.delta": { name: "delta", type: "string" },
  "response.reasoning_summary_text.done": { name: "text", type: "string" },
  "response.function_call_arguments.delta": { name: "delta", type: "string" },
  "response.function_call_arguments.done": { name: "arguments", type: "string" },
  "response.mcp_call_arguments.delta": { name: "delta", type: "string" },
  "response.mcp_call_arguments.done": { name: "arguments", type: "string" },
  "response.custom_tool_call_input.delta": { name: "delta", type: "string" },
  "response.custom_tool_call_input.done": { name: "input", type: "string" },
  "response.code_interpreter_call_code.delta": { name: "delta", type: "string" },
  "response.code_interpreter_call_code.done": { name: "code", type: "string" },
};

/**
 * A type that is in no published union makes the official clients' helper give up the whole response (contract 01 §1.6),
 * and `output_item.done` brings the item whole without it.
 */
const PUBLISHED: ReadonlySet<string> = new Set(itemEventSchema.options.map((option) => option.shape.type.value));

/** The provider's event at its place in our log, with what clients require; undefined if it is not to be passed on. */
export function completeEvent(event: ProviderEvent, place: number, itemId: string): ItemEventDraft | undefined {
  if (!PUBLISHED.has(event.type)) return undefined;
  const folded = FOLDED_FIELDS[event.type];
  if (folded !== undefined && typeof event[folded.name] !== folded.type) return undefined;
  const { sequence_number: _, obfuscation: __, ...fields } = event;
  const complete: Json = { ...fields, output_index: place };
  // Shell command events have no `item_id` in the published union; all others do.
  if (!event.type.startsWith("response.shell_call_command.")) complete["item_id"] = itemId;
  const index = partIndexField(event.type);
  if (index !== undefined) complete[index] = asIndex(fields[index]) ?? 0;
  if (event.type === "response.output_text.delta" || event.type === "response.output_text.done") {
    complete["logprobs"] = asArray(fields["logprobs"]).map(completeLogprob);
  }
  if (isPartEvent(event.type)) {
    if (!isObject(fields["part"])) return undefined;
    complete["part"] = completePart(fields["part"]);
  }
  return complete as unknown as ItemEventDraft;
}

/** The part that this event opens. */
export function partStartedBy(event: ItemEventDraft): PartStart | undefined {
  const starts = event.type === "response.content_part.added" || event.type === "response.reasoning_summary_part.added";
  return starts ? { key: partKey(event), event } : undefined;
}

/** The part that this event writes into or closes, as it begins. */
export function partThatMustBeOpen(event: ItemEventDraft): PartStart | undefined {
  const type = partTypeOf(event);
  if (type === undefined) return undefined;
  const start = {
    type: type === "summary_text" ? "response.reasoning_summary_part.added" : "response.content_part.added",
    item_id: (event as Json)["item_id"],
    output_index: event.output_index,
    [partIndexField(event.type)!]: partIndex(event),
    part: EMPTY_PARTS[type],
  };
  return { key: partKey(event), event: start as unknown as ItemEventDraft };
}

function partTypeOf(event: ItemEventDraft): PartType | undefined {
  if (event.type !== "response.content_part.done" && event.type !== "response.reasoning_summary_part.done") {
    return PART_OF[event.type.slice(0, event.type.lastIndexOf("."))];
  }
  const type = asString(event.part.type);
  return type !== undefined && Object.hasOwn(EMPTY_PARTS, type) ? (type as PartType) : undefined;
}

function isPartEvent(type: string): boolean {
  return type.startsWith("response.content_part.") || type.startsWith("response.reasoning_summary_part.");
}

function partIndexField(type: string): "content_index" | "summary_index" | undefined {
  if (type.startsWith("response.reasoning_summary_")) return "summary_index";
  const isContent = type.startsWith("response.content_part.") || PART_OF[type.slice(0, type.lastIndexOf("."))];
  return isContent ? "content_index" : undefined;
}

function partIndex(event: ItemEventDraft): number {
  return asIndex((event as Json)[partIndexField(event.type)!]) ?? 0;
}

function partKey(event: ItemEventDraft): string {
  return `${partIndexField(event.type)!}/${partIndex(event)}`;
}
