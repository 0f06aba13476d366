/** Writes the segments of a turn to the log, one after another. At most one call is open at a time. */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { ToolCall, ToolResult, TurnSegment } from "../../../src/store/run-journals.ts";
import type { CallPresenter, ServerFunction } from "../../tools/tool.ts";
import { moveEvent } from "../../turn/output-router.ts";

export interface SegmentWriterOptions {
  functions: ReadonlyMap<string, ServerFunction>;
  /** The index of the response's next item. */
  nextIndex: () => number;
  /** Writes events in their recorded form. */
  write: (events: readonly ItemEventDraft[]) => Promise<void>;
  /** Writes them in one append. */
  writeAtomically: (events: readonly ItemEventDraft[]) => Promise<void>;
}

type CallSegment = Extract<TurnSegment, { kind: "call" }>;
type ItemSegment = Extract<TurnSegment, { kind: "item" }>;

/** A call that is open in the log. */
export interface OpenCall {
  segment: CallSegment;
  presenter: CallPresenter;
}

/** The operator removed a tool from the configuration while a response used it, so nothing can present its calls. */
export class ToolGoneError extends Error {
  override readonly name = "ToolGoneError";
  constructor(name: string) {
    super(`The tool '${name}' is not configured any more.`);
  }
}

export class SegmentWriter {
  readonly #options: SegmentWriterOptions;
  #open: { callId: string; presenter: CallPresenter } | undefined;
  /** Intermediate states of calls that are not open yet. */
  readonly #pendingProgress = new Map<string, unknown[]>();
  #writing: Promise<void> = Promise.resolve();

  constructor(options: SegmentWriterOptions) {
    this.#options = options;
  }

  /** Writes an item that the journal has whole. One append, so that a crash leaves no part of it to repeat. */
  async writeItem({ events, itemIds }: ItemSegment): Promise<void> {
    const index = this.#options.nextIndex();
    const itemId = itemIds.at(-1);
    await this.#options.writeAtomically(events.map((event) => moveEvent(event, index, itemId)));
  }

  /** Opens the call unless `openCall` is it, and closes it once its result is there. */
  async writeCall(segment: CallSegment, openCall: OpenCall | undefined, result: Promise<ToolResult>): Promise<void> {
    const { functions, write } = this.#options;
    const { call } = segment;
    const fn = functions.get(call.name);
    if (fn === undefined) throw new ToolGoneError(call.name);
    const isOpen = openCall?.segment.call.callId === call.callId;
    const presenter = isOpen ? openCall.presenter : await this.#openCall(segment, fn);
    this.#open = { callId: call.callId, presenter };
    for (const details of this.#pendingProgress.get(call.callId) ?? []) this.writeProgress(call, details);
    const ended = await result;
    this.#open = undefined;
    await this.#writing;
    await write(presenter.end(ended));
  }

  async #openCall({ call, itemIds }: CallSegment, fn: ServerFunction): Promise<CallPresenter> {
    const { nextIndex, write } = this.#options;
    const { approvalRequestId } = call;
    const presenter = fn.presentCall({ itemId: itemIds.at(-1)!, output_index: nextIndex(), approvalRequestId });
    await write([...presenter.open(), ...presenter.delta(call.arguments), ...presenter.begin(call.arguments)]);
    return presenter;
  }

  writeProgress({ callId }: ToolCall, details: unknown): void {
    if (this.#open?.callId !== callId) {
      this.#pendingProgress.set(callId, [...(this.#pendingProgress.get(callId) ?? []), details]);
      return;
    }
    const events = this.#open.presenter.progress?.(details) ?? [];
    // A failed write aborts the attempt's signals. `writeCall` throws it.
    this.#writing = this.#writing.then(() => this.#options.write(events)).catch(() => {});
  }
}
