/**
 * From a model's events to the log, stage by stage: what is recorded of an event (recorded-form.ts), an item that an earlier
 * attempt left open (continuation.ts), calls as wholes (whole-calls.ts), places (turn-relay.ts), the writer.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { BlankMessageFilter } from "./blank-message-filter.ts";
import { ItemContinuation } from "./item-continuation.ts";
import type { EventRecorder } from "./event-recorder.ts";
import type { Run } from "../attempt/run.ts";
import type { UnfinishedItem } from "../attempt/unfinished-item.ts";
import type { OutputRouter } from "./output-router.ts";
import type { HiddenReasoning } from "../upstreams/upstream.ts";
import type { EventGroup, CallBuffer } from "./call-buffer.ts";

export interface PipelineStages {
  recorder: EventRecorder;
  callBuffer: CallBuffer;
  router: OutputRouter;
  /** The item that the log ends in the middle of. */
  unfinished?: UnfinishedItem | undefined;
  /** Closes that item as incomplete: the model has written something else. */
  discardUnfinished: () => Promise<void>;
}

export class TurnPipeline {
  readonly #run: Run;
  readonly #stages: PipelineStages;
  #continuation: ItemContinuation | undefined;
  readonly #blankFilter = new BlankMessageFilter();

  constructor(run: Run, stages: PipelineStages) {
    this.#run = run;
    this.#stages = stages;
    this.#continuation = stages.unfinished && new ItemContinuation(stages.unfinished);
  }

  /** Resolves when there is room for more. */
  async accept(event: ItemEventDraft | HiddenReasoning): Promise<void> {
    const { recorder, callBuffer } = this.#stages;
    const recorded = recorder.record(event);
    if (recorded === undefined) return;
    for (const each of await this.#continueItem(recorded)) {
      for (const shown of this.#blankFilter.accept(each))
        for (const group of callBuffer.accept(shown)) await this.#write(group);
    }
  }

  /** Whether the turn's last message has said nothing. It is not in the log. */
  get endsBlank(): boolean {
    return this.#blankFilter.isHolding;
  }

  /** Writes it all the same: it is what the model has answered. */
  async writeBlank(): Promise<void> {
    for (const each of this.#blankFilter.takeHeld()) {
      for (const group of this.#stages.callBuffer.accept(each)) await this.#write(group);
    }
  }

  async #continueItem(event: ItemEventDraft): Promise<ItemEventDraft[]> {
    const { unfinished, router, discardUnfinished } = this.#stages;
    if (this.#continuation === undefined || unfinished === undefined) return [event];
    const continued = this.#continuation.accept(event);
    switch (continued.kind) {
      case "comparing":
        return [];
      case "resumed":
        router.resumeItem(continued.output_index, unfinished);
        return continued.events;
      case "differs":
        this.#continuation = undefined;
        await discardUnfinished();
        return continued.events;
    }
  }

  async #write({ events, isAtomic }: EventGroup): Promise<void> {
    const { router } = this.#stages;
    const { writer } = this.#run;
    if (isAtomic) {
      // Nothing is written while the relay places them, so that they all go to one place.
      const placed = events.flatMap((event) => router.route(event));
      if (placed.length > 0) await writer.writeAtomically(placed);
      return;
    }
    for (const event of events) await writer.writeAll(router.route(event));
  }
}
