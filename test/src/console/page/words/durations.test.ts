import { expect, test } from "vitest";
import {
  formatAgo,
  formatCost,
  formatDuration,
  formatTicking,
} from "../../../../../src/console/page/words/durations.ts";

test.each([
  [0, "0 ms"],
  [350, "350 ms"],
  [4200, "4.2 s"],
  [40_900, "40 s"],
  [60_000, "1 min"],
  [185_000, "3 min 5 s"],
  [7_800_000, "2 h 10 min"],
  [273_600_000, "3 d 4 h"],
  [-5, "0 s"],
  [Number.NaN, "0 s"],
])("%d ms are %s", (ms, words) => {
  expect(formatDuration(ms)).toBe(words);
});

test.each([
  [0, "0 s"],
  [900, "0 s"],
  [4200, "4 s"],
  [185_400, "3 min 5 s"],
])("%d ms tick as %s", (ms, words) => {
  expect(formatTicking(ms)).toBe(words);
});

test.each([
  [0, "$0"],
  [0.00001, "< $0.0001"],
  [0.0123, "$0.0123"],
  [12.5, "$12.50"],
])("%d dollars are %s", (usd, words) => {
  expect(formatCost(usd)).toBe(words);
});

test("a recent time shows its age", () => {
  const now = 1_700_000_000_000;
  expect(formatAgo(now - 2000, now)).toBe("now");
  expect(formatAgo(now - 45_000, now)).toBe("45 s ago");
  expect(formatAgo(now - 185_000, now)).toBe("3 min ago");
});
