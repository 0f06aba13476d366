/** One call of the model, written to the log as it comes. Calls of the server's functions stay behind in the relay. */
import { isClientAction } from "../../src/lifecycle/client-actions.ts";
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";
import { ItemGrammar } from "../../src/lifecycle/event-grammar/item-grammar.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { TurnPipeline } from "./turn-pipeline.ts";
import type { Upstream, UpstreamCall, UpstreamEvent, UpstreamFinish } from "../upstreams/upstream.ts";

export interface TurnOptions {
  pipeline: TurnPipeline;
  /** Whether the upstream is held to the contract's orders of events. */
  isStrict: boolean;
}

/**
 * With `isStrict` every event is held against the contract's orders before it is written, and the first that breaks one
 * rejects with IllegalEventError. A run that is asked to leave ends here between two items, and rejects.
 */
export async function runTurn(
  run: Attempt,
  upstream: Upstream,
  call: UpstreamCall,
  { pipeline, isStrict }: TurnOptions,
): Promise<UpstreamFinish> {
  const { control } = run;
  const grammar = isStrict ? new ItemGrammar() : undefined;
  const items = new OpenItemTracker(control);
  try {
    for await (const event of upstream.run(call, control.generating)) {
      items.note(event);
      control.generating.throwIfAborted();
      if (event.type === "finish") {
        // What a failure leaves open is closed by whoever ends the response.
        if (event.status !== "failed") grammar?.checkAllDone(event);
        return event;
      }
      if (event.type !== "hidden_reasoning") grammar?.accept(event);
      await pipeline.accept(event);
    }
  } finally {
    items.release();
  }
  const error = responseError("server_error", "The provider's stream ended without a result.");
  return { type: "finish", status: "failed", error };
}

/**
 * Holds the run from the turn's first event until it is between two items. That an item is over is no such place yet: if
 * it was the turn's last, the finish comes next, and a hand-over before it would have the model asked for more. A turn
 * that has made a call is not cut at all: its further calls would not be asked for again.
 */
class OpenItemTracker {
  readonly #control: Attempt["control"];
  #release: (() => void) | undefined;
  #open = 0;
  #hasCalled = false;

  constructor(control: Attempt["control"]) {
    this.#control = control;
  }

  note(event: UpstreamEvent): void {
    if (event.type === "response.output_item.done") {
      this.#open -= 1;
      this.#hasCalled ||= isClientAction(event.item.type);
    }
    if (event.type !== "response.output_item.added") return;
    const isBetween = this.#open === 0 && this.#release !== undefined && !this.#hasCalled;
    if (isBetween && this.#control.isHandOverRequested) this.release();
    else this.#release ??= this.#control.deferHandOver();
    this.#open += 1;
  }

  release(): void {
    this.#release?.();
  }
}
