/** A rate-limited provider: its responses wait in the queue instead of a worker's slot. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Queue } from "bullmq";
import { expect, test } from "vitest";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { answerOf } from "../support/ai-sdk.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestStorage } from "../support/storage.ts";
import { answerError, startUpstreamServer, type UpstreamServer } from "../support/upstream-server.ts";

const LIMITED = answerError(429, { message: "Too many tokens this minute" }, { "retry-after": "600" });
const REQUEST = { model: "lab/qwen3", input: "Hello", background: true };

interface Installation extends AsyncDisposable {
  environment: Record<string, string>;
  prefix: string;
  inspector: RedisInspector;
  /** Ends a response's wait. */
  promote: (id: string) => Promise<void>;
}

async function install(
  server: UpstreamServer,
  more: Record<string, string> = {},
  fields: object = {},
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "background-responses-limit-"));
  const path = join(folder, "providers.json");
  const lab = { kind: "openai-compatible", base_url: server.url, ...fields };
  await writeFile(path, JSON.stringify({ providers: { lab } }));
  const prefix = uniquePrefix();
  const inspector = new RedisInspector(prefix);
  const queue = new Queue("background", { connection: inspector.redis, prefix: inspector.layout.queuePrefix });
  return {
    environment: { KEY_PREFIX: prefix, PROVIDERS_FILE: path, BACKGROUND_CONCURRENCY: "1", ...more },
    prefix,
    inspector,
    promote: async (id) => await (await queue.getJob(id))!.promote(),
    async [Symbol.asyncDispose]() {
      await queue.close();
      inspector[Symbol.dispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const isWaiting = (id: string) => (line: { msg: string; [field: string]: unknown }) =>
  line.msg === "Waits in the queue for its provider" && line["responseId"] === id;

test("a response waits without a slot, survives its worker, and loses no attempt", async () => {
  await using server = await startUpstreamServer(LIMITED, answerOf("openai-compatible", ["It ", "rains."]));
  await using installation = await install(server);
  const { environment, inspector, promote } = installation;
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, REQUEST);
  const line = await worker.line(isWaiting(id), "a wait");
  expect(line["waitMs"]).toBeGreaterThanOrEqual(600_000);

  // The only slot is free.
  const other = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
  expect((await pollToEnd(api.url, other.id)).status).toBe("completed");
  expect((await send("GET", `${api.url}/responses/${id}`)).body).toMatchObject({ status: "in_progress", output: [] });
  await using storage = await openTestStorage(installation.prefix);
  const job = { id, background: true };
  expect(await storage.queue.isQueued(job), "as the sweeper sees it").toBe(true);
  worker.kill("SIGKILL");
  await worker.exited;
  await using successor = await startWorker(environment);
  expect(server.requests).toHaveLength(1);

  await promote(id);
  const ended = await pollToEnd(api.url, id);
  expect(ended).toMatchObject({
    status: "completed",
    model: "lab/qwen3",
    output: [{ content: [{ text: "It rains." }] }],
  });
  expect(server.requests).toHaveLength(2);
  expect(await inspector.meta(id)).toMatchObject({ attempts: "1", waits: "1" });
  expect(successor.lines.filter(({ msg }) => msg === "Attempt failed")).toEqual([]);
});

test("a waiting response can be cancelled, and its job is removed", async () => {
  await using server = await startUpstreamServer(LIMITED);
  await using installation = await install(server);
  const { environment, inspector } = installation;
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, REQUEST);
  await worker.line(isWaiting(id), "a wait");
  const jobs = async () => await inspector.redis.keys(`*${inspector.layout.queuePrefix}:background:${id}`);
  await expect.poll(jobs).toHaveLength(1);
  const { body } = await send("POST", `${api.url}/responses/${id}/cancel`);
  expect(body.status).toBe("cancelled");
  expect(await inspector.inFlight()).toEqual([]);
  expect(await jobs()).toEqual([]);
});

test.each([
  ["the wait would outlast its deadline", { RESPONSE_DEADLINE_SECONDS: "60" }],
  ["waiting is switched off", { UPSTREAM_MAX_WAITS: "0" }],
])("a response fails with the provider's reason if %s", async (_name, more) => {
  await using server = await startUpstreamServer(LIMITED);
  await using installation = await install(server, more);
  await using api = await startApi(installation.environment);
  await using _worker = await startWorker(installation.environment);
  const { id } = await create(api.url, REQUEST);
  expect(await pollToEnd(api.url, id)).toMatchObject({
    status: "failed",
    error: { code: "rate_limit_exceeded", message: "Too many tokens this minute" },
  });
  expect(server.requests).toHaveLength(1);
});

test("a response with a fallback does not wait, and keeps its model's name", async () => {
  await using server = await startUpstreamServer(LIMITED);
  await using installation = await install(server, {}, { fallbacks: ["simulator/default"] });
  const { environment } = installation;
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const metadata = { "simulator.text": "From the simulator.", "simulator.delay_ms": "0" };
  const { id } = await create(api.url, { ...REQUEST, metadata });
  expect(await pollToEnd(api.url, id)).toMatchObject({
    status: "completed",
    model: "lab/qwen3",
    output: [{ content: [{ text: "From the simulator." }] }],
  });
  const line = await worker.line(({ msg }) => msg === "Model not available, asking its fallback", "a fallback");
  expect(line).toMatchObject({ responseId: id, model: "lab/qwen3", fallback: "simulator/default" });
});
