import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { SilenceWatch } from "../../../workers/turn/silence-watch.ts";

const LIMIT_MS = 100;

test("each silence is reported once, and an event begins the next", async () => {
  const silences: number[] = [];
  using watch = new SilenceWatch(LIMIT_MS, (silentMs) => silences.push(silentMs));
  await expect.poll(() => silences.length).toBe(1);
  await delay(3 * LIMIT_MS);
  expect(silences).toHaveLength(1);
  watch.noteEvent();
  await expect.poll(() => silences.length).toBe(2);
  for (const silentMs of silences) expect(silentMs).toBeGreaterThanOrEqual(LIMIT_MS);
});

test("time in which nothing is expected is no silence", async () => {
  const begin = performance.now();
  const { promise, resolve } = Promise.withResolvers<void>();
  using watch = new SilenceWatch(LIMIT_MS, () => resolve());
  watch.noteEvent(5 * LIMIT_MS);
  await promise;
  expect(performance.now() - begin).toBeGreaterThanOrEqual(6 * LIMIT_MS - 1);
});
