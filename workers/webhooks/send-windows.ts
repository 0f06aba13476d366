/**
 * How many tries of one endpoint a worker makes at a time. A receiver that answers fast may use every slot of its project; one
 * that answers slowly or not at all soon holds few, so that it delays no other. (Additive increase, multiplicative decrease,
 * as in TCP.) Only the time that a try takes counts: a receiver that rejects fast holds no slot.
 */
import { LRUCache } from "lru-cache";

const FIRST_LIMIT = 10;
const FAST_MS = 1_000;
/** Endpoints whose window a worker remembers. A forgotten one begins again. */
const MAX_WINDOWS = 10_000;

interface SendWindow {
  limit: number;
  inFlight: number;
}

export class SendWindows {
  readonly #windows = new LRUCache<string, SendWindow>({ max: MAX_WINDOWS });
  readonly #slots: number;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** False if the endpoint has as many tries in flight as it may have. */
  tryBegin(endpointId: string): boolean {
    const window = this.#windowOf(endpointId);
    if (window.inFlight >= window.limit) return false;
    window.inFlight += 1;
    return true;
  }

  end(endpointId: string, durationMs: number, isAnswered: boolean): void {
    const window = this.#windowOf(endpointId);
    window.inFlight = Math.max(0, window.inFlight - 1);
    if (durationMs < FAST_MS) window.limit = Math.min(window.limit + 1, this.#slots);
    else if (isAnswered) window.limit = Math.min(window.limit, FIRST_LIMIT);
    else window.limit = Math.max(1, Math.floor(window.limit / 2));
  }

  #windowOf(endpointId: string): SendWindow {
    let window = this.#windows.get(endpointId);
    if (window === undefined) {
      window = { limit: Math.min(FIRST_LIMIT, this.#slots), inFlight: 0 };
      this.#windows.set(endpointId, window);
    }
    return window;
  }
}
