/** The speed of a call's deltas, and all waits of a call. Each wait ends at once when the call is aborted. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { abortableDelay } from "../abortable-delay.ts";

/** Without a delay, a long text must still yield to the event loop, or an abort would go unnoticed. */
const DELTAS_PER_TURN = 64;
const DELTAS_BEFORE_HANGING = 3;

export interface PaceOptions {
  delayMs: number;
  hangs: boolean;
  signal: AbortSignal;
}

export class Pace {
  readonly #options: PaceOptions;
  #deltas = 0;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  async beforeDelta(): Promise<void> {
    const { delayMs, hangs, signal } = this.#options;
    if (hangs && this.#deltas >= DELTAS_BEFORE_HANGING) await waitForAbort(signal);
    this.#deltas++;
    if (delayMs > 0) await abortableDelay(delayMs, signal);
    else if (this.#deltas % DELTAS_PER_TURN === 0) await nextTurn();
    signal.throwIfAborted();
  }

  /** A call that hangs never ends, however short its answer is. */
  async beforeEnd(): Promise<void> {
    if (this.#options.hangs) await waitForAbort(this.#options.signal);
  }
}

/** Never resolves. */
async function waitForAbort(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return await new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
