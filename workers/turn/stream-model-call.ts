/** Runs one model call, and passes its events to the log as they arrive. */
import { isClientAction } from "../../src/lifecycle/client-actions.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { Upstream, UpstreamCall, UpstreamEvent, UpstreamFinish } from "../upstreams/upstream.ts";
import type { TurnPipeline } from "./turn-pipeline.ts";
import { createMissingFinish } from "./turn-input.ts";

/**
 * Rejects with IllegalEventError if the pipeline is strict and the upstream breaks the order of events. If a hand-over is
 * requested, the turn stops between two items and rejects with the signal's reason.
 */
export async function streamModelCall(
  attempt: Attempt,
  upstream: Upstream,
  call: UpstreamCall,
  pipeline: TurnPipeline,
  onEvent: () => void,
): Promise<UpstreamFinish> {
  const { control } = attempt;
  const items = new OpenItemTracker(control);
  try {
    for await (const event of upstream.run(call, control.generating)) {
      items.note(event);
      control.generating.throwIfAborted();
      if (event.type === "finish") {
        pipeline.checkFinish(event);
        return event;
      }
      onEvent();
      await pipeline.accept(event);
    }
  } finally {
    items.release();
  }
  return createMissingFinish();
}

/**
 * Defers a hand-over from the turn's first event until the turn is between two items. It waits for the next item to start: after
 * the last item the finish follows, and a hand-over before it would make the next worker ask the model for more. A turn with
 * a call is never interrupted, because the next worker would not ask for its further calls.
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
