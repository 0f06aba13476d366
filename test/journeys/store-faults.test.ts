/** A Redis that answers but does not accept commands: memory full, a long script, a cluster in a failover. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { RedisLayout } from "../../src/redis/layout.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { moveSlotOf, startCluster } from "../support/cluster.ts";
import { pollUntil } from "../support/poll-until.ts";
import { type LogLine, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectOneTerminal, subscribe } from "../support/subscriber.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-store-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const UNAVAILABLE = { error: { type: "server_error", code: "service_unavailable" } };

async function untilServerTime(redis: Redis, laterMs: number): Promise<void> {
  const nowMs = async (): Promise<number> => Number((await redis.time())[0]) * 1000;
  const end = (await nowMs()) + laterMs;
  await pollUntil(nowMs, (now) => now > end);
}

test("a full Redis: runs wait, cancel and delete work, new requests get 503", async () => {
  await using redis = await startPrivateRedis({ dataDir: join(folder, "full"), extraArgs: ["--appendonly", "no"] });
  const LOCK_DURATION_MS = "1000";
  const environment = {
    KEY_PREFIX: uniquePrefix(),
    REDIS_URL: redis.url,
    LOCK_DURATION_MS,
    STALLED_INTERVAL_MS: "400",
    RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT: "20",
  };
  using inspector = new RedisInspector(environment.KEY_PREFIX, redis.url);
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id: conversation } = (await send("POST", `${api.url}/conversations`, {})).body;
  const begin = async (tokens: number, fields = {}) => {
    const { id } = await create(api.url, simulate({ tokens, delay_ms: 20 }, fields));
    await subscribe(api.url, id, { cutAfterEvents: 10 });
    return id;
  };
  const cancelled = await begin(100_000, { conversation });
  const deleted = await begin(100_000);
  const waiting = await begin(200);
  // As for a conversation of a release without lists: the end of its turn lists it.
  const { conversationList } = inspector.layout;
  await inspector.redis.del(`${conversationList}:entries:default`, `${conversationList}:expiries:default`);
  await inspector.redis.config("SET", "maxmemory", "1");

  const rejected = await send("POST", `${api.url}/responses`, simulate({ tokens: 1 }));
  expect(rejected).toMatchObject({ status: 503, body: UNAVAILABLE });
  expect(rejected.body).toMatchObject({ error: { message: expect.stringContaining("is full") } });
  expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThan(0);
  const ready = await send("GET", api.url.replace("/v1", "/readyz"));
  expect(ready).toMatchObject({ status: 503, body: { checks: { redis: true, writes: false } } });
  const named = "The memory of Redis is full: raise maxmemory, or delete data.";
  const { warnings } = await pollUntil(
    async () => (await send<{ warnings: string[] }>("GET", api.url.replace("/v1", "/readyz"))).body,
    (body) => body.warnings.includes(named),
  );
  expect(warnings.join(" ")).not.toContain("maxmemory-policy");
  const run = await send("GET", `${api.url}/responses/${waiting}/run`);
  expect(run.body).toMatchObject({ step: { type: "waiting_for_redis", reason: named } });
  const isRefused = (line: LogLine) => line.msg.startsWith("Redis takes no events") && line["responseId"] === waiting;
  expect(await worker.line(isRefused, "the refusal")).toMatchObject({
    reason: expect.stringContaining("OOM"),
    level: 40,
  });

  const answer = await send("POST", `${api.url}/responses/${cancelled}/cancel`);
  expect(answer).toMatchObject({ status: 200, body: { status: "cancelled" } });
  expect((await send("DELETE", `${api.url}/responses/${deleted}`)).status).toBe(200);
  expect((await send("DELETE", `${api.url}/responses/${cancelled}`)).status).toBe(200);
  expect((await send("DELETE", `${api.url}/conversations/${conversation}`)).status).toBe(200);
  // Longer than any lock: a worker that believed it lost would restart the run.
  await untilServerTime(inspector.redis, 3 * Number(LOCK_DURATION_MS));
  expect(await inspector.inFlight()).toEqual([waiting]);

  await inspector.redis.config("SET", "maxmemory", "0");
  expect((await pollToEnd(api.url, waiting)).status).toBe("completed");
  expectOneTerminal(await inspector.log(waiting));
  expect(await inspector.meta(waiting)).toMatchObject({ attempts: "1" });
  expect(await inspector.meta(waiting)).not.toMatchObject({ charged: expect.anything() });
  expect(worker.lines.filter(({ msg }) => msg === "Attempt failed")).toEqual([]);
});

test("during a long script requests get 503 and runs continue", async () => {
  await using redis = await startPrivateRedis({ dataDir: join(folder, "busy") });
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url };
  using inspector = new RedisInspector(environment.KEY_PREFIX, redis.url);
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 100, delay_ms: 20 }));
  await subscribe(api.url, id, { cutAfterEvents: 10 });
  await inspector.redis.config("SET", "busy-reply-threshold", "10");
  const blocking = new Redis(redis.url);
  const LOOP = "local t = redis.call('TIME'); while redis.call('TIME')[1] - t[1] < 3 do end";
  const looped = blocking.eval(LOOP, 0);
  const isBusy = async () =>
    await inspector.redis.ping().then(
      () => false,
      () => true,
    );
  await pollUntil(isBusy, Boolean);
  const rejected = await send("POST", `${api.url}/responses`, simulate({ tokens: 1 }));
  expect(rejected).toMatchObject({ status: 503, body: UNAVAILABLE });
  await looped;
  blocking.disconnect();
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect(await inspector.meta(id)).toMatchObject({ attempts: "1" });
  expect(worker.lines.filter(({ msg }) => msg === "Attempt failed")).toEqual([]);
});

test("a cluster failover costs no attempt, and requests get 503 meanwhile", { timeout: 120_000 }, async () => {
  const { nodes, url } = await startCluster(join(folder, "cluster"), { replicasOfFirst: 1 });
  await using _nodes = disposeAll(nodes);
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: url, REDIS_CLUSTER: "true" };
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const begin = async (_: unknown, seed: number) =>
    (await create(api.url, simulate({ tokens: 300, delay_ms: 20, seed }))).id;
  const ids = await Promise.all(Array.from({ length: 8 }, begin));
  await Promise.all(ids.map(async (id) => await subscribe(api.url, id, { cutAfterEvents: 10 })));
  nodes[0]!.kill("SIGKILL");
  await nodes[0]!.exited;
  const statuses = new Set<number>();
  for (let inARow = 0; inARow < 20;) {
    const { status } = await send("POST", `${api.url}/responses`, simulate({ tokens: 1, delay_ms: 0 }));
    statuses.add(status);
    inARow = status === 200 ? inARow + 1 : 0;
  }
  expect([...statuses].filter((status) => status !== 200)).toEqual([503]);
  const ended = await Promise.all(ids.map(async (id) => await pollToEnd(api.url, id)));
  expect(ended.map(({ status }) => status)).toEqual(ids.map(() => "completed"));
  expect(worker.lines.filter(({ msg }) => msg === "Attempt failed")).toEqual([]);
});

test("migrating slots cost no attempt and no event", async () => {
  const { nodes, url } = await startCluster(join(folder, "reshard"));
  await using _nodes = disposeAll(nodes);
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: url, REDIS_CLUSTER: "true" };
  const layout = new RedisLayout(environment.KEY_PREFIX, { sharded: true });
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const begin = async (_: unknown, seed: number) =>
    (await create(api.url, simulate({ tokens: 300, delay_ms: 20, seed }))).id;
  const ids = await Promise.all(Array.from({ length: 6 }, begin));
  await Promise.all(ids.map(async (id) => await subscribe(api.url, id, { cutAfterEvents: 10 })));
  const followed = ids.map(async (id) => await subscribe(api.url, id));
  const queue = `${layout.queuePrefix}:background:wait`;
  for (const key of [...ids.map((id) => layout.meta(id)), layout.inFlight, layout.inFlightProjects, queue]) {
    await moveSlotOf(key, nodes);
  }
  for (const each of await Promise.all(followed)) expect(each.isWhole).toBe(true);
  const ended = await Promise.all(ids.map(async (id) => await pollToEnd(api.url, id)));
  expect(ended.map(({ status }) => status)).toEqual(ids.map(() => "completed"));
  expect(worker.lines.filter(({ msg }) => msg === "Attempt failed")).toEqual([]);
}, 120_000);

function disposeAll(disposables: readonly AsyncDisposable[]): AsyncDisposable {
  const stack = new AsyncDisposableStack();
  for (const each of disposables) stack.use(each);
  return stack;
}
