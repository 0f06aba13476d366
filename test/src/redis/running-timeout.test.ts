/** The timeout counts only while this process listens for replies. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, isRedisUnavailable } from "../../../src/redis/connect.ts";
import type { RedisClient } from "../../../src/redis/script.ts";
import { testRedisUrl, uniquePrefix } from "../../support/redis.ts";
import { silentLogger } from "../../support/storage.ts";

/** Longer than a request waits for Redis (connect.ts). */
const BLOCKED_MS = 6_000;

let redis: RedisClient;
beforeAll(async () => {
  redis = await connect({ url: testRedisUrl(), cluster: false }, "request", "test", silentLogger);
});
afterAll(() => redis.disconnect());

/** Blocks the thread, as parsing megabytes does. */
const blockEventLoop = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCKED_MS);

test("a command sent before the event loop blocked gets its reply", async () => {
  const key = uniquePrefix();
  await redis.set(key, "kept", "EX", 60);
  const unsent = redis.get(key);
  blockEventLoop();
  expect(await unsent).toBe("kept");
  const sent = redis.get(key);
  // Sent after this turn's writes: the reply arrives while the loop is blocked.
  const written = new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  const blocked = written.then(blockEventLoop);
  expect(await sent).toBe("kept");
  await blocked;
});

test("a command without an answer fails as Redis unavailable", async () => {
  const error: unknown = await redis.blpop(uniquePrefix(), 0).catch((each: unknown) => each);
  expect(error).toMatchObject({ message: "Command timed out" });
  expect(isRedisUnavailable(error)).toBe(true);
});
