/** Waiting for state that changes without a signal: in Redis, on disk, or in another process. */
import { vi } from "vitest";

/** Rejects at the tests' own time limit. */
const LIMITS = { interval: 5, timeout: 60_000 };

export async function pollUntil(isSo: () => boolean | Promise<boolean>): Promise<void> {
  await vi.waitUntil(isSo, LIMITS);
}
