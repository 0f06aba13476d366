/**
 * The second half of a turn: runs the calls that the model asked for, and writes them and the items held after them to the
 * log, in the model's order. The order of writes is the promise: the journal has the turn before its first call starts,
 * marks a call that changes something before it runs, and has each result before a client sees it. After a crash between
 * any two of them, `runTools` resumes the turn.
 */
import { toIncluded, toRecordedEvent } from "../../../src/lifecycle/include.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import { newItemId } from "../../../src/protocol/id.ts";
import type { TurnSegment } from "../../../src/store/run-journals.ts";
import { executeCalls } from "../../tools/execute-calls.ts";
import type { ServerFunction } from "../../tools/tool.ts";
import type { LoopContext } from "./loop-context.ts";
import { type OpenCall, SegmentWriter } from "./segment-writer.ts";
import { trackToolCall } from "./track-tool-call.ts";

/** The calls of the journal's last turn that are not finished. */
export interface PendingCalls {
  /** Ids of the items that the log has. Segments with one of them are finished. */
  loggedIds: ReadonlySet<string>;
  /** The call that is open in the log, if nothing was interrupted since it was added. */
  openCall: OpenCall | undefined;
}

/** Resolves when all of the turn is written. */
export async function runTools(context: LoopContext, { loggedIds, openCall }: PendingCalls): Promise<void> {
  const { attempt, dependencies, journal, tools } = context;
  const { control } = attempt;
  const segments = (journal.turns.at(-1)?.segments ?? []).filter(({ itemIds }) =>
    itemIds.every((id) => !loggedIds.has(id)),
  );
  if (openCall === undefined) await renewIds(segments, context);
  const writer = openSegmentWriter(context);
  const calls = segments.flatMap((segment) => (segment.kind === "call" ? [segment.call] : []));
  const logged = new Map(calls.map(({ callId }) => [callId, Promise.withResolvers<void>()]));
  const deferrals = new Map<string, () => void>();
  const results = executeCalls(calls, {
    functions: tools.functions,
    journal,
    signal: control.generating,
    logger: dependencies.logger,
    progress: (call, details) => writer.writeProgress(call, details),
    track: (call, fn, run) => trackToolCall(attempt.progress, call, fn, run),
    whenLogged: ({ callId }) => logged.get(callId)!.promise,
    // A hand-over during the call would lose its result.
    deferHandOver: ({ callId }) => deferrals.set(callId, control.deferHandOver()),
  });
  try {
    for (const segment of segments) {
      if (segment.kind === "item") {
        await writer.writeItem(segment);
        continue;
      }
      const { callId } = segment.call;
      await writer.writeCall(segment, openCall, results.get(callId)!);
      logged.get(callId)!.resolve();
      deferrals.get(callId)?.();
    }
  } finally {
    for (const { resolve } of logged.values()) resolve();
    for (const release of deferrals.values()) release();
    // No call outlives the attempt, and no rejection stays unhandled.
    await Promise.allSettled(results.values());
  }
}

function openSegmentWriter({ attempt, input, tools }: LoopContext): SegmentWriter {
  const included = toIncluded(input.request.include);
  const toRecorded = (events: readonly ItemEventDraft[]) => events.map((event) => toRecordedEvent(event, included));
  const { writer } = attempt;
  return new SegmentWriter({
    functions: tools.functions,
    nextIndex: () => writer.state.response.output.length,
    write: (events) => writer.writeAll(toRecorded(events)),
    writeAtomically: (events) => writer.writeAtomically(toRecorded(events)),
  });
}

/** Gives new ids to items that a crash interrupted: the log has closed the old ids, and no id opens twice. */
async function renewIds(segments: readonly TurnSegment[], { attempt, journal, tools }: LoopContext): Promise<void> {
  const used = new Set(attempt.writer.state.response.output.map((item) => item.id));
  const stale = segments.filter(({ itemIds }) => itemIds.some((id) => used.has(id)));
  if (stale.length === 0) return;
  for (const segment of stale) segment.itemIds.push(newItemId(itemTypeOf(segment, tools.functions)));
  await journal.rewriteLastTurn();
}

const UNKNOWN_TOOL = "function_call";

function itemTypeOf(segment: TurnSegment, functions: ReadonlyMap<string, ServerFunction>): string {
  if (segment.kind === "call") return functions.get(segment.call.name)?.itemType ?? UNKNOWN_TOOL;
  const [added] = segment.events;
  return added !== undefined && "item" in added ? added.item.type : UNKNOWN_TOOL;
}
