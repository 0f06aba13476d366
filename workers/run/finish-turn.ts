/**
 * The second half of a turn: the calls that the model asked for are made, and shown with what was held behind them, in the
 * model's order. The order of the writes is the promise: the turn is in the journal before its first call is begun, a
 * call that changes something is marked before it is made, and a result is in the journal before anyone sees it. A crash
 * between any two of them leaves a turn that `finishTurn` takes up again.
 */
import type { Logger } from "pino";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { newItemId } from "../../src/protocol/id.ts";
import type { ToolCall, ToolResult, TurnSegment } from "../../src/store/tool-journal.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { RunJournal } from "../attempt/run-journal.ts";
import type { ServerFunction, CallPresenter } from "../tools/tool.ts";
import { executeCalls } from "../tools/execute-calls.ts";
import { moveEvent } from "../turn/output-router.ts";

export interface TurnDependencies {
  run: Attempt;
  journal: RunJournal;
  functions: ReadonlyMap<string, ServerFunction>;
  logger: Logger;
  /** Writes events in their recorded form. */
  write: (events: readonly ItemEventDraft[]) => Promise<void>;
  /** The same, in one append. */
  writeAtomically: (events: readonly ItemEventDraft[]) => Promise<void>;
}

/** A tool was taken out of the configuration while a response was using it: nobody can show its calls any more. */
export class ToolGoneError extends Error {
  override readonly name = "ToolGoneError";
  constructor(name: string) {
    super(`The tool '${name}' is not configured any more.`);
  }
}

type CallSegment = Extract<TurnSegment, { kind: "call" }>;

/** The call that stands open in the log, if nothing was cut off since it was added. */
export interface OpenCall {
  segment: CallSegment;
  presenter: CallPresenter;
}

/**
 * Makes the calls of the journal's last turn and shows what of it is not in the log yet; `shownIds` are the ids of the
 * items that are. Resolves when all of it is written.
 */
export async function finishTurn(
  dependencies: TurnDependencies,
  shownIds: ReadonlySet<string>,
  openCall?: OpenCall,
): Promise<void> {
  const { journal, functions, logger, run } = dependencies;
  const left = (journal.turns.at(-1)?.segments ?? []).filter(({ itemIds }) => !itemIds.some((id) => shownIds.has(id)));
  if (openCall === undefined) await renewIds(left, dependencies);
  const showing = new SegmentWriter(dependencies);
  const calls = left.flatMap((segment) => (segment.kind === "call" ? [segment.call] : []));
  const signal = run.control.generating;
  const ends = new Map(calls.map(({ callId }) => [callId, Promise.withResolvers<void>()]));
  const holds = new Map<string, () => void>();
  const results = executeCalls(calls, {
    functions,
    journal,
    signal,
    logger,
    progress: (call, details) => showing.writeProgress(call, details),
    whenLogged: ({ callId }) => ends.get(callId)!.promise,
    // A hand-over in its middle would lose its result for good.
    deferHandOver: ({ callId }) => holds.set(callId, run.control.deferHandOver()),
  });
  try {
    for (const segment of left) {
      if (segment.kind === "item") {
        await showing.writeItem(segment);
        continue;
      }
      const { callId } = segment.call;
      await showing.writeCall(segment, openCall, results.get(callId)!);
      ends.get(callId)!.resolve();
      holds.get(callId)?.();
    }
  } finally {
    for (const { resolve } of ends.values()) resolve();
    for (const release of holds.values()) release();
    // Not one of them is left running, or failing unheard, behind a run that is over.
    await Promise.allSettled(results.values());
  }
}

/** What was begun under an id before a crash is closed under it, and cannot be begun again. */
async function renewIds(
  segments: readonly TurnSegment[],
  { journal, run, functions }: TurnDependencies,
): Promise<void> {
  const used = new Set(run.writer.state.response.output.map((item) => item.id));
  const stale = segments.filter(({ itemIds }) => itemIds.some((id) => used.has(id)));
  if (stale.length === 0) return;
  for (const segment of stale) segment.itemIds.push(newItemId(itemTypeOf(segment, functions)));
  await journal.rewriteLastTurn();
}

const UNKNOWN_TOOL = "function_call";

function itemTypeOf(segment: TurnSegment, functions: ReadonlyMap<string, ServerFunction>): string {
  if (segment.kind === "call") return functions.get(segment.call.name)?.itemType ?? UNKNOWN_TOOL;
  const [added] = segment.events;
  return added !== undefined && "item" in added ? added.item.type : UNKNOWN_TOOL;
}

/** Writes the segments one after the other, and knows which call is open. */
class SegmentWriter {
  readonly #run: Attempt;
  readonly #write: TurnDependencies["write"];
  readonly #writeAtomically: TurnDependencies["writeAtomically"];
  readonly #functions: ReadonlyMap<string, ServerFunction>;
  #open: { callId: string; shown: CallPresenter } | undefined;
  /** Intermediate states of calls that are not open yet. */
  readonly #pendingProgress = new Map<string, unknown[]>();
  #writing: Promise<void> = Promise.resolve();

  constructor({ run, functions, write, writeAtomically }: TurnDependencies) {
    this.#run = run;
    this.#write = write;
    this.#writeAtomically = writeAtomically;
    this.#functions = functions;
  }

  async writeItem({ events, itemIds }: Extract<TurnSegment, { kind: "item" }>): Promise<void> {
    const index = this.#nextIndex;
    const itemId = itemIds.at(-1);
    // It came whole, so it is shown whole: nothing of it is ever repeated.
    await this.#writeAtomically(events.map((event) => moveEvent(event, index, itemId)));
  }

  async writeCall(
    { call, itemIds }: CallSegment,
    live: OpenCall | undefined,
    result: Promise<ToolResult>,
  ): Promise<void> {
    const fn = this.#functions.get(call.name);
    const isLive = live?.segment.call.callId === call.callId;
    const place = { itemId: itemIds.at(-1)!, output_index: this.#nextIndex, approvalRequestId: call.approvalRequestId };
    if (fn === undefined) throw new ToolGoneError(call.name);
    const shown = isLive ? live.presenter : fn.presentCall(place);
    if (!isLive) await this.#write([...shown.open(), ...shown.delta(call.arguments), ...shown.begin(call.arguments)]);
    this.#open = { callId: call.callId, shown };
    for (const details of this.#pendingProgress.get(call.callId) ?? []) this.writeProgress(call, details);
    const ended = await result;
    this.#open = undefined;
    await this.#writing;
    await this.#write(shown.end(ended));
  }

  writeProgress({ callId }: ToolCall, details: unknown): void {
    if (this.#open?.callId !== callId) {
      this.#pendingProgress.set(callId, [...(this.#pendingProgress.get(callId) ?? []), details]);
      return;
    }
    const events = this.#open.shown.progress?.(details) ?? [];
    // A failure to write stops the run by its signal; it is thrown where the result is waited for.
    this.#writing = this.#writing.then(() => this.#write(events)).catch(() => {});
  }

  get #nextIndex(): number {
    return this.#run.writer.state.response.output.length;
  }
}
