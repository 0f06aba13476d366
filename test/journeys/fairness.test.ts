/** No project blocks another's runs, however many it has, and a project alone may use every slot. */
import { afterEach, beforeEach, expect, test } from "vitest";
import type { QueueName } from "../../src/queue/response-queue.ts";
import { endFromOutside } from "../../src/responses/ending/end-from-outside.ts";
import { isTerminalStatus } from "../../src/protocol/response.ts";
import { send, simulate } from "../support/api-client.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { acceptResponse, HANGING, waitForRuns, type QueuedRequest } from "../support/queued-responses.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestStorage, type TestStorage } from "../support/storage.ts";

let environment: Record<string, string>;
let storage: TestStorage;

beforeEach(async () => {
  const prefix = uniquePrefix();
  storage = await openTestStorage(prefix);
  environment = { KEY_PREFIX: prefix, LOG_LEVEL: "debug", DRAIN_GRACE_MS: "0" };
});
afterEach(async () => {
  await storage[Symbol.asyncDispose]();
});

const accepted = async (count: number, waiting: QueuedRequest): Promise<string[]> =>
  await Promise.all(Array.from({ length: count }, async () => await acceptResponse(storage, waiting)));

const running = async (name: QueueName = "background"): Promise<number> =>
  await storage.redis.llen(`${storage.layout.queuePrefix}:${name}:active`);
const untilRunning = async (count: number, name?: QueueName): Promise<void> =>
  await expect.poll(async () => await running(name), { timeout: 30_000 }).toBe(count);

/** How many of these a worker has begun and not ended. */
async function begun(ids: readonly string[]): Promise<number> {
  const records = await Promise.all(ids.map((id) => storage.records.read(id)));
  return records.filter((record) => record!.attempts > 0 && !isTerminalStatus(record!.status)).length;
}

test("500 hanging runs in 50 slots leave room for two other projects", async () => {
  const hog = await accepted(500, { project: "hog", metadata: HANGING });
  await using worker = await startWorker(environment);
  await untilRunning(50);
  const quick = await acceptResponse(storage, { project: "other", tier: "flex" });
  expect(await waitForRuns(worker, 1)).toEqual([quick]);
  // The rest of the reserve is shared too, instead of going to the first project that asks.
  const second = await accepted(50, { project: "second", tier: "priority", metadata: HANGING });
  await untilRunning(53);
  const third = await acceptResponse(storage, { project: "third", window: "8h" });
  expect(await waitForRuns(worker, 2)).toEqual([quick, third]);
  expect([await begun(hog), await begun(second)]).toEqual([50, 3]);
});

test("a freed slot goes to the other project until both have equally many", async () => {
  const hog = await accepted(12, { project: "hog", metadata: HANGING });
  await using worker = await startWorker({ ...environment, BACKGROUND_CONCURRENCY: "4" });
  await untilRunning(4);
  const other = await accepted(12, { project: "other", metadata: HANGING });
  // One in reserve.
  await untilRunning(5);
  const shares = async () => [await begun(hog), await begun(other)];
  expect(await shares()).toEqual([4, 1]);
  const endOne = async (ids: string[]) => {
    const records = await Promise.all(ids.map((id) => storage.records.read(id)));
    await endFromOutside(
      storage,
      ids[records.findIndex((r) => r!.attempts > 0 && !isTerminalStatus(r!.status))]!,
      "cancel",
    );
  };
  await endOne(hog);
  await expect.poll(shares, { timeout: 20_000 }).toEqual([3, 2]);
  await endOne(hog);
  await expect.poll(shares, { timeout: 20_000 }).toEqual([2, 3]);
  // The first of its runs had the reserve's slot, which stays free for a project with fewer runs than these.
  await endOne(other);
  await expect.poll(shares, { timeout: 20_000 }).toEqual([2, 2]);
  await worker.stop();
});

test("a run in the reserve is handed over, retried and ended normally", async () => {
  await accepted(3, { project: "hog", metadata: HANGING });
  const narrow = { ...environment, BACKGROUND_CONCURRENCY: "1" };
  const leaving = await startWorker(narrow);
  await untilRunning(1);
  const other = await acceptResponse(storage, { project: "other", metadata: HANGING });
  await untilRunning(2);
  expect(await leaving.stop()).toBe(0);
  expect(await running(), "handed over at once").toBe(0);
  expect((await storage.records.read(other))!.attempts, "given back").toBe(0);
  await using worker = await startWorker(narrow);
  await untilRunning(2);
  await endFromOutside(storage, other, "cancel");
  await waitForRuns(worker, 1);
  // BullMQ takes the lower id first among jobs that were handed over: it may have run in the reserve or beside it.
  const active = `${storage.layout.queuePrefix}:background:active`;
  await expect.poll(async () => await storage.redis.lrange(active, 0, -1), { timeout: 30_000 }).not.toContain(other);
});

test("foreground runs are fair too", async () => {
  const keys = "hog:key-of-the-hog-00001,other:key-of-the-other-001";
  await using api = await startApi({ ...environment, API_KEYS: keys });
  await using _worker = await startWorker({ ...environment, FOREGROUND_CONCURRENCY: "2" });
  const post = async (key: string, settings: object, signal: AbortSignal | null = null) =>
    await fetch(`${api.url}/responses`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(simulate({ ...settings }, { background: false })),
      signal,
    });
  const leaving = new AbortController();
  const hanging = Array.from({ length: 8 }, () => post("key-of-the-hog-00001", { hang: true }, leaving.signal));
  await untilRunning(2, "foreground");
  await expect.poll(async () => (await storage.inFlight.list(0, 100)).length, { timeout: 20_000 }).toBe(8);
  const answer = await post("key-of-the-other-001", { tokens: 2, delay_ms: 0 });
  expect(await answer.json()).toMatchObject({ status: "completed" });
  // The answer comes with the terminal event, and the run leaves the queue a moment later.
  await expect.poll(async () => await running("foreground")).toBe(2);
  leaving.abort();
  await Promise.allSettled(hanging);
  const health = await send("GET", `${api.url}/models`, undefined, { authorization: "Bearer key-of-the-hog-00001" });
  expect(health.status).toBe(200);
});
