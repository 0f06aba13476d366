import { expect } from "vitest";
import type { RedisInspector } from "./api-client.ts";

const POLLING = { interval: 10, timeout: 60_000 };

/** For state that sends no notification: reads it until `isSo` accepts its value, and returns this value. */
export async function pollUntil<T>(read: () => T | Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const last: { value?: T } = {};
  const isReached = async (): Promise<boolean> => isSo((last.value = await read()));
  await expect.poll(isReached, POLLING).toBe(true);
  return last.value as T;
}

/** A worker removes a response from the in-flight set just after its terminal event. */
export async function untilNoneInFlight(inspector: RedisInspector): Promise<void> {
  await pollUntil(
    async () => await inspector.inFlight(),
    (ids) => ids.length === 0,
  );
}
