/** For whoever must get something to Redis and has a signal that bounds the wait: what is sent must be safe to send again. */
import { setTimeout as delay } from "node:timers/promises";
import { isRedisUnavailable } from "./connect.ts";

const RETRY_MS = 200;

/** Sends until Redis takes it. Rejects with the signal's reason, or with what is no matter of waiting. */
export async function untilTaken<T>(send: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await abortable(send(), signal);
    } catch (error) {
      if (signal.aborted || !isRedisUnavailable(error)) throw error;
      await delay(RETRY_MS, undefined, { signal });
    }
  }
}

/** `promise`, or the signal's reason as soon as it is aborted: a Redis that is away must not hold a run that is over. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
