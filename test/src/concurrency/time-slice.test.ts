import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapInSlices } from "../../../src/concurrency/time-slice.ts";

/** Busy for longer than one turn of the event loop. */
function work(): void {
  const until = performance.now() + 30;
  while (performance.now() < until);
}

test("a list is mapped in order", async () => {
  expect(await mapInSlices(["a", "b", "c"], (value, index) => `${index}${value}`)).toEqual(["0a", "1b", "2c"]);
  expect(await mapInSlices([], () => 1)).toEqual([]);
});

test("the event loop serves others between two steps of long work", async () => {
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
  // The order of the immediates in the first round is unspecified.
  expect(new Set(seen).size).toBeGreaterThanOrEqual(3);
});

test("a failed step rejects", async () => {
  const failing = mapInSlices([1], () => {
    throw new Error("wrong");
  });
  await expect(failing).rejects.toThrow("wrong");
});
