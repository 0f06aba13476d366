/** A process checks its Redis at its start: it exits, waits, or warns, each time with a remedy. */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PrivateRedis, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { type ApiProcess, ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const EXIT_MISCONFIGURED = 78;
const SCRIPTS = ["src/server.ts", "workers/main.ts"];

let folder: string;
let redis: PrivateRedis;
let admin: Redis;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-preflight-"));
  redis = await startPrivateRedis({ dataDir: join(folder, "redis") });
  admin = new Redis(redis.url);
});
afterAll(async () => {
  admin.disconnect();
  await redis[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const environment = () => ({ KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url });
const begin = (script: string, settings: Record<string, string>) =>
  new ServerProcess(script, script, { PORT: "0", WORKER_PORT: "0", ...settings });
const withUser = (url: string, user: string): string => url.replace("redis://", `redis://${user}@`);

describe.each(SCRIPTS)("%s exits with a sentence", (script) => {
  test.each([
    ["a wrong password", "stranger:wrong", "Redis rejects the credentials: check the user and password of REDIS_URL."],
    ["a user without write rights", "reader:secret", "The user of REDIS_URL has too few rights (NOPERM"],
    ["a user without rights to inspect Redis", "blind:secret", "The user of REDIS_URL has too few rights (NOPERM"],
  ])("with %s", async (_name, user, sentence) => {
    await admin.call("ACL", "SETUSER", "reader", "on", ">secret", "~*", "&*", "+@read", "+@connection", "+info");
    await admin.call("ACL", "SETUSER", "blind", "on", ">secret", "~*", "&*", "+@all", "-@dangerous");
    const settings = { ...environment(), REDIS_URL: withUser(redis.url, user) };
    await using started = begin(script, settings);
    await started.line(({ msg }) => msg.includes(sentence), sentence);
    expect(await started.exited).toBe(EXIT_MISCONFIGURED);
  });

  test("without Redis's password, and with a cluster that is none", async () => {
    await using locked = await startPrivateRedis({ dataDir: join(folder, "locked") });
    const owner = new Redis(locked.url);
    await owner.config("SET", "requirepass", "secret");
    owner.disconnect();
    await using started = begin(script, { ...environment(), REDIS_URL: locked.url });
    await started.line(({ msg }) => msg.includes("Redis requires credentials: add the user and password"), "the error");
    expect(await started.exited).toBe(EXIT_MISCONFIGURED);
    await using noCluster = begin(script, { ...environment(), REDIS_CLUSTER: "true" });
    await noCluster.line(({ msg }) => msg.includes("Redis is not a cluster: set REDIS_CLUSTER=false."), "the error");
    expect(await noCluster.exited).toBe(EXIT_MISCONFIGURED);
  });

  test("with a Redis that evicts", async () => {
    await using cache = await startPrivateRedis({
      dataDir: join(folder, "cache"),
      extraArgs: ["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"],
    });
    await using started = begin(script, { ...environment(), REDIS_URL: cache.url });
    await started.line(({ msg }) => msg.includes("allkeys-lru Redis evicts running responses"), "the error");
    expect(await started.exited).toBe(EXIT_MISCONFIGURED);
  });
});

test("an old Redis ends the start", async () => {
  await using old = await startRewritingProxy(redis.port, "redis_version:7.", "redis_version:6.");
  await using started = begin("src/server.ts", { ...environment(), REDIS_URL: old.url });
  await started.line(({ msg }) => /Redis 6\.\S+ is too old: install Redis 7\.0 or newer/.test(msg), "the error");
  expect(await started.exited).toBe(EXIT_MISCONFIGURED);
});

/** Replaces a text in Redis's replies by another of the same length. */
async function startRewritingProxy(port: number, from: string, to: string): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    near.pipe(far);
    far.on("data", (chunk: Buffer) => near.write(chunk.toString("latin1").replaceAll(from, to), "latin1"));
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      socket.on("error", () => socket.destroy()).on("close", () => other.destroy());
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}

test("a serving process is not ready while its Redis is a replica", async () => {
  await using api = await startApi(environment());
  const readiness = async () => await send<object>("GET", api.url.replace("/v1", "/readyz"));
  expect(await readiness()).toMatchObject({ status: 200, body: { checks: { setup: true } } });
  await admin.call("REPLICAOF", "127.0.0.1", "1");
  await expect.poll(readiness, { timeout: 20_000 }).toMatchObject({ status: 503, body: { checks: { setup: false } } });
  await admin.call("REPLICAOF", "NO", "ONE");
  await expect.poll(readiness, { timeout: 20_000 }).toMatchObject({ status: 200, body: { checks: { setup: true } } });
});

test("warnings are in the log as JSON, and in /readyz", async () => {
  await using volatile = await startPrivateRedis({
    dataDir: join(folder, "volatile"),
    extraArgs: ["--maxmemory-policy", "volatile-lru", "--appendonly", "no"],
  });
  const settings = { ...environment(), REDIS_URL: volatile.url };
  await using api = await startApi(settings);
  await using worker = await startWorker(settings);
  const wanted = [expect.stringContaining("maxmemory-policy volatile-lru"), expect.stringContaining("appendonly")];
  const { status, body } = await send<object>("GET", api.url.replace("/v1", "/readyz"));
  expect([status, body]).toEqual([200, expect.objectContaining({ status: "ready", warnings: wanted })]);
  for (const { lines } of [api, worker]) {
    expect(lines.filter(({ level }) => level === 40).map(({ msg }) => msg)).toEqual(expect.arrayContaining(wanted));
    // A line that is not JSON gets the level 0.
    expect(lines.filter(({ level }) => level === 0)).toEqual([]);
  }
});

describe("a start waits while Redis accepts no writes", () => {
  test.each([
    ["is a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"], "lead to the primary"],
    ["is full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"], "raise maxmemory"],
    [
      "lacks replicas",
      ["CONFIG", "SET", "min-replicas-to-write", "1"],
      ["CONFIG", "SET", "min-replicas-to-write", "0"],
      "takes no writes without its replicas",
    ],
  ])("because it %s, and serves afterwards", async (_name, breaking, mending, remedy) => {
    const call = async ([command, ...parameters]: string[]) => await admin.call(command!, ...parameters);
    await call(breaking);
    const settings = environment();
    await using api = begin("src/server.ts", settings) as ApiProcess;
    await using worker = begin("workers/main.ts", settings);
    for (const each of [api, worker]) await each.line(({ msg }) => msg.includes(remedy), remedy);
    await call(mending);
    api.url = String((await api.line(({ msg }) => msg === "API listening", "listening"))["url"]);
    await worker.line(({ msg }) => msg === "Worker taking jobs", "taking jobs");
    const { id } = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }));
    expect((await pollToEnd(api.url, id)).status).toBe("completed");
  });
});

test("a user with the rights in docs/redis.md can do everything", async () => {
  const settings = environment();
  const prefix = settings.KEY_PREFIX;
  const rules = [`~${prefix}:*`, `~{${prefix}:*`, `&${prefix}:*`, "+@all", "-@dangerous", "-@admin", "+info"];
  await admin.call("ACL", "SETUSER", "server", "on", ">secret", "resetkeys", "resetchannels", ...rules);
  await admin.call("ACL", "LOG", "RESET");
  const REDIS_URL = withUser(redis.url, "server:secret");
  await using api = await startApi({ ...settings, REDIS_URL, RATE_LIMIT_REQUESTS_PER_MINUTE: "100" });
  await using _worker = await startWorker({ ...settings, REDIS_URL });
  const url = `${api.url}/responses`;
  const first = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
  expect((await pollToEnd(api.url, first.id)).status).toBe("completed");
  const hanging = await create(api.url, simulate({ hang: true }));
  expect((await send("POST", `${url}/${hanging.id}/cancel`)).body.status).toBe("cancelled");
  const conversation = (await send<{ id: string }>("POST", `${api.url}/conversations`, {})).body.id;
  const windowed = simulate(
    { tokens: 1, delay_ms: 0 },
    { background_options: { completion_window: "2h", continuation_id: "one" } },
  );
  for (const body of [windowed, simulate({ tokens: 1, delay_ms: 0 }, { conversation })]) {
    expect((await pollToEnd(api.url, (await create(api.url, body)).id)).status).toBe("completed");
  }
  expect((await send("GET", `${url}/${first.id}/input_items`)).status).toBe(200);
  expect((await send("DELETE", `${url}/${first.id}`)).status).toBe(200);
  expect(await admin.call("ACL", "LOG")).toEqual([]);
});

test("a worker without rights retries once a second, and resumes with them", async () => {
  await admin.call("ACL", "SETUSER", "worker", "on", ">secret", "~*", "&*", "+@all");
  const settings = environment();
  await using api = await startApi(settings);
  await using worker = await startWorker({ ...settings, REDIS_URL: withUser(redis.url, "worker:secret") });
  await admin.call("ACL", "SETUSER", "worker", "-evalsha", "-eval", "-bzpopmin");
  const { id } = await create(api.url, simulate({ tokens: 2 }));
  const errorTimes = () =>
    worker.lines.filter(({ msg }) => msg === "Queue worker error").map(({ time }) => Number(time));
  // Redis rejects the two queues twice each per round, and a round takes two seconds.
  await expect.poll(() => errorTimes().length, { timeout: 30_000 }).toBeGreaterThan(12);
  expect(errorTimes()[12]! - errorTimes()[0]!).toBeGreaterThan(1_500);
  await admin.call("ACL", "SETUSER", "worker", "+@all");
  expect(await pollToEnd(api.url, id)).toMatchObject({ status: "completed" });
});
