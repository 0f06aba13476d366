import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { PausableTimeout } from "../../../workers/net/pausable-timeout.ts";

const LIMIT_MS = 50;

test("time is up after the limit", async () => {
  using limit = new PausableTimeout(LIMIT_MS);
  expect(await isUp(limit)).toBe(true);
});

test("it stands still while something else is waited for, and goes on after", async () => {
  using limit = new PausableTimeout(LIMIT_MS);
  await limit.pauseWhile(async () => await delay(4 * LIMIT_MS));
  expect(limit.signal.aborted).toBe(false);
  expect(await isUp(limit)).toBe(true);
});

test("it goes on after a wait that fails", async () => {
  using limit = new PausableTimeout(LIMIT_MS);
  const failing = limit.pauseWhile(async () => await Promise.reject(new Error("refused")));
  await expect(failing).rejects.toThrow("refused");
  expect(await isUp(limit)).toBe(true);
});

test("one that is disposed of is never up", async () => {
  const limit = new PausableTimeout(LIMIT_MS);
  limit[Symbol.dispose]();
  await delay(2 * LIMIT_MS);
  expect(limit.signal.aborted).toBe(false);
});

/** The limit's own timer keeps no process alive. */
async function isUp({ signal }: PausableTimeout): Promise<boolean> {
  const alive = setInterval(() => {}, LIMIT_MS);
  if (!signal.aborted) await once(signal, "abort");
  clearInterval(alive);
  return signal.aborted;
}
