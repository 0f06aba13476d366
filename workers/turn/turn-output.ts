/**
 * From a model's events to the log, stage by stage: what is recorded of an event (recorded-form.ts), an item that an earlier
 * attempt left open (continuation.ts), calls as wholes (whole-calls.ts), places (turn-relay.ts), the writer.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { BlankMessage } from "./blank-message.ts";
import { Continuation } from "../upstreams/continuation.ts";
import type { RecordedForm } from "./recorded-form.ts";
import type { Run } from "../attempt/run.ts";
import type { ToldItem } from "../attempt/told-item.ts";
import type { TurnRelay } from "./turn-relay.ts";
import type { HiddenReasoning } from "../upstreams/upstream.ts";
import type { EventGroup, WholeCalls } from "./whole-calls.ts";

export interface TurnStages {
  form: RecordedForm;
  calls: WholeCalls;
  relay: TurnRelay;
  /** The item that the log ends in the middle of. */
  told?: ToldItem | undefined;
  /** Closes that item as incomplete: the model has written something else. */
  discardTold: () => Promise<void>;
}

export class TurnOutput {
  readonly #run: Run;
  readonly #stages: TurnStages;
  #continuation: Continuation | undefined;
  readonly #blank = new BlankMessage();

  constructor(run: Run, stages: TurnStages) {
    this.#run = run;
    this.#stages = stages;
    this.#continuation = stages.told && new Continuation(stages.told);
  }

  /** Resolves when there is room for more. */
  async accept(event: ItemEventDraft | HiddenReasoning): Promise<void> {
    const { form, calls } = this.#stages;
    const recorded = form.of(event);
    if (recorded === undefined) return;
    for (const each of await this.#continued(recorded)) {
      for (const shown of this.#blank.accept(each)) for (const group of calls.accept(shown)) await this.#write(group);
    }
  }

  /** Whether the turn's last message has said nothing. It is not in the log. */
  get endsBlank(): boolean {
    return this.#blank.isHolding;
  }

  /** Writes it all the same: it is what the model has answered. */
  async writeBlank(): Promise<void> {
    for (const each of this.#blank.take()) {
      for (const group of this.#stages.calls.accept(each)) await this.#write(group);
    }
  }

  async #continued(event: ItemEventDraft): Promise<ItemEventDraft[]> {
    const { told, relay, discardTold } = this.#stages;
    if (this.#continuation === undefined || told === undefined) return [event];
    const continued = this.#continuation.accept(event);
    switch (continued.kind) {
      case "comparing":
        return [];
      case "resumed":
        relay.resume(continued.output_index, told);
        return continued.events;
      case "differs":
        this.#continuation = undefined;
        await discardTold();
        return continued.events;
    }
  }

  async #write({ events, isWhole }: EventGroup): Promise<void> {
    const { relay } = this.#stages;
    const { writer } = this.#run;
    if (isWhole) {
      // Nothing is written while the relay places them, so that they all go to one place.
      const placed = events.flatMap((event) => relay.accept(event));
      if (placed.length > 0) await writer.writeWhole(placed);
      return;
    }
    for (const event of events) await writer.writeAll(relay.accept(event));
  }
}
