/** Administrators see which workers live, what waits for them, and that nothing serves a queue. */
import { expect, test } from "vitest";
import type { QueueState, Worker } from "../../src/protocol/organization-queue.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha",
  ADMIN_KEYS: "ops:key-of-ops",
  BACKGROUND_CONCURRENCY: "3",
  FOREGROUND_CONCURRENCY: "2",
  DRAIN_GRACE_MS: "0",
};
const { api } = await openTestServer(environment);
const ALPHA = { authorization: "Bearer key-of-alpha" };
const OPS = { authorization: "Bearer key-of-ops" };

interface ListOf<T> {
  object: "list";
  data: T[];
}

async function readAsAdmin<T>(path: string): Promise<T[]> {
  const { status, body } = await send<ListOf<T>>("GET", `${api.url}/organization/${path}`, undefined, OPS);
  expect([status, body.object]).toEqual([200, "list"]);
  return body.data;
}
const workers = async () => await readAsAdmin<Worker>("workers");
const queues = async () => await readAsAdmin<QueueState>("queues");
const readiness = async () =>
  (await send<{ status: string; workers: object; warnings?: string[] }>("GET", api.url.replace("/v1", "/readyz"))).body;

const UNSERVED = ["foreground", "background"].map((name) => `No worker serves the queue '${name}': start a worker.`);

test("a response that waits without a worker is visible, and the API stays ready", async () => {
  expect(await workers()).toEqual([]);
  const { status, workers: counts, warnings } = await readiness();
  expect([status, counts]).toEqual(["ready", { foreground: 0, background: 0 }]);
  expect(warnings).toEqual(expect.arrayContaining(UNSERVED));

  const { id } = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { service_tier: "priority" }), ALPHA);
  const [foreground, background] = await pollUntil(queues, ([, each]) => each!.waiting === 1);
  expect(foreground).toMatchObject({ name: "foreground", waiting: 0, workers: 0, oldest_waiting_ms: null });
  expect(background).toMatchObject({
    name: "background",
    workers: 0,
    oldest_waiting_ms: expect.any(Number),
    by_class: { priority: { waiting: 1, oldest_waiting_ms: expect.any(Number) }, default: { waiting: 0 } },
  });

  await using worker = await startWorker(environment);
  expect(await pollToEnd(api.url, id, ALPHA)).toMatchObject({ status: "completed" });
  const now = await readiness();
  expect(now.workers).toEqual({ foreground: 1, background: 1 });
  expect(now.warnings ?? []).not.toEqual(expect.arrayContaining([UNSERVED[0]]));
  await worker.stop();
});

test("a worker shows its slots in use, and leaves the list when it drains", async () => {
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ hang: true }), ALPHA);
  const [listed] = await pollUntil(workers, ([each]) => each?.queues.background.used === 1);
  expect(listed).toEqual({
    object: "organization.worker",
    id: expect.stringMatching(new RegExp(`:${worker.child.pid}$`)),
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    started_at_ms: expect.any(Number),
    seen_at_ms: expect.any(Number),
    queues: { foreground: { slots: 2, used: 0 }, background: { slots: 3, used: 1 } },
  });
  expect(listed!.seen_at_ms).toBeGreaterThanOrEqual(listed!.started_at_ms);
  const [, background] = await pollUntil(queues, ([, each]) => each!.active === 1);
  expect(background).toMatchObject({ waiting: 0, workers: 1 });
  await worker.stop();
  expect(await workers()).toEqual([]);
  await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ALPHA);
});

test("a worker that dies vanishes", async () => {
  await using worker = await startWorker(environment);
  expect(await workers()).toHaveLength(1);
  worker.kill("SIGKILL");
  await worker.exited;
  await pollUntil(workers, (each) => each.length === 0);
  expect((await readiness()).workers).toEqual({ foreground: 0, background: 0 });
});

test.each(["workers", "queues"])("%s are for administrators", async (path) => {
  const url = `${api.url}/organization/${path}`;
  expect((await send<object>("GET", url, undefined, ALPHA)).status).toBe(403);
  expect((await send<object>("GET", url)).status).toBe(401);
});
