/** Events inside an item: which parts they belong to, and which fields they require. */
import { itemEventSchema, type ItemEventDraft } from "../../../src/protocol/event.ts";
import { completeLogprob, completePart, toJsonText } from "./complete-item.ts";
import { isLegalEvent } from "./legal-items.ts";
import { asArray, asIndex, asString, isObject, type Json, type ProviderEvent } from "../http/json.ts";

export type PartType = "output_text" | "refusal" | "reasoning_text" | "summary_text";

const EMPTY_PARTS: Record<PartType, Json> = {
  output_text: { type: "output_text", text: "", annotations: [], logprobs: [] },
  refusal: { type: "refusal", refusal: "" },
  reasoning_text: { type: "reasoning_text", text: "" },
  summary_text: { type: "summary_text", text: "" },
};

/** Keyed by the event's name without its last word. */
const PART_TYPES: Record<string, PartType> = {
  "response.output_text": "output_text",
  "response.output_text.annotation": "output_text",
  "response.refusal": "refusal",
  "response.reasoning_text": "reasoning_text",
  "response.reasoning_summary_text": "summary_text",
};

/** The field of each event that the fold reads. An event without it is dropped. */
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
 * Official clients' helpers fail on an unpublished event type (contract.md#client-invariants). Such an event can be dropped,
 * because `output_item.done` carries the whole item.
 */
const PUBLISHED_EVENTS: ReadonlySet<string> = new Set(itemEventSchema.options.map((option) => option.shape.type.value));

/** vLLM's names (https://github.com/vllm-project/vllm/pull/24938). */
const EVENT_ALIASES: Record<string, string> = {
  "response.reasoning_part.added": "response.content_part.added",
  "response.reasoning_part.done": "response.content_part.done",
};

/** The provider's event with our index and all required fields; undefined if it must be dropped. */
export function completeEvent(
  providerEvent: ProviderEvent,
  outputIndex: number,
  itemId: string,
): ItemEventDraft | undefined {
  const event: ProviderEvent = { ...providerEvent, type: EVENT_ALIASES[providerEvent.type] ?? providerEvent.type };
  if (!PUBLISHED_EVENTS.has(event.type)) return undefined;
  if (/_arguments\.(?:delta|done)$/.test(event.type)) {
    const name = event.type.endsWith("delta") ? "delta" : "arguments";
    event[name] = toJsonText(event[name]) ?? event[name];
  }
  const folded = FOLDED_FIELDS[event.type];
  if (folded !== undefined && typeof event[folded.name] !== folded.type) return undefined;
  const { sequence_number: _, obfuscation: __, ...fields } = event;
  const complete: Json = { ...fields, output_index: outputIndex };
  // In the published union, all events except those of shell commands have an `item_id`.
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
  return dropIllegalLogprobs(complete);
}

/** Skips the schema for most deltas: they are frequent, and their fields were checked above. */
function dropIllegalLogprobs(event: Json & { type?: unknown }): ItemEventDraft | undefined {
  const draft = event as unknown as ItemEventDraft;
  const isPlain = draft.type.endsWith(".delta") && Object.hasOwn(FOLDED_FIELDS, draft.type);
  if (isPlain && asArray(event["logprobs"]).length === 0) return draft;
  if (isLegalEvent(draft)) return draft;
  if (!("logprobs" in event)) return undefined;
  const without = { ...draft, logprobs: [] };
  return isLegalEvent(without) ? without : undefined;
}

/** Whether this event opens a part. */
export function startsPart(event: ItemEventDraft): boolean {
  return event.type === "response.content_part.added" || event.type === "response.reasoning_summary_part.added";
}

export function endsPart(event: ItemEventDraft): boolean {
  return event.type === "response.content_part.done" || event.type === "response.reasoning_summary_part.done";
}

/** The opening event of a part, for providers that omit it. */
export function createPartStart(
  type: PartType,
  at: { item_id: string; output_index: number },
  index: number,
): ItemEventDraft {
  const start =
    type === "summary_text"
      ? { type: "response.reasoning_summary_part.added", ...at, summary_index: index }
      : { type: "response.content_part.added", ...at, content_index: index };
  return { ...start, part: EMPTY_PARTS[type] } as unknown as ItemEventDraft;
}

/** The type of the part that the event belongs to; undefined if it belongs to none. */
export function readPartType(event: ItemEventDraft): PartType | undefined {
  if (!startsPart(event) && !endsPart(event)) return PART_TYPES[event.type.slice(0, event.type.lastIndexOf("."))];
  const part: unknown = "part" in event ? event.part : undefined;
  const type = isObject(part) ? asString(part["type"]) : undefined;
  return type !== undefined && Object.hasOwn(EMPTY_PARTS, type) ? (type as PartType) : undefined;
}

function isPartEvent(type: string): boolean {
  return type.startsWith("response.content_part.") || type.startsWith("response.reasoning_summary_part.");
}

function partIndexField(type: string): "content_index" | "summary_index" | undefined {
  if (type.startsWith("response.reasoning_summary_")) return "summary_index";
  const isContent = type.startsWith("response.content_part.") || PART_TYPES[type.slice(0, type.lastIndexOf("."))];
  return isContent ? "content_index" : undefined;
}

export function readPartIndex(event: ItemEventDraft): number {
  return "summary_index" in event ? event.summary_index : "content_index" in event ? event.content_index : 0;
}

export function setPartIndex(event: ItemEventDraft, index: number): ItemEventDraft {
  return { ...event, [partIndexField(event.type)!]: index };
}
