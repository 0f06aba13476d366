/** The way of an event from the end of its response to the queue, on a real Redis. */
import { Queue } from "bullmq";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { newId } from "../../../src/protocol/id.ts";
import { endFromOutside } from "../../../src/responses/ending/end-from-outside.ts";
import { WEBHOOK_QUEUE_NAME, type WebhookJob } from "../../../src/queue/webhook-queue.ts";
import { MAX_LISTED_DELIVERIES, MAX_PENDING_EVENTS } from "../../../src/store/webhook-deliveries.ts";
import { MAX_OUTBOX_ENTRIES } from "../../../src/store/webhook-outbox.ts";
import { eventKeyOf } from "../../../src/webhooks/webhook-event.ts";
import { sampleRecord } from "../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

const FIELDS = { name: "Test", url: "https://example.com/", event_types: ["response.cancelled" as const] };

let storage: TestStorage;
let queue: Queue<WebhookJob>;
let project: string;
beforeAll(async () => {
  storage = await openTestStorage();
  queue = new Queue(WEBHOOK_QUEUE_NAME, { connection: storage.redis, prefix: storage.layout.queuePrefix });
});
afterAll(async () => {
  await queue.close();
  await storage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  project = newId("item", 12);
  await storage.webhooks.relay.close();
  await storage.redis.del(storage.layout.webhookOutbox);
  await queue.obliterate({ force: true });
});

const createEndpoint = async (fields: Partial<typeof FIELDS> = {}) =>
  (await storage.webhooks.endpoints.create(project, { ...FIELDS, ...fields }, 100))!;

async function cancelResponse(fields: Parameters<typeof sampleRecord>[0] = {}): Promise<string> {
  const record = sampleRecord({ project, ...fields });
  await storage.inFlight.add(record.id, record.createdAtMs);
  await storage.records.create(record);
  await endFromOutside(storage, record.id, "cancel");
  return record.id;
}

/** The outbox as a crash at this moment would leave it. */
const outbox = async () => await storage.redis.zrange(storage.layout.webhookOutbox, "0", "-1");
const jobs = async () => (await queue.getJobs()).map(({ data }) => data);

test("an end is queued once per subscribed endpoint, and leaves the outbox", async () => {
  const endpoints = [await createEndpoint(), await createEndpoint()];
  await storage.webhooks.endpoints.create(project, { ...FIELDS, event_types: ["response.failed"] }, 100);
  const id = await cancelResponse();
  await storage.webhooks.relay.close();
  const queued = await jobs();
  expect(new Set(queued.map(({ endpointId }) => endpointId))).toEqual(new Set(endpoints.map((each) => each.id)));
  expect(queued.every((job) => job.kind === "event" && job.responseId === id)).toBe(true);
  expect(await outbox()).toEqual([]);
});

test("the same step removes the response and puts its event into the outbox", async () => {
  await createEndpoint();
  const record = sampleRecord({ project });
  await storage.inFlight.add(record.id, record.createdAtMs);
  await storage.records.create(record);
  const end = { status: "completed" as const, endedAtMs: 1_700_000_000_000 };
  // No relay follows, as after a crash.
  await storage.redis.hset(storage.layout.meta(record.id), "status", "completed");
  const removals = [
    await storage.inFlight.removeEnded(record.id, project, { end, endedAtMs: end.endedAtMs }),
    await storage.inFlight.removeEnded(record.id, project, { end, endedAtMs: end.endedAtMs }),
  ];
  expect(removals).toMatchObject([
    { kind: "removed", event: "outboxed" },
    { kind: "absent", event: "none" },
  ]);
  expect(await outbox()).toEqual([`${record.id} ${project} completed`]);
});

test("the sweeper queues what a crashed process left, and a repetition adds nothing", async () => {
  const { id: endpointId } = await createEndpoint();
  const id = newId("resp");
  const entry = `${id} ${project} cancelled`;
  for (let i = 0; i < 2; i += 1) {
    await storage.redis.zadd(storage.layout.webhookOutbox, Date.now() - 10_000, entry);
    await storage.webhooks.relay.sweep();
    expect(await outbox()).toEqual([]);
    expect(await jobs()).toMatchObject([{ endpointId, responseId: id, type: "response.cancelled" }]);
  }
  expect(await storage.webhooks.deliveries.countPending(endpointId)).toBe(1);
});

test("the sweeper leaves young entries to their processes", async () => {
  await createEndpoint();
  await storage.redis.zadd(storage.layout.webhookOutbox, storage.clock.nowMs(), `resp_1 ${project} cancelled`);
  await storage.webhooks.relay.sweep();
  expect(await outbox()).toHaveLength(1);
});

test("one project's unreadable endpoints do not block the others", async () => {
  await createEndpoint();
  const broken = `${project}-broken`;
  await storage.redis.hset(storage.layout.webhookEndpointsOf(broken), "whe_1", "{}");
  const [old, layout] = [Date.now() - 10_000, storage.layout];
  for (let i = 0; i < 150; i += 1)
    await storage.redis.zadd(layout.webhookOutbox, old, `resp_b${i} ${broken} cancelled`);
  await storage.redis.zadd(layout.webhookOutbox, old + 1, `resp_1 ${project} cancelled`);
  await storage.webhooks.relay.sweep();
  expect(await jobs()).toMatchObject([{ responseId: "resp_1" }]);
  expect(await outbox()).toHaveLength(150);
});

test.each([
  ["a project without endpoints", async () => {}, {}],
  ["a foreground response", async () => void (await createEndpoint()), { background: false }],
])("%s has no event", async (_name, prepare, fields) => {
  await prepare();
  await cancelResponse(fields);
  await storage.webhooks.relay.close();
  expect(await jobs()).toEqual([]);
  expect(await outbox()).toEqual([]);
});

test("a disabled endpoint gets no job", async () => {
  const { id } = await createEndpoint();
  await storage.webhooks.endpoints.disable(project, id, FIELDS.url, "gone");
  await cancelResponse();
  await storage.webhooks.relay.close();
  expect(await jobs()).toEqual([]);
});

test("events beyond an endpoint's limit are dropped and listed", async () => {
  const { id: endpointId } = await createEndpoint();
  const waiting = Array.from({ length: MAX_PENDING_EVENTS }, (_, i) => ({
    key: `key-${i}`,
    giveUpAtMs: storage.clock.nowMs() + 60_000,
  }));
  const admitted = await storage.webhooks.deliveries.addPending(endpointId, waiting, storage.clock.nowMs());
  expect(admitted.every(Boolean)).toBe(true);
  const id = await cancelResponse();
  await storage.webhooks.relay.close();
  expect(await jobs()).toEqual([]);
  const listed = await storage.webhooks.deliveries.list(endpointId, { order: "desc", after: undefined, count: 10 });
  expect(listed).toMatchObject([{ state: "dropped", response_id: id, attempt: 0 }]);
  await storage.webhooks.deliveries.removePending(endpointId, "key-7");
  await cancelResponse();
  await storage.webhooks.relay.close();
  expect(await jobs()).toHaveLength(1);
});

test("events that were given up free their places", async () => {
  const { id } = await createEndpoint();
  const nowMs = storage.clock.nowMs();
  const old = Array.from({ length: MAX_PENDING_EVENTS }, (_, i) => ({ key: `old-${i}`, giveUpAtMs: nowMs + 5 }));
  // Keeps the key beyond the others.
  old[0]!.giveUpAtMs += 60_000;
  await storage.webhooks.deliveries.addPending(id, old, nowMs);
  const one = [{ key: eventKeyOf({ responseId: "resp_1", type: "response.failed" }), giveUpAtMs: nowMs + 60_000 }];
  expect(await storage.webhooks.deliveries.addPending(id, one, nowMs + 6)).toEqual([true]);
});

test("a full outbox drops the event and not the end", async () => {
  await createEndpoint();
  const { redis, layout } = storage;
  const pipeline = redis.pipeline();
  for (let from = 0; from < MAX_OUTBOX_ENTRIES; from += 10_000) {
    const entries = Array.from({ length: 10_000 }, (_, i) => [Date.now() + 60_000, `resp_${from + i} x cancelled`]);
    pipeline.zadd(layout.webhookOutbox, ...(entries.flat() as [number, string]));
  }
  await pipeline.exec();
  const id = await cancelResponse();
  expect(await storage.records.readStatus(id)).toBe("cancelled");
  expect(await storage.inFlight.acceptedAtMs(id)).toBeUndefined();
  expect(await redis.zcard(layout.webhookOutbox)).toBe(MAX_OUTBOX_ENTRIES);
});

test("the list of tries keeps about its limit", async () => {
  const { id } = await createEndpoint();
  const tried = {
    event_id: "evt_1",
    event_type: "response.failed" as const,
    response_id: "resp_1",
    attempt: 1,
    state: "delivered" as const,
    status_code: 200,
    error: null,
    sent_at: 1,
    duration_ms: 1,
    next_attempt_at: null,
  };
  const { deliveries } = storage.webhooks;
  await Promise.all(
    Array.from({ length: 3 * MAX_LISTED_DELIVERIES }, () => deliveries.record(id, tried, undefined, 1)),
  );
  const listed = await deliveries.list(id, { order: "desc", after: undefined, count: 10_000 });
  expect(listed!.length).toBeGreaterThanOrEqual(MAX_LISTED_DELIVERIES);
  expect(listed!.length).toBeLessThan(1.5 * MAX_LISTED_DELIVERIES);
});
