/** Waits for state that changes without a signal: in Redis, on disk, or in another process. */
import { vi } from "vitest";
import type { RedisInspector } from "./api-client.ts";

/** Rejects at the tests' own time limit. */
const LIMITS = { interval: 5, timeout: 60_000 };

/** Reads until `isReached` accepts the value, and returns this value. */
export async function pollUntil<T>(read: () => T | Promise<T>, isReached: (value: T) => boolean = Boolean): Promise<T> {
  const reached = await vi.waitUntil(async () => {
    const value = await read();
    return isReached(value) && { value };
  }, LIMITS);
  return reached.value;
}

/** A worker removes a response from the in-flight set just after its terminal event. */
export async function untilNoneInFlight(inspector: RedisInspector): Promise<void> {
  await pollUntil(
    async () => await inspector.inFlight(),
    (ids) => ids.length === 0,
  );
}
