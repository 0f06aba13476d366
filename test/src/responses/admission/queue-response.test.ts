/** What admission records of a completion window, and how due responses are promoted. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../../../src/protocol/id.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import { promoteDueResponses } from "../../../../src/responses/admission/queue-response.ts";
import { acceptResponse, makeDue, HOUR_MS } from "../../../support/queued-responses.ts";
import type { LIMITS } from "../../../support/samples.ts";
import { createAdmission } from "../../../support/admission.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const jobKey = (id: string) => `${storage.layout.queuePrefix}:background:${id}`;
const priorityOf = async (id: string) => Number(await storage.redis.hget(jobKey(id), "priority"));
const latestStart = async (id: string) => await storage.redis.zscore(storage.layout.windowed, id);

describe("admission", () => {
  const admit = async (fields: CreateRequest, limits: Partial<typeof LIMITS>) => {
    const request = { model: "simulator/default", input: "Hi", background: true, ...fields };
    const admission = createAdmission(storage, { limits });
    const { id } = await admission.admit({ project: "default", request, idempotencyKey: undefined });
    const record = (await storage.records.read(id))!;
    const after = (ms: number) => (ms - record.createdAtMs) / 1000;
    return { id, record, deadline: after(record.deadlineMs), latest: after(record.latestStartMs) };
  };
  const in8h = { background_options: { completion_window: "8h" as const, continuation_id: "c" } };

  test("a window's deadline counts the usual time from its latest start", async () => {
    const { id, record, deadline, latest } = await admit(in8h, { deadlineSeconds: 3_600, windowReserveSeconds: 1_800 });
    expect([latest, deadline]).toEqual([7.5 * 3_600, 8.5 * 3_600]);
    expect(record.continuationId).toBe("c");
    expect(await latestStart(id)).toBe(String(record.latestStartMs));
    expect(await priorityOf(id)).toBe(record.priority);
  });

  test("the reserve is bounded by a run's time, so no run fails inside its window", async () => {
    const { deadline, latest } = await admit(in8h, { deadlineSeconds: 60, windowReserveSeconds: 1_800 });
    expect([latest, deadline]).toEqual([8 * 3_600 - 60, 8 * 3_600]);
  });

  test.each<[number, number]>([
    [1_000, 1_000],
    [3_000, 1_800],
  ])("flex waits behind others for %d s at most, with its deadline from acceptance", async (most, latest) => {
    const limits = { deadlineSeconds: 3_600, flexMaxWaitSeconds: most };
    const found = await admit({ service_tier: "flex" }, limits);
    expect(found).toMatchObject({ latest, deadline: 3_600 });
    expect(await latestStart(found.id)).toBe(String(found.record.latestStartMs));
    expect(await priorityOf(found.id)).toBe(3);
  });

  test("soonest has no window: its deadline counts from acceptance", async () => {
    const fields = { background_options: { completion_window: "soonest", continuation_id: "c" } } as const;
    const { id, record, deadline } = await admit(fields, { deadlineSeconds: 3_600 });
    expect(deadline).toBe(3_600);
    expect(record.latestStartMs).toBe(0);
    expect(await latestStart(id)).toBeNull();
  });

  test("a foreground response records no window", async () => {
    const { record } = await admit({ background: false, background_options: { continuation_id: "c" } }, {});
    expect(record).toMatchObject({ continuationId: "", latestStartMs: 0 });
  });
});

describe("promotion", () => {
  test("promotes every due response, and each once", async () => {
    const due: string[] = [];
    for (let i = 0; i < 450; i += 1) due.push(await acceptResponse(storage, { window: "2h" }));
    const far = await acceptResponse(storage, { window: "8h" });
    const priority = await priorityOf(far);
    await Promise.all(due.map((id) => makeDue(storage, id)));
    await promoteDueResponses(storage);
    expect(new Set(await Promise.all(due.map(priorityOf)))).toEqual(new Set([2]));
    expect(await priorityOf(far)).toBe(priority);
    expect(await latestStart(far)).not.toBeNull();
    expect(await storage.windowedResponses.listDue(Date.now(), 0, 10)).toEqual([]);
  });

  test("leaves one without a job to the sweeper, and does not block others", async () => {
    const odd = newId("resp");
    const withoutJob = newId("resp");
    const due = await acceptResponse(storage, { window: "8h", ageMs: HOUR_MS });
    await storage.redis.set(jobKey(odd), "no job");
    await storage.redis.zadd(`${storage.layout.queuePrefix}:background:delayed`, 1, odd);
    await storage.windowedResponses.add(odd, 1);
    await storage.windowedResponses.add(withoutJob, 2);
    await makeDue(storage, due);
    await promoteDueResponses(storage);
    expect(await priorityOf(due)).toBe(2);
    expect(await storage.windowedResponses.listDue(Date.now(), 0, 10)).toEqual([odd]);
    await storage.windowedResponses.remove(odd);
  });

  test("keeps one taken from a lost worker next in line", async () => {
    const id = newId("resp");
    // BullMQ puts those where jobs without a priority wait.
    await storage.queue.enqueue({ id, project: "default", background: true, priority: 0 });
    await storage.windowedResponses.add(id, 1);
    await promoteDueResponses(storage);
    expect(await storage.redis.lrange(`${storage.layout.queuePrefix}:background:wait`, 0, -1)).toEqual([id]);
    expect(await storage.windowedResponses.listDue(Date.now(), 0, 10)).toEqual([id]);
  });
});
