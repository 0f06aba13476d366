import { setTimeout as delay } from "node:timers/promises";

/** Waits. If the signal is aborted, rejects with the signal's own reason; the timer's AbortError only wraps it. */
export async function abortableDelay(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
