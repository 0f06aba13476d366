/** The steps that a provider leaves out before another step of a call, or before its end (contract.md#item-events). */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";

const SEARCH_PHASES = ["in_progress", "searching", "completed"];

/** In their order. A call that failed has no further step, but for those that end with it. */
const PHASES: Partial<Record<OutputItem["type"], readonly string[]>> = {
  web_search_call: SEARCH_PHASES,
  file_search_call: SEARCH_PHASES,
  image_generation_call: ["in_progress", "generating", "completed"],
  code_interpreter_call: ["in_progress", "interpreting", "completed"],
  mcp_call: ["in_progress", "completed"],
  mcp_list_tools: ["in_progress", "completed"],
  compaction: ["compacting"],
};

/** Of the item's steps those up to `phase`, or all: the ones that are told already are for the caller to leave out. */
export function createStepsUpTo(item: OutputItem, output_index: number, phase?: string): ItemEventDraft[] {
  const phases = PHASES[item.type];
  if (phases === undefined) return [];
  const end = phase === undefined ? phases.length : phases.indexOf(phase);
  const at = { item_id: item.id, output_index };
  return phases.slice(0, Math.max(0, end)).flatMap((each): ItemEventDraft[] => {
    const name = isFailed(item) && each === "completed" ? "failed" : each;
    const step = { type: `response.${item.type}.${name}`, ...at } as ItemEventDraft;
    if (item.type !== "code_interpreter_call" || each !== "interpreting") return [step];
    return [{ type: "response.code_interpreter_call_code.done", ...at, code: item.code ?? "" }, step];
  });
}

/** The last word of an event's name, if it is a step of such an item. */
export function readPhase(item: OutputItem, { type }: ItemEventDraft): string | undefined {
  const prefix = `response.${item.type}.`;
  const phase = type.startsWith(prefix) ? type.slice(prefix.length) : undefined;
  return phase === "failed" ? "completed" : phase;
}

function isFailed(item: OutputItem): boolean {
  return item.type === "mcp_list_tools" ? item.error != null : item.type === "mcp_call" && item.status === "failed";
}
