import { expect, test } from "vitest";
import { decide, type SweptResponse } from "../../workers/response-sweeper.ts";

const NOW_MS = 1_000;
const MAX_ATTEMPTS = 3;
const running: SweptResponse = { status: "in_progress", ending: "", deadlineMs: 2_000, attempts: 1, isQueued: true };

test.each<[string, Partial<SweptResponse>, string]>([
  ["it has a job", {}, "keep"],
  ["it has a job on its last attempt", { attempts: 3 }, "keep"],
  ["it waits without a job", { status: "queued", attempts: 0, isQueued: false }, "enqueue"],
  ["its job was lost", { isQueued: false }, "enqueue"],
  ["its job was lost once too often", { isQueued: false, attempts: 3 }, "exhaust"],
  ["it is past its deadline", { deadlineMs: NOW_MS }, "expire"],
  ["a cancel was begun", { ending: "cancel", deadlineMs: 0 }, "finish"],
  ["a failure was begun", { ending: "fail" }, "finish"],
  ["it has ended", { status: "completed", ending: "cancel", isQueued: false, deadlineMs: 0 }, "forget"],
])("%s: %s", (_name, fields, action) => {
  expect(decide({ ...running, ...fields }, NOW_MS, MAX_ATTEMPTS)).toBe(action);
});
