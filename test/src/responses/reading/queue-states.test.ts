import { expect, test } from "vitest";
import { QueueStates } from "../../../../src/responses/reading/queue-states.ts";
import { acceptResponse } from "../../../support/queued-responses.ts";
import { openTestStorage } from "../../../support/storage.ts";

const NONE = { waiting: 0, oldest_waiting_ms: null };
const about = (ms: number) => expect.toSatisfy((value: number) => value >= ms - 1_000 && value < ms + 30_000);

test("empty queues have no oldest response", async () => {
  await using storage = await openTestStorage();
  const [foreground, background, webhooks] = await new QueueStates(storage).read();
  const empty = { first: NONE, priority: NONE, default: NONE, flex: NONE, related: NONE, window: NONE };
  const state = {
    object: "organization.queue",
    waiting: 0,
    delayed: 0,
    active: 0,
    oldest_waiting_ms: null,
    workers: 0,
  };
  expect(foreground).toEqual({ ...state, name: "foreground", by_class: empty });
  expect(background).toEqual({ ...state, name: "background", by_class: empty });
  expect(webhooks).toEqual({ ...state, name: "webhooks", outbox: 0 });
});

test("waiting responses are counted by class", async () => {
  await using storage = await openTestStorage();
  await acceptResponse(storage, { ageMs: 60_000 });
  await acceptResponse(storage, { ageMs: 30_000 });
  await acceptResponse(storage, { tier: "priority", ageMs: 20_000 });
  await acceptResponse(storage, { tier: "flex", ageMs: 100_000 });
  // Waits longer than all others, as it may.
  await acceptResponse(storage, { window: "8h", ageMs: 3_000_000 });
  const [, background] = await new QueueStates(storage).read();
  expect(background).toMatchObject({
    waiting: 5,
    oldest_waiting_ms: about(100_000),
    by_class: {
      first: NONE,
      priority: { waiting: 1, oldest_waiting_ms: about(20_000) },
      default: { waiting: 2, oldest_waiting_ms: about(60_000) },
      flex: { waiting: 1, oldest_waiting_ms: about(100_000) },
      related: NONE,
      window: { waiting: 1, oldest_waiting_ms: about(3_000_000) },
    },
  });
});

test("a response that ran before waits since its last step", async () => {
  await using storage = await openTestStorage();
  const { redis, layout, clock } = storage;
  const id = await acceptResponse(storage, { ageMs: 3_000_000 });
  const step = { type: "recovering", since_ms: clock.nowMs() - 5_000, reason: "", workers: 0 };
  await redis.hset(layout.meta(id), "step", JSON.stringify(step));
  const [, background] = await new QueueStates(storage).read();
  expect(background?.oldest_waiting_ms).toEqual(about(5_000));
});

test("foreground jobs, and jobs put before all priorities", async () => {
  await using storage = await openTestStorage();
  const { queue } = storage;
  await queue.enqueue({ id: "resp_1", background: false, project: "a", priority: 2 });
  await queue.enqueue({ id: "resp_2", background: true, project: "a", priority: 2 });
  await queue.enqueue({ id: "resp_3", background: true, project: "b", priority: 2 });
  expect(await queue.moveToFront("background", ["a"], 1)).toBe(1);
  const [foreground, background] = await new QueueStates(storage).read();
  // Their records are gone, so their waiting time is unknown.
  expect(foreground).toMatchObject({ waiting: 1, by_class: { first: NONE, default: { waiting: 1 } } });
  expect(background).toMatchObject({ waiting: 2, by_class: { first: { waiting: 1 }, default: { waiting: 1 } } });
  expect(background?.oldest_waiting_ms).toBeNull();
});

test("webhooks wait since their response's end, until their first try", async () => {
  await using storage = await openTestStorage();
  const { redis, layout, clock, webhooks } = storage;
  const jobOf = (name: string, ageMs: number) => ({
    kind: "event" as const,
    project: "a",
    endpointId: "whe_1",
    eventKey: name,
    responseId: `resp_${name}`,
    type: "response.completed" as const,
    endedAtMs: clock.nowMs() - ageMs,
    giveUpAtMs: clock.nowMs() + 60_000,
  });
  await webhooks.queue.addEvents([jobOf("tried", 600_000), jobOf("first", 60_000), jobOf("second", 1_000)]);
  // As BullMQ counts the tries of a job.
  await redis.hset(`${layout.queuePrefix}:webhooks:whe_1-tried`, "atm", 1);
  await redis.zadd(layout.webhookOutbox, clock.nowMs(), "resp_1 a completed");
  const [, , state] = await new QueueStates(storage).read();
  expect(state).toMatchObject({ waiting: 3, delayed: 0, active: 0, outbox: 1, oldest_waiting_ms: about(60_000) });
});
