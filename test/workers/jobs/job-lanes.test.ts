import { expect, test } from "vitest";
import { computeLaneSizes, requiredLockDurationMs } from "../../../workers/jobs/job-lanes.ts";

test.each([
  ["a near Redis", 50, 0.5, [50]],
  ["one slot", 1, 300, [1]],
  ["few slots, far away", 4, 300, [1, 1, 2]],
  ["many slots, far away", 50, 150, [5, 5, 5, 5, 5, 5, 5, 5, 5, 5]],
])("%s: %i slots at %d ms use %j", (_name, slots, roundTripMs, sizes) => {
  expect(computeLaneSizes(slots, roundTripMs)).toEqual(sizes);
});

test("a lock lasts at least twenty round trips", () => {
  expect(requiredLockDurationMs(150, 4_000)).toBeUndefined();
  expect(requiredLockDurationMs(300, 4_000)).toBe(6_000);
});
