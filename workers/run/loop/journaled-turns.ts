/** The turns in a response's journal: their end in the output, their usage, and the approved calls before them. */
import { addUsage, NO_USAGE } from "../../../src/lifecycle/usage.ts";
import { newItemId } from "../../../src/protocol/id.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { Usage } from "../../../src/protocol/response.ts";
import type { RecordedTurn, TurnSegment } from "../../../src/store/run-journals.ts";
import type { OpenTools } from "../../tools/tool.ts";

type Turns = readonly Pick<RecordedTurn, "usage" | "segments">[];

/** Splits the response's items: those of journaled turns, and those that an interrupted attempt added after them. */
export function splitAtLastTurn<T extends OutputItem>(
  items: readonly T[],
  turns: Turns,
): { before: readonly T[]; current: readonly T[] } {
  const journaled = new Set(turns.flatMap(({ segments }) => segments.flatMap(({ itemIds }) => itemIds)));
  const boundary = items.findLastIndex((item) => journaled.has(item.id)) + 1;
  return { before: items.slice(0, boundary), current: items.slice(boundary) };
}

export function sumUsage(turns: Turns): Usage {
  return turns.reduce((sum, { usage }) => (usage === null ? sum : addUsage(sum, usage)), NO_USAGE);
}

/** The calls that the client's input approves. One approval allows one call, even if two tools claim it. */
export function createApprovedSegments({ approved, functions }: OpenTools, callsLeft: number): TurnSegment[] {
  const calls = new Map(approved.map((call) => [call.approvalRequestId ?? call.callId, call]));
  return [...calls.values()].slice(0, callsLeft).map((call) => {
    const itemIds = [newItemId(functions.get(call.name)!.itemType)];
    return { kind: "call", call, itemIds };
  });
}
