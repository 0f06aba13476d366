/** For whoever must get something to Redis and has a signal that bounds the wait: what is sent must be safe to send again. */
import { setTimeout as delay } from "node:timers/promises";
import { raceSignal } from "race-signal";
import { isRedisUnavailable } from "./connect.ts";

const RETRY_MS = 200;

/** Sends until Redis takes it. Rejects with the signal's reason, or with what is no matter of waiting. */
export async function retryUntilAvailable<T>(send: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      // A Redis that is away must not hold a run that is over.
      return await raceSignal(send(), signal);
    } catch (error) {
      if (signal.aborted || !isRedisUnavailable(error)) throw error;
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}
