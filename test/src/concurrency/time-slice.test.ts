import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapInSlices } from "../../../src/concurrency/time-slice.ts";

/** Longer than a turn by itself. */
function work(): void {
  const until = performance.now() + 30;
  while (performance.now() < until);
}

test("a list is mapped in its order", async () => {
  expect(await mapInSlices(["a", "b", "c"], (value, place) => `${place}${value}`)).toEqual(["0a", "1b", "2c"]);
  expect(await mapInSlices([], () => 1)).toEqual([]);
});

test("between two steps of long work, the event loop does what others wait for", async () => {
  let rounds = 0;
  const state = { isMapped: false };
  const seen: number[] = [];
  const mapped = mapInSlices([1, 2, 3, 4], () => {
    work();
    seen.push(rounds);
  }).finally(() => (state.isMapped = true));
  while (!state.isMapped) {
    await nextRound();
    rounds += 1;
  }
  await mapped;
  // Whose immediate is first in the first round is not said.
  expect(new Set(seen).size).toBeGreaterThanOrEqual(3);
});

test("what has failed rejects", async () => {
  const failing = mapInSlices([1], () => {
    throw new Error("wrong");
  });
  await expect(failing).rejects.toThrow("wrong");
});
