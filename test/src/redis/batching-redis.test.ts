/** A connection that sends the commands of one turn of the event loop in one write. */
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { BatchingRedis } from "../../../src/redis/batching-redis.ts";
import { defineScript } from "../../../src/redis/script.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";

async function open(): Promise<{ redis: BatchingRedis; prefix: string } & Disposable> {
  const redis = new BatchingRedis(testRedisUrl(), {
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  });
  // The end of a connection that a test closes is expected.
  redis.on("error", () => {});
  await redis.connect();
  await turn();
  return { redis, prefix: uniquePrefix(), [Symbol.dispose]: () => redis.disconnect() };
}

const double = defineScript<number>("doubleIt", 0, "return ARGV[1] * 2");

test("commands of one turn wait for its end, answered in order", async () => {
  using connection = await open();
  const { redis, prefix } = connection;
  const { stream } = redis;
  const before = stream.bytesWritten - stream.writableLength;
  const replies = Promise.all([
    ...Array.from({ length: 50 }, async (_, i) => await redis.append(prefix, i % 2 === 0 ? "a" : "b")),
    double(redis, 21),
    redis.multi().strlen(prefix).get(prefix).exec(),
    redis.get(`${prefix}-none`),
  ]);
  expect(stream.bytesWritten - stream.writableLength, "nothing has left yet").toBe(before);
  expect(stream.writableLength).toBeGreaterThan(50 * prefix.length);
  await turn();
  expect([stream.writableCorked, stream.writableLength]).toEqual([0, 0]);
  const [doubled, transaction, none] = (await replies).slice(50);
  expect([doubled, transaction, none]).toEqual([
    42,
    [
      [null, 50],
      [null, "ab".repeat(25)],
    ],
    null,
  ]);
  expect(await redis.get(prefix)).toBe("ab".repeat(25));
});

test("commands waiting on a broken connection fail, and later ones succeed", async () => {
  using connection = await open();
  const { redis } = connection;
  const held = [redis.ping(), redis.ping()];
  redis.stream.destroy();
  expect((await Promise.allSettled(held)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await new Promise((resolve) => redis.once("ready", resolve));
  expect(await redis.ping()).toBe("PONG");
});
