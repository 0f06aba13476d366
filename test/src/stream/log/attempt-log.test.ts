/** The attempts of a response, as its record keeps them. */
import { afterAll, expect, test } from "vitest";
import { parseAttemptLog } from "../../../../src/stream/log/attempt-log.ts";
import { sampleRecord } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage } from "../../../support/storage.ts";

const storage = await openTestStorage();
afterAll(async () => await storage[Symbol.asyncDispose]());

const STEP = { type: "starting", since_ms: 0 } as const;
const readLog = async (id: string) => parseAttemptLog((await storage.records.readWithFacts(id))!.facts.attemptLog);

async function acquire(id: string, worker: string): Promise<string> {
  const acquired = await storage.leases.acquire(id, storage.clock.nowMs(), 100, worker);
  if (acquired.kind !== "held") throw new Error(acquired.kind);
  return acquired.lease;
}

test("each attempt has its worker and its end", async () => {
  const record = sampleRecord();
  await storage.records.create(record);
  const { id } = record;
  const first = await acquire(id, "one");
  await storage.leases.release(id, first, { end: "handed_over", reason: "Drain.", step: STEP });
  const second = await acquire(id, "two");
  await storage.leases.chargeFailure(id, second, { end: "failed", reason: 'A "quoted"\nreason.', step: STEP });
  await acquire(id, "three");
  await acquire(id, "four");
  await storage.leases.fence(id, "cancel");
  expect(await readLog(id)).toMatchObject([
    { worker: "one", end: "handed_over", reason: "Drain." },
    { worker: "two", end: "failed", reason: 'A "quoted"\nreason.' },
    { worker: "three", end: "worker_lost", reason: null },
    { worker: "four", end: "fenced", reason: "cancel" },
  ]);
});

test("the log of many attempts keeps the latest", async () => {
  const { id, lease } = await createLeasedResponse(storage, sampleRecord());
  let held = lease;
  for (let i = 0; i < 100; i += 1) {
    await storage.leases.postpone(id, held, { end: "waited", reason: "é".repeat(400), step: STEP });
    held = await acquire(id, `worker ${i}`);
  }
  const log = (await storage.records.readWithFacts(id))!.facts.attemptLog;
  expect(Buffer.byteLength(log)).toBeLessThan(9_000);
  const attempts = parseAttemptLog(log);
  expect(attempts.length).toBeGreaterThan(10);
  expect(attempts.at(-1)).toMatchObject({ worker: "worker 99", end: null });
  expect(attempts.slice(0, -1).every(({ end }) => end === "waited" || end === null)).toBe(true);
});
