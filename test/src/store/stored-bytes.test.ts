/** The stored bytes of a project are counted and limited. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCompletedEvent } from "../../../src/lifecycle/lifecycle-events.ts";
import type { EventDraft } from "../../../src/protocol/event.ts";
import { newId } from "../../../src/protocol/id.ts";
import { eraseResponse } from "../../../src/responses/ending/erase-response.ts";
import { settleEndedResponse } from "../../../src/responses/ending/settle-ended-response.ts";
import { sequenceEvents } from "../../../src/stream/log/event-log.ts";
import { ResponseSweeper } from "../../../workers/jobs/response-sweeper.ts";
import { createAdmission } from "../../support/admission.ts";
import { REQUEST, sampleResponse, USAGE } from "../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

const newProject = (): string => newId("item", 8);

async function admit(project: string, maxStoredBytesPerProject: number, input = "Hello"): Promise<string> {
  const request = { ...REQUEST, input };
  const admission = createAdmission(storage, { limits: { maxStoredBytesPerProject } });
  return (await admission.admit({ project, request, idempotencyKey: undefined })).id;
}

/** Ends the response as a worker does, up to its removal from the in-flight set. */
async function complete(id: string): Promise<void> {
  const acquired = await storage.leases.acquire(id, Date.now(), 5, "test");
  if (acquired.kind !== "held") throw new Error(acquired.kind);
  const { lease, last } = acquired;
  await storage.journals.writeTurn(id, lease, 0, { usage: null, segments: [] });
  await storage.journals.writeTurn(id, lease, 0, { usage: USAGE, segments: [] });
  const ending = createCompletedEvent(
    { ...sampleResponse({}, id), status: "in_progress" },
    { output: [], usage: USAGE },
    1,
  ) as EventDraft;
  const events = sequenceEvents(last + 1, [ending]);
  const outcome = await storage.log.append(id, { lease, first: last + 1, events, status: "completed" });
  expect(outcome.kind).toBe("appended");
}

/** Measures the response's keys directly. */
async function measure(id: string): Promise<number> {
  const { redis, layout } = storage;
  const entries = await redis.xrange(layout.events(id), "-", "+");
  const log = entries.reduce((sum, [, fields]) => sum + Buffer.byteLength(fields[1]!), 0);
  const calls = (await redis.hvals(layout.calls(id))).reduce((sum, value) => sum + Buffer.byteLength(value), 0);
  const [request, input] = await Promise.all([redis.strlen(layout.request(id)), redis.strlen(layout.input(id))]);
  return log + calls + request + input;
}

/** The record, and one item in the index. */
const FLAT = 2_048 + 200;

test("a response counts its stored bytes, from acceptance to deletion", async () => {
  const project = newProject();
  const id = await admit(project, 0, "Ångström ✓");
  expect(await storage.storedBytes.read(project)).toBe((await measure(id)) + FLAT);
  await complete(id);
  await settleEndedResponse(storage, id);
  const expected = (await measure(id)) + FLAT;
  expect(await storage.storedBytes.read(project)).toBe(expected);
  await settleEndedResponse(storage, id);
  expect(await storage.storedBytes.read(project)).toBe(expected);
  await eraseResponse(storage, id, (await storage.records.read(id))!);
  expect(await storage.storedBytes.read(project)).toBe(0);
  // The late step of a worker whose response was deleted meanwhile.
  await storage.inFlight.removeEnded(id, project, {
    retained: { bytes: expected, expiresAtMs: Date.now() + 60_000, status: "completed", asks: "" },
    endedAtMs: Date.now(),
  });
  expect(await storage.storedBytes.read(project)).toBe(0);
});

test("above the bound requests are rejected until a deletion makes room", async () => {
  const project = newProject();
  const first = await admit(project, 0);
  const each = await storage.storedBytes.read(project);
  const bound = 2 * each + 100;
  const second = await admit(project, bound);
  const rejected = admit(project, bound);
  await expect(rejected).rejects.toMatchObject({
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    param: null,
    headers: { "x-should-retry": "false" },
    message: `Storage limit reached: this project keeps ${2 * each} of ${bound} bytes, and this request needs ${each} more. Delete responses, conversations, containers or files, or wait until some expire.`,
  });
  expect(await storage.storedBytes.read(project)).toBe(2 * each);
  await admit(newProject(), bound);
  await eraseResponse(storage, second, (await storage.records.read(second))!);
  await admit(project, bound);
  // Running responses continue.
  expect(await storage.records.readStatus(first)).toBe("queued");
});

test("of many concurrent requests, only those with room are accepted", async () => {
  const project = newProject();
  await admit(project, 0);
  const each = await storage.storedBytes.read(project);
  const settled = await Promise.allSettled(Array.from({ length: 20 }, () => admit(project, 6 * each)));
  expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
  expect(await storage.storedBytes.read(project)).toBe(6 * each);
});

test("expired responses make room by themselves", async () => {
  const project = newProject();
  const id = await admit(project, 0);
  await complete(id);
  await settleEndedResponse(storage, id);
  const bound = (await storage.storedBytes.read(project)) + 10;
  await expect(admit(project, bound)).rejects.toMatchObject({ status: 429 });
  const { redis, layout } = storage;
  const [expiresAtMs, seconds] = await Promise.all([
    redis.hget(layout.meta(id), "expiresAtMs"),
    redis.ttl(layout.events(id)),
  ]);
  expect(Math.abs(Number(expiresAtMs) - (Date.now() + seconds * 1000))).toBeLessThan(5_000);
  await redis.hset(layout.meta(id), "expiresAtMs", Date.now() - 1_000);
  await settleEndedResponse(storage, id);
  await admit(project, bound);
});

test("a response counts while its replay and conversation exist, a failed admission does not", async () => {
  const project = newProject();
  const request = { ...REQUEST, conversation: newId("conv") };
  const { id, ...fields } = { id: request.conversation, object: "conversation" as const, created_at: 1, metadata: {} };
  await storage.conversations.create({ id, ...fields }, project, []);
  await storage.conversations.lock(id, "resp_other");
  await storage.inFlight.add("resp_other", Date.now());
  const before = await storage.storedBytes.read(project);
  const admitted = createAdmission(storage).admit({ project, request, idempotencyKey: undefined });
  await expect(admitted).rejects.toMatchObject({ code: "conversation_locked" });
  expect(await storage.storedBytes.read(project)).toBe(before);
});

test("the sweeper counts running responses, and forgets admissions that crashed", async () => {
  const project = newProject();
  const id = await admit(project, 0);
  const bytes = await storage.storedBytes.read(project);
  const entering = { id: newId("resp"), project, nowMs: Date.now() - 60_000, bytes: 5_000 };
  await storage.inFlight.addWithinLimits(entering, {
    maxOpen: 0,
    maxStoredBytes: 0,
    maxRequestsPerMinute: 0,
    maxTokensPerMinute: 0,
  });
  expect(await storage.storedBytes.read(project)).toBe(bytes + 5_000);
  const { lease, last } = (await storage.leases.acquire(id, Date.now(), 5, "test")) as { lease: string; last: number };
  const events = [`{"type":"response.queued","sequence_number":${last + 1},"text":"${"x".repeat(1_000)}"}`];
  await storage.log.append(id, { lease, first: last + 1, events });
  expect(await storage.storedBytes.read(project)).toBe(bytes + 5_000);
  await new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 5, owner: "test" }).sweep();
  expect(await storage.storedBytes.read(project)).toBe(bytes + Buffer.byteLength(events[0]!));
});
