/** The usage of a response is counted once, whatever crashes between its end and its count. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createOpeningEvents, newResponse } from "../../../../src/lifecycle/new-response.ts";
import { newId } from "../../../../src/protocol/id.ts";
import { endFromOutside } from "../../../../src/responses/ending/end-from-outside.ts";
import { eraseResponse } from "../../../../src/responses/ending/erase-response.ts";
import { abandonResponse } from "../../../../src/responses/ending/abandon-response.ts";
import { settleEndedResponse } from "../../../../src/responses/ending/settle-ended-response.ts";
import { dayOf } from "../../../../src/store/organization/usage-periods.ts";
import type { UsageCell } from "../../../../src/store/organization/usage-counts.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import { ResponseSweeper } from "../../../../workers/jobs/response-sweeper.ts";
import { REQUEST, sampleRecord, USAGE } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage, silentLogger, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
let sequence = 0;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const newProject = () => `project-${(sequence += 1)}`;
const used = (project: string): Promise<UsageCell[]> =>
  storage.usageCounts.readDay(project, dayOf(storage.clock.nowMs()));

/** A running response of `project` whose record has what its model calls used. */
async function startUsed(project: string, { model = "lab/one", costUsd = 0.25 } = {}): Promise<string> {
  const id = newId("resp");
  const events = sequenceEvents(0, createOpeningEvents(newResponse(id, { ...REQUEST, background: true }, 1)));
  await createLeasedResponse(storage, sampleRecord({ id, project, background: true, events }));
  const facts = { usage: JSON.stringify(USAGE), costUsd, servedModel: model, turns: 2 };
  await storage.redis.hset(storage.layout.meta(id), facts);
  return id;
}

const ONE = { requests: 2, inputTokens: 1, cachedTokens: 0, outputTokens: 2, costNanos: 250_000_000 };

test("a cancelled response counts what it used", async () => {
  const project = newProject();
  await endFromOutside(storage, await startUsed(project), "cancel");
  expect(await used(project)).toMatchObject([{ model: "lab/one", sums: ONE }]);
  expect(await storage.usageCounts.readSpendNanos(project, storage.clock.nowMs())).toBe(250_000_000);
});

test("an end that crashed before its count is counted by the sweeper, once", async () => {
  const project = newProject();
  const id = await startUsed(project);
  const crashing = {
    ...storage.storage,
    inFlight: new Proxy(storage.inFlight, {
      get: (target, name: keyof typeof storage.inFlight) => {
        if (name === "removeEnded") return () => Promise.reject(new Error("crashed"));
        const value = target[name];
        return typeof value === "function" ? value.bind(target) : value;
      },
    }),
  };
  await expect(endFromOutside(crashing, id, "cancel")).rejects.toThrow("crashed");
  expect(await used(project)).toEqual([]);
  const sweeper = new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 5, owner: "test" });
  await sweeper.sweep();
  await sweeper.sweep();
  await settleEndedResponse(storage, id);
  expect(await used(project)).toMatchObject([{ sums: ONE }]);
});

test("processes that settle a response together count it once", async () => {
  const project = newProject();
  const id = await startUsed(project);
  await endFromOutside(storage, id, "cancel");
  await Promise.all(Array.from({ length: 10 }, () => settleEndedResponse(storage, id)));
  expect(await used(project)).toMatchObject([{ sums: ONE }]);
});

test("a deleted and an abandoned response count, too", async () => {
  const project = newProject();
  const deleted = await startUsed(project);
  await eraseResponse(storage, deleted, (await storage.records.read(deleted))!);
  await abandonResponse(storage, await startUsed(project), silentLogger);
  expect(await used(project)).toMatchObject([{ sums: { requests: 4, costNanos: 500_000_000 } }]);
});

test("a response that called no model is not counted", async () => {
  const project = newProject();
  const id = await startUsed(project);
  await storage.redis.hdel(storage.layout.meta(id), "usage", "turns");
  await endFromOutside(storage, id, "cancel");
  expect(await used(project)).toEqual([]);
});

test("models beyond a hundred a day are counted together", async () => {
  const project = newProject();
  for (let i = 0; i < 103; i += 1) {
    await endFromOutside(storage, await startUsed(project, { model: `lab/${i}` }), "cancel");
  }
  const cells = await used(project);
  expect(new Set(cells.map(({ model }) => model)).size).toBe(101);
  const others = cells.filter(({ model }) => model === "other");
  expect(others.reduce((sum, { sums }) => sum + sums.requests, 0)).toBe(6);
});

test("each threshold of the month is passed by one response", async () => {
  const project = newProject();
  await storage.projectLimits.setSpendLimit(project, 60);
  const alert = {
    threshold_amount: 50,
    notification_channel: { type: "email" as const, recipients: [] },
    created_at: 1,
  };
  await storage.spendAlerts.create(project, "alert_1", alert);
  const endedAtMs = storage.clock.nowMs();
  const passed = [];
  for (let i = 0; i < 4; i += 1) {
    const id = newId("resp");
    await storage.inFlight.add(id, endedAtMs);
    const usage = { ...ONE, model: "lab/one" };
    passed.push((await storage.inFlight.forceRemove(id, project, { usage, endedAtMs })).passed);
  }
  expect(passed).toEqual([[], [{ id: "alert_1", cents: 50 }], [{ id: "spend_limit", cents: 60 }], []]);
});
