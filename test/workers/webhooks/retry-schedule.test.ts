import { expect, test } from "vitest";
import { computeRetryDelay } from "../../../workers/webhooks/retry-schedule.ts";

const HOUR_MS = 60 * 60 * 1000;
const GIVE_UP_MS = 72 * HOUR_MS;
const middle = () => 0.5;

test("delays triple up to six hours", () => {
  const delays = [1, 2, 3, 4, 8, 9, 20, 2_000].map((attempt) =>
    computeRetryDelay({ attempt, nowMs: 0, giveUpAtMs: GIVE_UP_MS }, 5_000, middle),
  );
  const cap = 6 * HOUR_MS;
  expect(delays).toEqual([5_000, 15_000, 45_000, 135_000, 10_935_000, cap, cap, cap]);
});

test("jitter spreads events that failed together", () => {
  const at = (random: number) =>
    computeRetryDelay({ attempt: 1, nowMs: 0, giveUpAtMs: GIVE_UP_MS }, 5_000, () => random);
  expect([at(0), at(1)]).toEqual([4_000, 6_000]);
});

test("an event is tried for 72 hours, and at their end", () => {
  let nowMs = 0;
  let tries = 1;
  for (; ; tries += 1) {
    const delayMs = computeRetryDelay({ attempt: tries, nowMs, giveUpAtMs: GIVE_UP_MS }, 5_000);
    if (delayMs === undefined) break;
    nowMs += delayMs;
  }
  expect(nowMs).toBe(GIVE_UP_MS);
  expect(tries).toBeGreaterThan(15);
  expect(tries).toBeLessThan(30);
});

test.each([
  ["30", 30_000],
  ["1", 5_000],
  ["999999999", 6 * HOUR_MS],
  ["Thu, 01 Jan 1970 00:01:00 GMT", 60_000],
  ["Wed, 01 Jan 1964 00:00:00 GMT", 5_000],
  ["soon", 5_000],
  ["", 5_000],
])("a Retry-After of '%s' waits %i ms", (retryAfter, expected) => {
  expect(computeRetryDelay({ attempt: 1, nowMs: 0, giveUpAtMs: GIVE_UP_MS, retryAfter }, 5_000, middle)).toBe(expected);
});
