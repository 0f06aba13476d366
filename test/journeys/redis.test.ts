/**
 * Promise 5 (contract.md#promises), continued: Redis itself crashes or is away. The server recovers by itself and every
 * accepted response ends.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";
import { expectExact, expectOneTerminal, subscribe, subscribeToEnd } from "../support/subscriber.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-redis-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const start = async (name: string, appendfsync: "everysec" | "always", port?: number) =>
  await startPrivateRedis({ dataDir: join(folder, name), appendfsync, ...(port !== undefined && { port }) });

describe.each(["everysec", "always"] as const)("SIGKILL of Redis with appendfsync %s", (appendfsync) => {
  test("running and queued responses end after Redis returns, with exact streams", async () => {
    const redis = await start(appendfsync, appendfsync);
    const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url, BACKGROUND_CONCURRENCY: "4" };
    using inspector = new RedisInspector(environment.KEY_PREFIX, redis.url);
    await using api = await startApi(environment);
    await using _worker = await startWorker(environment);
    const ids = await Promise.all(
      Array.from(
        { length: 8 },
        async (_, seed) => (await create(api.url, simulate({ tokens: 100, delay_ms: 15, seed }))).id,
      ),
    );
    const reached = Promise.withResolvers<void>();
    const streams = ids.map((id) =>
      subscribeToEnd(() => api.url, id, { onEvent: (event) => (event.id === 20 ? reached.resolve() : undefined) }),
    );
    await reached.promise;
    redis.kill("SIGKILL");
    await redis.exited;

    const rejected = await send<object>("POST", `${api.url}/responses`, simulate({ tokens: 1 }));
    expect(rejected).toMatchObject({
      status: 503,
      body: { error: { type: "server_error", code: "service_unavailable" } },
    });
    expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThan(0);

    await using _back = await start(appendfsync, appendfsync, redis.port);
    for (const [i, events] of (await Promise.all(streams)).entries()) {
      const log = await inspector.log(ids[i]!);
      expectExact(events, log, 0);
      expect(expectOneTerminal(log).status).toBe("completed");
    }
    const next = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }));
    expect((await pollToEnd(api.url, next.id)).status).toBe("completed");
    expect((await send("GET", api.url.replace("/v1", "/readyz"))).status).toBe(200);
  });
});

test.each(["src/server.ts", "workers/main.ts"])("a missing database is reported, not replaced: %s", async (script) => {
  const url = new URL(testRedisUrl());
  url.pathname = "/999999";
  await using server = new ServerProcess("server", script, { REDIS_URL: url.href, PORT: "0" });
  await server.line(({ msg }) => msg.endsWith("REDIS_URL: Redis has no database 999999."), "saying so");
  expect(await server.exited).toBe(78);
});

test("a stream cut off from Redis resumes before the next heartbeat", async () => {
  await using redis = await start("cut-off", "everysec");
  await using proxy = await startCuttingProxy(redis.url);
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url };
  const cutOff = { REDIS_URL: proxy.url.replace(/^http/, "redis"), STREAM_HEARTBEAT_MS: "600000" };
  await using api = await startApi({ ...environment, ...cutOff });
  await using other = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 60, delay_ms: 10 }));
  const onEvent = async (event: { id: number }): Promise<void> => {
    if (event.id !== 10) return;
    proxy.isAway = true;
    proxy.cut();
    await pollToEnd(other.url, id);
    proxy.isAway = false;
  };
  const { events, isWhole } = await subscribe(api.url, id, { onEvent });
  expect(isWhole).toBe(true);
  expect(events.at(-1)!.type).toBe("response.completed");
});

test("a worker stops on request while Redis is away", async () => {
  await using redis = await start("leaving", "everysec");
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url, DRAIN_GRACE_MS: "200" };
  await using worker = await startWorker(environment);
  redis.kill("SIGSTOP");
  worker.kill("SIGTERM");
  expect(await worker.exited).not.toBeNull();
  redis.kill("SIGCONT");
});

test("a worker reports a lost Redis once per connection", async () => {
  const redis = await start("reported-once", "everysec");
  await using worker = await startWorker({ KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url });
  redis.kill("SIGKILL");
  await redis.exited;
  await rejectConnections(redis.port, 20);
  await using _back = await start("reported-once", "everysec", redis.port);
  await worker.line(({ msg }) => msg === "Redis is reachable again", "that Redis is back");
  const said = worker.lines
    .filter(({ level }) => level >= 40)
    .map(({ connection, msg }) => `${String(connection)} ${msg}`);
  expect(said).toContainEqual(expect.stringMatching(/:queue Redis is not reachable; reconnecting$/));
  expect(said).toEqual([...new Set(said)]);
});

/** Listens in place of Redis until that many clients have tried. */
async function rejectConnections(port: number, count: number): Promise<void> {
  const enough = Promise.withResolvers<void>();
  let rejected = 0;
  const server = createServer((socket) => {
    socket.resetAndDestroy();
    rejected += 1;
    if (rejected === count) enough.resolve();
  }).listen(port, "127.0.0.1");
  await enough.promise;
  server.close();
  await once(server, "close");
}

test("a client's content is in no log line, even if Redis rejects it", async () => {
  await using redis = await start("rejecting", "everysec");
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url };
  using inspector = new RedisInspector(environment.KEY_PREFIX, redis.url);
  await using api = await startApi(environment);
  await inspector.redis.call("ACL", "SETUSER", "default", "-xadd");
  const answer = await send(
    "POST",
    `${api.url}/responses`,
    simulate({}, { input: "the heron stands", instructions: "in the reeds" }),
  );
  await inspector.redis.call("ACL", "SETUSER", "default", "+@all");
  expect(answer.status).toBe(500);
  await api.line(({ msg }) => msg === "Request failed", "the failure");
  const log = JSON.stringify(api.lines);
  expect(log).not.toContain("heron");
  expect(log).not.toContain("reeds");
});

test("a hanging Redis gives 503 instead of a hanging request", async () => {
  await using redis = await start("hanging", "everysec");
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url };
  await using api = await startApi(environment);
  redis.kill("SIGSTOP");
  const [post, ready] = await Promise.all([
    send<object>("POST", `${api.url}/responses`, simulate({ tokens: 1 })),
    send<object>("GET", api.url.replace("/v1", "/readyz")),
  ]);
  redis.kill("SIGCONT");
  expect([post.status, ready.status]).toEqual([503, 503]);
  expect(post.headers.get("retry-after")).not.toBeNull();
});
