/** Retries commands that must reach Redis, until a signal ends the wait. The command must be safe to repeat. */
import { setTimeout as delay } from "node:timers/promises";
import { raceSignal } from "race-signal";
import { isRedisUnavailable } from "./connect.ts";

const RETRY_MS = 200;

/**
 * Retries until Redis accepts the command. Rejects with the signal's reason, or with an error that waiting cannot cure.
 * `onWait` gets the first error that waiting can cure.
 */
export async function retryUntilAvailable<T>(
  send: () => Promise<T>,
  signal: AbortSignal,
  onWait?: (error: unknown) => void,
): Promise<T> {
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    try {
      // An unavailable Redis must not hold a run that has ended.
      return await raceSignal(send(), signal);
    } catch (error) {
      if (signal.aborted || !isRedisUnavailable(error)) throw error;
      if (isFirst) onWait?.(error);
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}
