/** Responses with a completion window: behind all others, promoted in time, and ordered among themselves. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { afterEach, beforeEach, expect, test } from "vitest";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { type LogLine, startApi, startWorker } from "../support/processes.ts";
import {
  acceptResponse,
  makeDue,
  HANGING,
  HOUR_MS,
  waitForRuns,
  type QueuedRequest,
} from "../support/queued-responses.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestStorage, type TestStorage } from "../support/storage.ts";
import { answerError, startUpstreamServer } from "../support/upstream-server.ts";
import { endFromOutside } from "../../src/responses/ending/end-from-outside.ts";
import { ResponseSweeper } from "../../workers/jobs/response-sweeper.ts";

let environment: Record<string, string>;
let storage: TestStorage;

beforeEach(async () => {
  const prefix = uniquePrefix();
  storage = await openTestStorage(prefix);
  // One slot and no reserve, so that the order of the runs is the order of the queue.
  const order = { BACKGROUND_CONCURRENCY: "1", FAIR_RESERVE_PERCENT: "0" };
  environment = { KEY_PREFIX: prefix, ...order, LOG_LEVEL: "debug", DRAIN_GRACE_MS: "0" };
});
afterEach(async () => {
  await storage[Symbol.asyncDispose]();
});

const queued = async (waiting: QueuedRequest): Promise<string> => await acceptResponse(storage, waiting);
const cancel = async (id: string): Promise<unknown> => await endFromOutside(storage, id, "cancel");

/** A run that holds the only slot until it is cancelled. */
async function occupy(waiting: QueuedRequest = {}): Promise<string> {
  const id = await queued({ ...waiting, metadata: HANGING });
  await isBegun(id);
  return id;
}

const isBegun = async (id: string): Promise<void> => {
  await expect.poll(async () => (await storage.records.read(id))?.attempts, { timeout: 20_000 }).toBe(1);
};

test("windows wait behind every tier, ordered by their latest starts", async () => {
  const last = await queued({ window: "8h" });
  const third = await queued({ window: "2h" });
  // Seven of its eight hours are over.
  const second = await queued({ window: "8h", ageMs: 7 * HOUR_MS });
  const flex = await queued({ tier: "flex" });
  const standard = await queued({});
  const priority = await queued({ tier: "priority" });
  await using worker = await startWorker(environment);
  expect(await waitForRuns(worker, 6)).toEqual([priority, standard, flex, second, third, last]);
});

test("an idle worker runs a window at once, with its service tier", async () => {
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  const background_options = { completion_window: "8h", continuation_id: "nightly" };
  const created = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }, { background_options }));
  expect(created).toMatchObject({ status: "queued", background: true });
  expect(created).not.toHaveProperty("background_options");
  const ended = await pollToEnd(api.url, created.id);
  expect(ended).toMatchObject({ status: "completed", service_tier: "default" });
  const left = async () => await storage.redis.exists(storage.layout.windowed);
  await expect.poll(left, { timeout: 20_000 }).toBe(0);
});

test("admission lets later urgent responses pass a window", async () => {
  await using api = await startApi(environment);
  const fields = { background_options: { completion_window: "2h" } };
  const windowed = await create(api.url, simulate({ tokens: 2, delay_ms: 0 }, fields));
  const urgent = await create(api.url, simulate({ tokens: 2, delay_ms: 0 }, { service_tier: "flex" }));
  await using worker = await startWorker(environment);
  expect(await waitForRuns(worker, 2)).toEqual([urgent.id, windowed.id]);
});

test("from its latest start, a window waits last in the default tier", async () => {
  await using worker = await startWorker(environment);
  const occupant = await occupy();
  const flex = await queued({ tier: "flex" });
  const before = await queued({});
  const far = await queued({ window: "8h" });
  const due = await queued({ window: "8h" });
  await makeDue(storage, due);
  const promoted = (line: LogLine) => line.msg.startsWith("Latest start reached");
  expect((await worker.line(promoted, "a promotion"))["responseId"]).toBe(due);
  const after = await queued({});
  await cancel(occupant);
  expect((await waitForRuns(worker, 6)).slice(1)).toEqual([before, due, after, flex, far]);
  expect(worker.lines.filter(promoted)).toHaveLength(1);
});

test("flex joins the default tier after its maximum wait", async () => {
  await using worker = await startWorker(environment);
  const occupant = await occupy();
  const young = await queued({ tier: "flex" });
  const before = await queued({});
  const old = await queued({ tier: "flex", continuation: "nightly" });
  await makeDue(storage, old);
  const promoted = (line: LogLine) => line.msg.startsWith("Latest start reached");
  expect((await worker.line(promoted, "a promotion"))["responseId"]).toBe(old);
  const after = await queued({});
  await cancel(occupant);
  expect((await waitForRuns(worker, 5)).slice(1)).toEqual([before, old, after, young]);
  await expect.poll(async () => await storage.redis.exists(storage.layout.windowed), { timeout: 20_000 }).toBe(0);
});

test("a lost job is enqueued again in its current class", async () => {
  const early = await queued({ window: "2h" });
  const due = await queued({ window: "8h", ageMs: 7 * HOUR_MS });
  await queued({ tier: "flex" });
  const keys = await storage.redis.keys(`${storage.layout.queuePrefix}:background:*`);
  await storage.redis.del(...keys);
  await makeDue(storage, due);
  const flex = await queued({ tier: "flex" });
  await new ResponseSweeper(storage, { intervalMs: 1_000, maxAttempts: 3, owner: "test" }).sweep();
  await using worker = await startWorker(environment);
  const runs = await waitForRuns(worker, 4);
  expect([runs[0], runs[1], runs[3]]).toEqual([due, flex, early]);
});

test("a run that is handed over keeps its class", async () => {
  await using worker = await startWorker(environment);
  const handedOver = await occupy({ window: "2h" });
  await worker.stop();
  expect((await storage.records.read(handedOver))?.attempts, "given back").toBe(0);
  const flex = await queued({ tier: "flex" });
  const other = await queued({ window: "8h" });
  await using successor = await startWorker(environment);
  await isBegun(handedOver);
  await cancel(handedOver);
  expect(await waitForRuns(successor, 3)).toEqual([flex, handedOver, other]);
});

test("a run handed over after its latest start joins the default tier", async () => {
  await using worker = await startWorker(environment);
  const handedOver = await occupy({ window: "8h" });
  await makeDue(storage, handedOver);
  await worker.line(({ msg }) => msg.startsWith("Latest start reached"), "a promotion");
  await worker.stop();
  const flex = await queued({ tier: "flex" });
  await using successor = await startWorker(environment);
  await isBegun(handedOver);
  await cancel(handedOver);
  expect(await waitForRuns(successor, 2)).toEqual([handedOver, flex]);
});

test("a run that waited for its provider keeps its class", async () => {
  const folder = await mkdtemp(join(tmpdir(), "background-responses-window-"));
  await using server = await startUpstreamServer(answerError(429, { message: "Later" }, { "retry-after": "600" }));
  await using queue = disposable(new Queue("background", connection()));
  const path = join(folder, "providers.json");
  const lab = { kind: "openai-compatible", base_url: server.url };
  await writeFile(path, JSON.stringify({ providers: { lab } }));
  // It may not wait at all, except for its window.
  const limited = { ...environment, PROVIDERS_FILE: path, UPSTREAM_MAX_WAITS: "0" };
  const waited = await queued({ window: "2h", model: "lab/qwen3" });
  const worker = await startWorker(limited);
  await worker.line(({ msg }) => msg === "Waits in the queue for its provider", "a wait");
  await worker.stop();
  await (await queue.value.getJob(waited))!.promote();
  const flex = await queued({ tier: "flex" });
  const other = await queued({ window: "8h" });
  await using successor = await startWorker(limited);
  expect(await waitForRuns(successor, 3)).toEqual([flex, waited, other]);
  await rm(folder, { recursive: true });
});

const connection = () => ({ connection: storage.redis, prefix: storage.layout.queuePrefix });
const disposable = (value: Queue) => ({ value, [Symbol.asyncDispose]: async () => await value.close() });

test("continuation_id: related windows run before others, within one project", async () => {
  await using worker = await startWorker(environment);
  const urgent = await occupy({ continuation: "occupied" });
  const sooner = await queued({ window: "2h" });
  const foreign = await queued({ window: "8h", continuation: "occupied", project: "other" });
  const related = await queued({ window: "8h", continuation: "occupied" });
  const next = await queued({ window: "8h", continuation: "occupied" });
  const flex = await queued({ tier: "flex" });
  await cancel(urgent);
  expect((await waitForRuns(worker, 6)).slice(1)).toEqual([flex, related, next, sooner, foreign]);
  // Its relative ran a moment ago.
  const occupant = await occupy();
  const unrelated = await queued({ window: "2h" });
  const late = await queued({ window: "8h", continuation: "occupied" });
  await cancel(occupant);
  expect((await waitForRuns(worker, 9)).slice(7)).toEqual([late, unrelated]);
});

test("a window cancelled while waiting leaves no keys", async () => {
  await using api = await startApi(environment);
  const background_options = { completion_window: "2h", continuation_id: "c" };
  const { id } = await create(api.url, simulate({ tokens: 3 }, { background_options }));
  expect(await storage.redis.zrange(storage.layout.windowed, "0", "-1")).toEqual([id]);
  const { body } = await send("POST", `${api.url}/responses/${id}/cancel`);
  expect(body.status).toBe("cancelled");
  const left = [storage.layout.windowed, ...(await storage.redis.keys(`${storage.layout.prefix}:{continuation:*`))];
  expect(await storage.redis.exists(...left)).toBe(0);
});
