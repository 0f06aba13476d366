/** A connection whose peer is gone without notice is replaced; one whose own process is busy is not. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect, type ConnectionPurpose } from "../../../src/redis/connect.ts";
import { isAnswering } from "../../../src/redis/liveness.ts";
import { startPrivateRedis } from "../../../src/local/redis/private-server.ts";
import type { RedisClient } from "../../../src/redis/script.ts";
import { startCuttingProxy } from "../../support/cutting-proxy.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";
import { silentLogger } from "../../support/storage.ts";

/** Until all of them answer again. */
const RECOVERY_MS = 15_000;
/** Longer than a connection may be silent. */
const BLOCKED_MS = 8_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "liveness-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const open = async (url: string, purpose: ConnectionPurpose, cluster = false) =>
  await connect({ url, cluster }, purpose, "test", silentLogger);

const answers = async (redis: RedisClient): Promise<unknown> => await redis.ping().catch(() => undefined);

test.concurrent.for(["request", "patient", "queue"] as const)(
  "a half-open connection of the purpose %s is replaced, whether a command is in flight or none",
  async (purpose, { expect }) => {
    await using proxy = await startCuttingProxy(testRedisUrl());
    const redis = await open(proxy.url.replace(/^http/, "redis"), purpose);
    try {
      expect(isAnswering(redis)).toBe(true);
      proxy.freeze();
      await expect.poll(() => isAnswering(redis), { timeout: RECOVERY_MS }).toBe(false);
      await expect.poll(() => isAnswering(redis), { timeout: RECOVERY_MS }).toBe(true);
      proxy.freeze();
      await expect.poll(() => answers(redis), { timeout: RECOVERY_MS }).toBe("PONG");
    } finally {
      redis.disconnect();
    }
  },
);

test.concurrent("a half-open subscriber is replaced and receives later messages", async ({ expect }) => {
  await using proxy = await startCuttingProxy(testRedisUrl());
  const subscriber = await open(proxy.url.replace(/^http/, "redis"), "patient");
  const publisher = await open(testRedisUrl(), "patient");
  try {
    const channel = uniquePrefix();
    const received: string[] = [];
    subscriber.on("message", (_channel: string, text: string) => received.push(text));
    await subscriber.subscribe(channel);
    proxy.freeze();
    await expect
      .poll(
        async () => {
          await publisher.publish(channel, "after");
          return received;
        },
        { timeout: RECOVERY_MS },
      )
      .toContain("after");
  } finally {
    subscriber.disconnect();
    publisher.disconnect();
  }
});

test.concurrent("BullMQ's blocking duplicate is watched with its client", async ({ expect }) => {
  await using proxy = await startCuttingProxy(testRedisUrl());
  const redis = await open(proxy.url.replace(/^http/, "redis"), "queue");
  const blocking = (redis as Redis).duplicate();
  try {
    const list = uniquePrefix();
    // Blocks longer than other connections may be silent: it is answered and not replaced.
    const [id, nothing, idAfter] = await Promise.all([
      blocking.client("ID"),
      blocking.blpop(list, BLOCKED_MS / 1_000),
      blocking.client("ID"),
    ]);
    expect([nothing, idAfter]).toEqual([null, id]);
    const popped = blocking.blpop(list, 1);
    proxy.freeze();
    await expect.poll(() => isAnswering(redis), { timeout: RECOVERY_MS }).toBe(false);
    await expect.poll(() => isAnswering(redis), { timeout: RECOVERY_MS }).toBe(true);
    await popped;
  } finally {
    blocking.disconnect();
    redis.disconnect();
  }
});

test.concurrent("in a cluster, nodes and both kinds of subscribers are replaced", async ({ expect }) => {
  await using proxy = await startCuttingProxy("http://127.0.0.1:1");
  const announced = new URL(proxy.url).port;
  await using node = await startPrivateRedis({
    dataDir: join(folder, "cluster"),
    extraArgs:
      `--cluster-enabled yes --cluster-announce-ip 127.0.0.1 --cluster-announce-port ${announced} --cluster-announce-bus-port 1`.split(
        " ",
      ),
  });
  proxy.target = node.url;
  const direct = await open(node.url, "patient");
  await direct.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  await expect.poll(() => direct.call("CLUSTER", "INFO"), { timeout: RECOVERY_MS }).toContain("cluster_state:ok");
  const redis = await open(proxy.url.replace(/^http/, "redis"), "patient", true);
  try {
    const received: string[] = [];
    for (const kind of ["message", "smessage"]) redis.on(kind, (_channel: string, text: string) => received.push(text));
    await redis.subscribe("plain");
    await redis.ssubscribe("sharded");
    proxy.freeze();
    await expect
      .poll(
        async () => {
          await direct.publish("plain", "plain");
          await direct.spublish("sharded", "sharded");
          return new Set(received);
        },
        { timeout: RECOVERY_MS },
      )
      .toEqual(new Set(["plain", "sharded"]));
    expect(await redis.set("key", "value")).toBe("OK");
  } finally {
    redis.disconnect();
    direct.disconnect();
  }
});

describe("while this process's event loop is blocked", () => {
  test("no connection is replaced, with a reply in the socket or a command unsent", async () => {
    const redis = await open(testRedisUrl(), "patient");
    try {
      const id = await redis.call("CLIENT", "ID");
      const unsent = redis.call("CLIENT", "ID");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);
      expect(await unsent).toBe(id);
      expect(await redis.call("CLIENT", "ID")).toBe(id);
    } finally {
      redis.disconnect();
    }
  });
});
