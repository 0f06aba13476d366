/** How fast the deltas of a call come, and the only place where a call waits: every wait ends at once when it is aborted. */
import { setImmediate as nextTurn, setTimeout as delay } from "node:timers/promises";

/** Without a delay the event loop still gets its turn, or a long text would keep an abort from being heard. */
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
    if (delayMs > 0) await pause(delayMs, signal);
    else if (this.#deltas % DELTAS_PER_TURN === 0) await nextTurn();
    signal.throwIfAborted();
  }

  /** A call that hangs does not end either, however short its answer is. */
  async beforeEnd(): Promise<void> {
    if (this.#options.hangs) await waitForAbort(this.#options.signal);
  }
}

/** Rejects with the signal's own reason; the timer would reject with an AbortError that only holds it. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Never resolves. */
async function waitForAbort(signal: AbortSignal): Promise<never> {
  signal.throwIfAborted();
  return await new Promise<never>((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
