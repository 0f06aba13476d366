/**
 * Promise 3 (contract.md#promises): every accepted response reaches exactly one terminal status, whichever process
 * crashes.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../src/protocol/id.ts";
import { create, pollToEnd, RedisInspector, simulate } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { type ApiProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { sampleRecord } from "../support/samples.ts";
import { openTestStorage, type TestStorage } from "../support/storage.ts";
import { expectExact, expectOneTerminal, subscribe } from "../support/subscriber.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
let inspector: RedisInspector;
let storage: TestStorage;
let api: ApiProcess;

beforeAll(async () => {
  inspector = new RedisInspector(prefix);
  storage = await openTestStorage(prefix);
  api = await startApi(environment);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
  inspector[Symbol.dispose]();
});

async function expectEnded(id: string, status: string): Promise<void> {
  const log = await inspector.log(id);
  expect(expectOneTerminal(log).status).toBe(status);
  expect((await inspector.meta(id))["status"]).toBe(status);
  await expectRemoved(id);
}

/** The removal from the set is a separate step, just after the terminal event. */
async function expectRemoved(id: string): Promise<void> {
  await pollUntil(
    async () => await inspector.inFlight(),
    (ids) => !ids.includes(id),
  );
}

test("more killed workers than attempts: a run with progress completes", async () => {
  const environmentOf = { ...environment, MAX_ATTEMPTS: "2", LOCK_DURATION_MS: "1000", STALLED_INTERVAL_MS: "400" };
  const { id } = await create(api.url, simulate({ tokens: 250, delay_ms: 20 }));
  const stream = subscribe(api.url, id);
  for (let killed = 0; killed < 7; killed += 1) {
    const worker = await startWorker(environmentOf);
    const position = Number((await inspector.meta(id))["last"]);
    await subscribe(api.url, id, { startingAfter: position, cutAfterEvents: 8 });
    worker.kill("SIGKILL");
    await worker.exited;
  }
  await using _last = await startWorker(environmentOf);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expectExact((await stream).events, await inspector.log(id), 0);
  await expectEnded(id, "completed");
});

test("an API crash between record and queue: the response still runs", async () => {
  const id = newId("resp");
  const { request } = sampleRecord();
  const metadata = { "simulator.tokens": "5", "simulator.delay_ms": "0" };
  const record = sampleRecord({ id, request: { ...request, request: { ...request.request, metadata } } });
  await storage.inFlight.add(id, Date.now());
  await storage.records.create(record);
  await using _worker = await startWorker(environment);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  await expectEnded(id, "completed");
});

test("an id without a record is forgotten", async () => {
  const id = newId("resp");
  await storage.inFlight.add(id, Date.now() - 60_000);
  await using _worker = await startWorker(environment);
  await expectRemoved(id);
});

test("a removed job, waiting or running: the response still runs", async () => {
  const waiting = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
  await inspector.redis.del(...(await inspector.redis.keys(`{${prefix}:queue}:background:*`)));
  await using _worker = await startWorker(environment);
  expect((await pollToEnd(api.url, waiting.id)).status).toBe("completed");

  const running = await create(api.url, simulate({ tokens: 300, delay_ms: 10 }));
  const stream = subscribe(api.url, running.id, {
    onEvent: async (event) => {
      if (event.id === 20) await inspector.redis.del(...(await inspector.redis.keys(`{${prefix}:queue}:background:*`)));
    },
  });
  const { events } = await stream;
  expectExact(events, await inspector.log(running.id), 0);
  await expectEnded(running.id, "completed");
});

test("a cancel interrupted by a crash is finished", async () => {
  const { id } = await create(api.url, simulate({ tokens: 5 }));
  await storage.leases.fence(id, "cancel");
  await using _worker = await startWorker(environment);
  expect((await pollToEnd(api.url, id)).status).toBe("cancelled");
  await expectEnded(id, "cancelled");
});

test("a deadline that passes in the queue: the sweeper fails the response", async () => {
  await using impatient = await startApi({ ...environment, RESPONSE_DEADLINE_SECONDS: "1" });
  const { id } = await create(impatient.url, simulate({ tokens: 5 }));
  const stream = subscribe(api.url, id);
  const { deadlineMs } = await inspector.meta(id);
  await pollUntil(Date.now, (now) => now > Number(deadlineMs));
  await using _worker = await startWorker(environment);
  expect((await stream).events.at(-1)!.type).toBe("response.failed");
  await expectEnded(id, "failed");
});

test("a deadline that passes during a run: its worker fails it", async () => {
  await using impatient = await startApi({ ...environment, RESPONSE_DEADLINE_SECONDS: "2" });
  await using _worker = await startWorker({ ...environment, SWEEP_INTERVAL_MS: "600000" });
  const { id } = await create(impatient.url, simulate({ hang: true }));
  const { events } = await subscribe(api.url, id);
  expectExact(events, await inspector.log(id), 0);
  expect((await pollToEnd(api.url, id)).error?.message).toContain("deadline");
  await expectEnded(id, "failed");
});

test("a provider's failure: failed with the output so far, and one terminal event", async () => {
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 50, delay_ms: 1, fail_after: 20 }));
  const final = await pollToEnd(api.url, id);
  expect(final).toMatchObject({
    status: "failed",
    error: { code: "server_error" },
    output: [{ status: "incomplete" }],
  });
  await expectEnded(id, "failed");
});

test("SIGTERM hands a run over within the grace and loses nothing", async () => {
  const leaving = await startWorker({ ...environment, DRAIN_GRACE_MS: "300" });
  // Longer than every timeout of a stopping worker: without a hand-over, another worker would have to find it stalled.
  const { id } = await create(api.url, simulate({ tokens: 600, delay_ms: 15 }));
  let stayer: Awaited<ReturnType<typeof startWorker>> | undefined;
  const { events } = await subscribe(api.url, id, {
    onEvent: async (event) => {
      if (event.id !== 30) return;
      stayer = await startWorker(environment);
      leaving.kill("SIGTERM");
    },
  });
  await using _stayer = stayer!;
  expect(await leaving.exited).toBe(0);
  expectExact(events, await inspector.log(id), 0);
  expect((await inspector.meta(id))["attempts"]).toBe("1");
  await expectEnded(id, "completed");
});

test("a stopping worker takes no more jobs, and its run is taken over at once", async () => {
  const leaving = await startWorker({ ...environment, DRAIN_GRACE_MS: "3000" });
  const running = await create(api.url, simulate({ tokens: 1_000, delay_ms: 10 }));
  await subscribe(api.url, running.id, { cutAfterEvents: 10 });
  leaving.kill("SIGTERM");
  await leaving.line(({ msg }) => msg === "Draining", "draining");
  await using _stayer = await startWorker(environment);
  const during = await Promise.all([1, 2, 3, 4].map(() => create(api.url, simulate({ tokens: 3, delay_ms: 0 }))));
  for (const { id } of during) {
    await pollToEnd(api.url, id);
    expect((await inspector.meta(id))["worker"]).not.toContain(`:${leaving.child.pid}`);
  }
  expect(await leaving.exited).toBe(0);
  await pollToEnd(api.url, running.id);
  await expectEnded(running.id, "completed");
});

test("a run that ends within the grace is not handed over", async () => {
  const leaving = await startWorker({ ...environment, DRAIN_GRACE_MS: "20000" });
  const { id } = await create(api.url, simulate({ tokens: 60, delay_ms: 15 }));
  await subscribe(api.url, id, { onEvent: (event) => (event.id === 10 ? leaving.kill("SIGTERM") : undefined) });
  expect(await leaving.exited).toBe(0);
  await expectEnded(id, "completed");
});
