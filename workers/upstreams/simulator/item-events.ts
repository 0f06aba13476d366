/** Events of one item in the order that clients check (contract.md#item-events): opened, extended by deltas, closed. */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { ItemStatus } from "../../../src/protocol/items/status.ts";
import type { HiddenReasoning } from "../upstream.ts";
import { toEventLogprob, TextLogprobs } from "./logprobs.ts";
import { deriveItemId, type OutputPosition } from "../derive-item-id.ts";
import type { PlannedItem } from "./plan.ts";

export interface ItemEvents {
  open: ItemEventDraft[];
  /** Undefined if the client does not see the item grow. */
  delta: (delta: string) => ItemEventDraft | undefined;
  close: (text: string, status: ItemStatus) => (ItemEventDraft | HiddenReasoning)[];
}

/** `alternatives`: how many to add to each token of a text; undefined for no logprobs. */
export function createItemEvents(item: PlannedItem, position: OutputPosition, alternatives?: number): ItemEvents {
  switch (item.type) {
    case "reasoning":
      return REASONING[item.shown](position);
    case "function_call":
      return createFunctionCallEvents(position, item);
    case "message":
      return item.part === "refusal" ? createRefusalEvents(position) : createTextEvents(position, alternatives);
  }
}

const REASONING = { summary: createSummaryEvents, text: createReasoningTextEvents, hidden: createHiddenEvents };

function createSummaryEvents({ output_index, ...position }: OutputPosition): ItemEvents {
  const item = { type: "reasoning", id: deriveItemId("rs", position) } as const;
  const at = { item_id: item.id, output_index, summary_index: 0 };
  return {
    open: [
      { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", summary: [] } },
      { type: "response.reasoning_summary_part.added", ...at, part: summaryPart("") },
    ],
    delta: (delta) => ({ type: "response.reasoning_summary_text.delta", ...at, delta }),
    close: (text, status) => {
      const cut = status === "incomplete" ? { status } : {};
      return [
        { type: "response.reasoning_summary_text.done", ...at, text },
        { type: "response.reasoning_summary_part.done", ...at, ...cut, part: summaryPart(text) },
        { type: "response.output_item.done", output_index, item: { ...item, status, summary: [summaryPart(text)] } },
      ];
    },
  };
}

function createReasoningTextEvents({ output_index, ...position }: OutputPosition): ItemEvents {
  const item = { type: "reasoning", id: deriveItemId("rs", position), summary: [] as never[] } as const;
  const at = { item_id: item.id, output_index, content_index: 0 };
  return {
    open: [
      { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress" } },
      { type: "response.content_part.added", ...at, part: reasoningPart("") },
    ],
    delta: (delta) => ({ type: "response.reasoning_text.delta", ...at, delta }),
    close: (text, status) => [
      { type: "response.reasoning_text.done", ...at, text },
      { type: "response.content_part.done", ...at, part: reasoningPart(text) },
      { type: "response.output_item.done", output_index, item: { ...item, status, content: [reasoningPart(text)] } },
    ],
  };
}

function createHiddenEvents({ output_index, ...position }: OutputPosition): ItemEvents {
  const item = { type: "reasoning", id: deriveItemId("rs", position), summary: [] as never[] } as const;
  return {
    open: [{ type: "response.output_item.added", output_index, item: { ...item, status: "in_progress" } }],
    delta: () => undefined,
    close: (text, status) => [
      { type: "hidden_reasoning", output_index, text },
      { type: "response.output_item.done", output_index, item: { ...item, status } },
    ],
  };
}

function createFunctionCallEvents(
  { output_index, ...position }: OutputPosition,
  { name, namespace }: { name: string; namespace?: string },
): ItemEvents {
  const id = deriveItemId("fc", position);
  const called = { name, ...(namespace !== undefined && { namespace }) };
  const item = (status: ItemStatus, json: string) =>
    ({
      type: "function_call",
      id,
      call_id: deriveItemId("call", position),
      ...called,
      arguments: json,
      status,
    }) as const;
  const at = { item_id: id, output_index };
  return {
    open: [{ type: "response.output_item.added", output_index, item: item("in_progress", "") }],
    delta: (delta) => ({ type: "response.function_call_arguments.delta", ...at, delta }),
    close: (json, status) => [
      { type: "response.function_call_arguments.done", ...at, arguments: json },
      { type: "response.output_item.done", output_index, item: item(status, json) },
    ],
  };
}

function createTextEvents({ output_index, ...position }: OutputPosition, alternatives: number | undefined): ItemEvents {
  const id = deriveItemId("msg", position);
  const item = { type: "message", id, role: "assistant" } as const;
  const at = { item_id: id, output_index, content_index: 0 };
  const logprobs = new TextLogprobs(alternatives);
  const textPart = (text: string) => ({
    type: "output_text" as const,
    text,
    annotations: [],
    logprobs: logprobs.emitted,
  });
  return {
    open: [
      { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", content: [] } },
      { type: "response.content_part.added", ...at, part: { ...textPart(""), logprobs: [] } },
    ],
    delta: (delta) => ({
      type: "response.output_text.delta",
      ...at,
      delta,
      logprobs: logprobs.next(delta).map(toEventLogprob),
    }),
    close: (text, status) => [
      { type: "response.output_text.done", ...at, text, logprobs: logprobs.emitted.map(toEventLogprob) },
      { type: "response.content_part.done", ...at, part: textPart(text) },
      { type: "response.output_item.done", output_index, item: { ...item, status, content: [textPart(text)] } },
    ],
  };
}

function createRefusalEvents({ output_index, ...position }: OutputPosition): ItemEvents {
  const id = deriveItemId("msg", position);
  const item = { type: "message", id, role: "assistant" } as const;
  const at = { item_id: id, output_index, content_index: 0 };
  return {
    open: [
      { type: "response.output_item.added", output_index, item: { ...item, status: "in_progress", content: [] } },
      { type: "response.content_part.added", ...at, part: refusalPart("") },
    ],
    delta: (delta) => ({ type: "response.refusal.delta", ...at, delta }),
    close: (refusal, status) => [
      { type: "response.refusal.done", ...at, refusal },
      { type: "response.content_part.done", ...at, part: refusalPart(refusal) },
      { type: "response.output_item.done", output_index, item: { ...item, status, content: [refusalPart(refusal)] } },
    ],
  };
}

const reasoningPart = (text: string) => ({ type: "reasoning_text", text }) as const;
const summaryPart = (text: string) => ({ type: "summary_text", text }) as const;
const refusalPart = (refusal: string) => ({ type: "refusal", refusal }) as const;
