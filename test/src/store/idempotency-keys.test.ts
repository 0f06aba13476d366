import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

test("a key is bound for a day, and free after it", async () => {
  const hash = storage.idempotency.hashKey("default", "daily");
  await storage.idempotency.claim(hash, { input: "a" }, "resp_1");
  const seconds = await storage.redis.ttl(storage.layout.idempotency(hash));
  expect(seconds).toBeGreaterThan(23 * 60 * 60);
  expect(seconds).toBeLessThanOrEqual(24 * 60 * 60);
});

test("a rebound key is not released by its former response", async () => {
  const hash = storage.idempotency.hashKey("default", "bound");
  await storage.idempotency.claim(hash, { input: "a" }, "resp_new");
  await storage.idempotency.release(hash, "resp_old");
  expect(await storage.idempotency.claim(hash, { input: "a" }, "resp_3")).toEqual({ kind: "replay", id: "resp_new" });
  await storage.idempotency.release(hash, "resp_new");
  expect(await storage.idempotency.claim(hash, { input: "b" }, "resp_4")).toEqual({ kind: "first", id: "resp_4" });
});
