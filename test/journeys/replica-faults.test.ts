/**
 * Promise 3 (contract.md#promises) where replicas are required: they lag, are cut off and come back, and primaries are
 * lost with unreplicated data.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PrivateRedis, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/cutting-proxy.ts";
import { pollUntil, untilNoneInFlight } from "../support/poll-until.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectOneTerminal, subscribe } from "../support/subscriber.ts";
import { startSwitchingProxy, type SwitchingProxy } from "../support/switching-proxy.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-replicas-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Replicas receive missing data at once. */
const start = async (name: string, extraArgs: string[] = []) =>
  await startPrivateRedis({
    dataDir: join(folder, name),
    extraArgs: ["--repl-diskless-sync-delay", "0", ...extraArgs],
  });

const replicaOf = (port: number): string[] => ["--replicaof", "127.0.0.1", String(port)];

/** Polls `INFO replication` until it contains `text`. */
async function untilReplicationHas(redis: Redis, text: string): Promise<void> {
  await pollUntil(
    async () => await redis.info("replication"),
    (info) => info.includes(text),
  );
}

interface Topology extends AsyncDisposable {
  first: PrivateRedis;
  second: PrivateRedis;
  /** Between the two. */
  link: CuttingProxy;
  /** Leads to the current primary: at first the first. */
  address: SwitchingProxy;
  environment: Record<string, string>;
  old: RedisInspector;
  inspector: RedisInspector;
  /** The link is cut already: the second continues without the missing data. */
  promote: () => Promise<void>;
}

/** A primary, its replica, and the replica's own. */
async function startTopology(name: string, settings: Record<string, string>): Promise<Topology> {
  const stack = new AsyncDisposableStack();
  const first = stack.use(await start(`${name}-first`));
  const link = stack.use(await startCuttingProxy(first.url));
  const second = stack.use(await start(`${name}-second`, replicaOf(Number(new URL(link.url).port))));
  const third = stack.use(await start(`${name}-third`, replicaOf(second.port)));
  const address = stack.use(await startSwitchingProxy(first.port));
  const KEY_PREFIX = uniquePrefix();
  const old = stack.use(new RedisInspector(KEY_PREFIX, first.url));
  const inspector = stack.use(new RedisInspector(KEY_PREFIX, second.url));
  const last = stack.use(new RedisInspector(KEY_PREFIX, third.url));
  await untilReplicationHas(old.redis, "state=online");
  await untilReplicationHas(last.redis, "master_link_status:up");
  return {
    first,
    second,
    link,
    address,
    environment: { KEY_PREFIX, REDIS_URL: address.url, ...settings },
    old,
    inspector,
    promote: async () => {
      await inspector.redis.replicaof("NO", "ONE");
      address.port = second.port;
    },
    [Symbol.asyncDispose]: async () => await stack.disposeAsync(),
  };
}

function cutOff(link: CuttingProxy): void {
  link.isAway = true;
  link.cut();
}

async function untilStatus(inspector: RedisInspector, id: string, status: string): Promise<void> {
  await pollUntil(
    async () => await inspector.meta(id),
    (meta) => meta["status"] === status,
  );
}

type Checks = { redis: boolean; writes: boolean };

const REQUIRED = { REDIS_MIN_REPLICAS_ACKED: "1", REDIS_WAIT_TIMEOUT_MS: "300" };

test("an unconfirmed end is shown to no one until a replica confirms it", async () => {
  await using topology = await startTopology("away", { ...REQUIRED, RESPONSE_DEADLINE_SECONDS: "3" });
  const { environment, link, old } = topology;
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ hang: true }));
  const { id: second } = await create(api.url, simulate({ hang: true }));
  await subscribe(api.url, id, { cutAfterEvents: 3 });
  cutOff(link);
  await untilStatus(old, id, "failed");
  // By then the worker has tried all that it does for the two.
  const failures = () => worker.lines.filter(({ msg }) => msg === "Sweep failed; the next one continues").length;
  await worker.line(() => failures() >= 3, "sweeps that no replica confirmed");

  expect(Number((await old.meta(id))["durable"])).toBeLessThan(Number((await old.meta(id))["last"]));
  expect(await old.inFlight()).toEqual(expect.arrayContaining([id, second]));
  expect((await send("GET", `${api.url}/responses/${id}`)).body.status).toBe("in_progress");
  const [cancelled, deleted] = await Promise.all([
    send<object>("POST", `${api.url}/responses/${id}/cancel`),
    send<object>("DELETE", `${api.url}/responses/${second}`),
  ]);
  expect([cancelled.status, deleted.status]).toEqual([503, 503]);

  const cursor = Number((await old.meta(id))["durable"]);
  const following = subscribe(api.url, id, { startingAfter: cursor });
  link.isAway = false;
  expect((await following).isWhole).toBe(true);
  expect((await pollToEnd(api.url, id)).status).toBe("failed");
  expect((await pollToEnd(api.url, second)).status).toBe("failed");
  expect((await send("DELETE", `${api.url}/responses/${second}`)).status).toBe(200);
  await untilNoneInFlight(old);
});

test("an end lost with its primary is repeated by the promoted replica", async () => {
  await using topology = await startTopology("lost-end", { ...REQUIRED, RESPONSE_DEADLINE_SECONDS: "3" });
  const { environment, first, link, old, inspector, promote } = topology;
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ hang: true }));
  await subscribe(api.url, id, { cutAfterEvents: 3 });
  cutOff(link);
  await untilStatus(old, id, "failed");
  expect((await inspector.meta(id))["status"]).toBe("in_progress");
  await promote();
  first.kill("SIGKILL");
  await first.exited;

  expect((await pollToEnd(api.url, id)).status).toBe("failed");
  expect((await subscribe(api.url, id)).isWhole).toBe(true);
  expectOneTerminal(await inspector.log(id));
  await untilNoneInFlight(inspector);
});

describe.each<[string, string[], Record<string, string>]>([
  ["an unconfirmed WAIT", [], REQUIRED],
  ["NOREPLICAS", ["min-replicas-to-write", "1", "min-replicas-max-lag", "3"], {}],
])("a former primary without replicas is abandoned: %s", (name, config, settings) => {
  test("runs, requests, streams and readiness follow the address to the new primary", async () => {
    await using topology = await startTopology(name.replaceAll(" ", "-"), settings);
    const { environment, link, old, inspector, promote } = topology;
    await using api = await startApi(environment);
    await using _worker = await startWorker(environment);
    if (config.length > 0) await old.redis.config("SET", ...(config as [string, string]));
    const readyz = async () => (await send<{ checks: Checks }>("GET", api.url.replace("/v1", "/readyz"))).body.checks;
    expect(await readyz()).toMatchObject({ redis: true, writes: true });
    const { id } = await create(api.url, simulate({ tokens: 150, delay_ms: 20 }));
    let isCut = false;
    const following = subscribe(api.url, id, {
      onEvent: (event) => {
        if (event.id < 20 || isCut) return;
        isCut = true;
        cutOff(link);
      },
    });
    const checks = await pollUntil(readyz, ({ writes }) => !writes);
    expect(checks).toMatchObject({ redis: true, writes: false });
    await promote();
    await following;
    expect((await pollToEnd(api.url, id)).status).toBe("completed");
    expect((await inspector.meta(id))["status"]).toBe("completed");
    await pollUntil(readyz, ({ writes }) => writes);
    const { id: next } = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }));
    expect((await pollToEnd(api.url, next)).status).toBe("completed");
    expect(await inspector.meta(next)).toMatchObject({ status: "completed" });
  });
});
