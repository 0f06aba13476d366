import { expect, test } from "vitest";
import { computeQueueWaitMs } from "../../../workers/run/queue-wait.ts";
import type { PostponedFinish } from "../../../workers/upstreams/upstream.ts";

const NOW_MS = 1_000;
const error = { code: "rate_limit_exceeded" as const, message: "Later", type: "rate_limit_exceeded", param: null };
const postponed: PostponedFinish = { type: "finish", status: "postponed", error };
const limits = { waits: 0, maxWaits: 3, deadlineMs: Number.MAX_SAFE_INTEGER, latestStartMs: 0 };

test.each([
  ["the provider's delay and up to a quarter more", { retryAfterMs: 20_000 }, {}, [20_000, 25_000]],
  ["an hour at most of that delay", { retryAfterMs: 86_400_000 }, {}, [3_600_000, 4_500_000]],
  ["10 s without a requested delay", {}, {}, [10_000, 12_500]],
  ["twice as long after each wait", {}, { waits: 2 }, [40_000, 50_000]],
  ["5 minutes at most after many waits", {}, { waits: 50, maxWaits: 51 }, [300_000, 375_000]],
])("the wait is %s", (_name, finish, more, [least, most]) => {
  const wait = (random: number) =>
    computeQueueWaitMs({ ...postponed, ...finish }, { ...limits, ...more }, NOW_MS, () => random);
  expect([wait(0), wait(1)]).toEqual([least, most]);
});

test.each([
  ["it has used all its waits", {}, { waits: 3 }],
  ["waiting is turned off", {}, { maxWaits: 0 }],
  ["its deadline comes first", { retryAfterMs: 20_000 }, { deadlineMs: NOW_MS + 20_000 }],
])("there is no wait if %s", (_name, finish, more) => {
  expect(computeQueueWaitMs({ ...postponed, ...finish }, { ...limits, ...more }, NOW_MS, () => 0)).toBeUndefined();
});

test("a response with a completion window waits freely before its latest start", () => {
  const wait = (latestStartMs: number) =>
    computeQueueWaitMs(postponed, { ...limits, waits: 3, latestStartMs }, NOW_MS, () => 0);
  expect([wait(NOW_MS + 1), wait(NOW_MS)]).toEqual([80_000, undefined]);
});
