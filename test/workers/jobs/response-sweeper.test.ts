import { pino } from "pino";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { startPrivateRedis } from "../../../src/local/redis/private-server.ts";
import { newId } from "../../../src/protocol/id.ts";
import { queueResponse } from "../../../src/responses/admission/queue-response.ts";
import { abandonResponse } from "../../../src/responses/ending/abandon-response.ts";
import { lockForResponse } from "../../../src/responses/conversations/conversation-lock.ts";
import { readResponse } from "../../../src/responses/reading/read-response.ts";
import {
  decideSweep,
  MAX_SWEEP_FAILURES,
  ResponseSweeper,
  type SweptResponse,
} from "../../../workers/jobs/response-sweeper.ts";
import { uniquePrefix } from "../../support/redis.ts";
import { sampleRecord } from "../../support/samples.ts";
import { openTestStorage, silentLogger, type TestStorage } from "../../support/storage.ts";

const NOW_MS = 1_000;
const MAX_ATTEMPTS = 3;
const LATER_MS = Date.now() + 600_000;
const running: SweptResponse = { status: "in_progress", ending: "", deadlineMs: 2_000, charged: 1, isQueued: true };

test.each<[string, Partial<SweptResponse>, string]>([
  ["it has a job", {}, "keep"],
  ["it has a job on its last attempt", { charged: 3 }, "keep"],
  ["it waits without a job", { status: "queued", charged: 0, isQueued: false }, "enqueue"],
  ["its job was lost", { isQueued: false }, "enqueue"],
  ["its job was lost after its last attempt", { isQueued: false, charged: 3 }, "exhaust"],
  ["it is past its deadline", { deadlineMs: NOW_MS }, "expire"],
  ["a cancel has begun", { ending: "cancel", deadlineMs: 0 }, "finish"],
  ["a failure has begun", { ending: "fail" }, "finish"],
  ["it has ended", { status: "completed", ending: "cancel", isQueued: false, deadlineMs: 0 }, "forget"],
])("%s: %s", (_name, fields, action) => {
  expect(decideSweep({ ...running, ...fields }, NOW_MS, MAX_ATTEMPTS)).toBe(action);
});

const sweep = async (storage: TestStorage): Promise<void> =>
  await new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 3, owner: "test" }).sweep();

test("one sweep covers every response in flight, even while ids are removed", async () => {
  await using storage = await openTestStorage();
  // Added long ago and never recorded, so the sweep removes each of them.
  await Promise.all(Array.from({ length: 450 }, (_, i) => storage.inFlight.add(`resp_${i}`, i)));
  await sweep(storage);
  expect(await storage.inFlight.list(0, 1_000)).toEqual([]);
});

test("an id in admission stays without a record", async () => {
  await using storage = await openTestStorage();
  await storage.inFlight.add("resp_new", Date.now());
  await sweep(storage);
  expect(await storage.inFlight.list(0, 10)).toEqual(["resp_new"]);
});

test("a full Redis that rejects the listing of a page ends no sweep there", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sweeper-"));
  onTestFinished(async () => await rm(folder, { recursive: true, force: true }));
  await using redis = await startPrivateRedis({ dataDir: folder, extraArgs: ["--appendonly", "no"] });
  await using storage = await openTestStorage(uniquePrefix(), redis.url);
  // As from a process of a release without lists: with a job, and in no list.
  const unlisted = Array.from({ length: 200 }, (_, i) => sampleRecord({ createdAtMs: i + 1, deadlineMs: LATER_MS }));
  const expired = sampleRecord({ createdAtMs: 1_000, deadlineMs: 1 });
  for (const record of [...unlisted, expired]) {
    await storage.inFlight.add(record.id, record.createdAtMs);
    await storage.records.create(record);
    await queueResponse(storage, record);
  }
  await storage.redis.config("SET", "maxmemory", "1");
  await expect(sweep(storage)).rejects.toThrow(/OOM/);
  expect(await storage.records.read(expired.id)).toMatchObject({ status: "failed" });
  expect(await storage.inFlight.list(0, 1_000)).toEqual(unlisted.map(({ id }) => id));
  await storage.redis.config("SET", "maxmemory", "0");
  await sweep(storage);
  const ids = unlisted.map(({ id }) => id);
  expect(await storage.responseList.findUnlisted("default", ids)).toEqual([]);
});

/** Ids that no sweep can end, each broken in one way. Those with a record hold a conversation. */
const POISONS: Record<string, (storage: TestStorage, id: string) => Promise<unknown>> = {
  "whose record is none": async ({ redis, layout }, id) => {
    await redis.del(layout.meta(id));
    await redis.set(layout.meta(id), "no record");
  },
  "whose record has a status that nobody knows": async ({ redis, layout }, id) =>
    await redis.hset(layout.meta(id), "status", "odd"),
  "that has ended, and whose turn cannot be read": async ({ redis, layout }, id) => {
    await redis.hset(layout.meta(id), "status", "completed");
    await redis.del(layout.input(id));
    await redis.sadd(layout.input(id), "odd");
  },
};

async function openPoisoned(storage: TestStorage, poison: string): Promise<{ id: string; conversationId: string }> {
  const conversationId = newId("conv");
  const conversation = { id: conversationId, object: "conversation", created_at: 1_700_000_000, metadata: {} } as const;
  await storage.conversations.create(conversation, "default", []);
  const record = sampleRecord({ conversationId, deadlineMs: 1 });
  if (poison === UNREADABLE_LOG) record.events[1] = "{odd";
  await storage.inFlight.add(record.id, 1);
  await storage.records.create(record);
  await storage.conversations.lock(conversationId, record.id);
  await POISONS[poison]?.(storage, record.id);
  return { id: record.id, conversationId };
}

const UNREADABLE_LOG = "whose log cannot be read";

describe.each([...Object.keys(POISONS), UNREADABLE_LOG])("a response %s", (poison) => {
  test("blocks no other response, and is abandoned after MAX_SWEEP_FAILURES sweeps", async () => {
    const lines: { level: number; responseId?: string; msg: string }[] = [];
    const logger = pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
    await using opened = await openTestStorage();
    const storage = { ...opened, logger };
    const { id, conversationId } = await openPoisoned(storage, poison);
    const sweeper = new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 3, owner: "test" });
    for (let failures = 0; failures < MAX_SWEEP_FAILURES; failures++) {
      await storage.inFlight.add(`resp_other_${failures}`, 2);
      await sweeper.sweep();
      expect(await storage.inFlight.list(0, 10)).toEqual([id]);
    }
    await sweeper.sweep();
    expect(await storage.inFlight.list(0, 10)).toEqual([]);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 50, responseId: id, msg: expect.stringContaining("Abandoned") }),
    );
    // Only a record names the locked conversation. Without a record, the next request to that conversation releases the
    // lock.
    const lock = async () => (await storage.conversations.readOwned(conversationId, "default"))?.lock;
    expect(await lock()).toBe(poison === "whose record is none" ? id : "");
    await lockForResponse(storage, conversationId, "default", "resp_next", silentLogger);
    expect(await lock()).toBe("resp_next");
  });
});

test("an abandoned response fails if its first event is readable", async () => {
  await using storage = await openTestStorage();
  const { id } = await openPoisoned(storage, UNREADABLE_LOG);
  await abandonResponse(storage, id, silentLogger);
  const read = await readResponse(storage, id);
  expect(JSON.parse(read!.json)).toMatchObject({ id, status: "failed", output: [], error: { code: "server_error" } });
});
