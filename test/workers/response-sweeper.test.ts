import { expect, test } from "vitest";
import type { Storage } from "../../src/responses/storage.ts";
import { decide, ResponseSweeper, type SweptResponse } from "../../workers/response-sweeper.ts";
import { openTestStorage } from "../support/storage.ts";

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

const sweep = async (storage: Storage): Promise<void> =>
  await new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 3, owner: "test" }).sweep();

test("one sweep looks at every open response, however many leave the set meanwhile", async () => {
  await using storage = await openTestStorage();
  // Opened long ago and never recorded: each of them leaves.
  await Promise.all(Array.from({ length: 450 }, (_, i) => storage.open.add(`resp_${i}`, i)));
  await sweep(storage);
  expect(await storage.open.list(0, 1_000)).toEqual([]);
});

test("an id that is just being admitted stays, though it has no record yet", async () => {
  await using storage = await openTestStorage();
  await storage.open.add("resp_new", Date.now());
  await sweep(storage);
  expect(await storage.open.list(0, 10)).toEqual(["resp_new"]);
});

test("a response that cannot be swept keeps no other from it", async () => {
  await using storage = await openTestStorage();
  await storage.redis.set(storage.layout.meta("resp_odd"), "no record");
  await storage.open.add("resp_odd", 1);
  await storage.open.add("resp_other", 2);
  await sweep(storage);
  expect(await storage.open.list(0, 10)).toEqual(["resp_odd"]);
});
