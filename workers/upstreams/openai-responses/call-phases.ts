/** Phase events that a provider omits before a later phase of a call, or before its end (contract.md#item-events). */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";

const SEARCH_PHASES = ["in_progress", "searching", "completed"];
/** In order. A failed call ends with `failed` instead of `completed`, if its type has that event. */
const PHASES: Partial<Record<OutputItem["type"], readonly string[]>> = {
  web_search_call: SEARCH_PHASES,
  file_search_call: SEARCH_PHASES,
  image_generation_call: ["in_progress", "generating", "completed"],
  code_interpreter_call: ["in_progress", "interpreting", "completed"],
  mcp_call: ["in_progress", "completed"],
  mcp_list_tools: ["in_progress", "completed"],
  compaction: ["compacting"],
};

/** The item's phases before `phase`, or all of them. They may have been emitted already: the caller drops repeats. */
export function createPhasesUpTo(item: OutputItem, output_index: number, phase?: string): ItemEventDraft[] {
  const phases = PHASES[item.type];
  if (phases === undefined) return [];
  const end = phase === undefined ? phases.length : phases.indexOf(phase);
  const at = { item_id: item.id, output_index };
  return phases.slice(0, Math.max(0, end)).flatMap((each): ItemEventDraft[] => {
    const name = isFailed(item) && each === "completed" ? "failed" : each;
    const event = { type: `response.${item.type}.${name}`, ...at } as ItemEventDraft;
    if (item.type !== "code_interpreter_call" || each !== "interpreting") return [event];
    return [{ type: "response.code_interpreter_call_code.done", ...at, code: item.code ?? "" }, event];
  });
}

/** The last word of the event's name, if it is a phase of such an item. */
export function readPhase(item: OutputItem, { type }: ItemEventDraft): string | undefined {
  const prefix = `response.${item.type}.`;
  const phase = type.startsWith(prefix) ? type.slice(prefix.length) : undefined;
  return phase === "failed" ? "completed" : phase;
}

function isFailed(item: OutputItem): boolean {
  return item.type === "mcp_list_tools" ? item.error != null : item.type === "mcp_call" && item.status === "failed";
}
