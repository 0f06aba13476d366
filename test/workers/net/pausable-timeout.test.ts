import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { PausableTimeout } from "../../../workers/net/pausable-timeout.ts";

const LIMIT_MS = 50;

test("the timeout expires after its limit", async () => {
  using limit = new PausableTimeout(LIMIT_MS);
  expect(await isUp(limit)).toBe(true);
});

test("the timeout pauses during a wait and resumes after it", async () => {
  using limit = new PausableTimeout(LIMIT_MS);
  await limit.pauseWhile(async () => await delay(4 * LIMIT_MS));
  expect(limit.signal.aborted).toBe(false);
  expect(await isUp(limit)).toBe(true);
});

test("the timeout resumes after a failed wait", async () => {
  using limit = new PausableTimeout(LIMIT_MS);
  const failing = limit.pauseWhile(async () => await Promise.reject(new Error("refused")));
  await expect(failing).rejects.toThrow("refused");
  expect(await isUp(limit)).toBe(true);
});

test("a disposed timeout never expires", async () => {
  const limit = new PausableTimeout(LIMIT_MS);
  limit[Symbol.dispose]();
  await delay(2 * LIMIT_MS);
  expect(limit.signal.aborted).toBe(false);
});

/** The timeout's own timer keeps no process alive. */
async function isUp({ signal }: PausableTimeout): Promise<boolean> {
  const alive = setInterval(() => {}, LIMIT_MS);
  if (!signal.aborted) await once(signal, "abort");
  clearInterval(alive);
  return signal.aborted;
}
