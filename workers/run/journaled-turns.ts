/** What the journal tells of a response's turns: where the last of them ends, what they cost, and what begins before them. */
import { addUsage, NO_USAGE } from "../../src/lifecycle/usage.ts";
import { newItemId } from "../../src/protocol/id.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Usage } from "../../src/protocol/response.ts";
import type { RecordedTurn, TurnSegment } from "../../src/store/tool-journal.ts";
import type { OpenTools } from "../tools/tool.ts";

type Turns = readonly Pick<RecordedTurn, "usage" | "segments">[];

/** Of the response's items, those before the turn that is to come, and those of it that an attempt that was cut off completed. */
export function splitAtLastTurn<T extends OutputItem>(
  items: readonly T[],
  turns: Turns,
): { before: readonly T[]; produced: readonly T[] } {
  const ended = new Set(turns.flatMap(({ segments }) => segments.flatMap(({ itemIds }) => itemIds)));
  const boundary = items.findLastIndex((item) => ended.has(item.id)) + 1;
  return { before: items.slice(0, boundary), produced: items.slice(boundary) };
}

export function sumUsage(turns: Turns): Usage {
  return turns.reduce((sum, { usage }) => (usage === null ? sum : addUsage(sum, usage)), NO_USAGE);
}

/** The calls that the client's input approves. One approval is one call, even if two tools take it for theirs. */
export function createApprovedSegments({ approved, functions }: OpenTools, callsLeft: number): TurnSegment[] {
  const calls = new Map(approved.map((call) => [call.approvalRequestId ?? call.callId, call]));
  return [...calls.values()].slice(0, callsLeft).map((call) => {
    const itemIds = [newItemId(functions.get(call.name)!.itemType)];
    return { kind: "call", call, itemIds };
  });
}
