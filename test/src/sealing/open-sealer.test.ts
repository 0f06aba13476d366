import { createSecretKey, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { UnreadableContentError } from "../../../src/sealing/content-sealer.ts";
import { openSealer } from "../../../src/sealing/open-sealer.ts";
import { openTestStorage, silentLogger, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const open = (...keys: Buffer[]) =>
  openSealer(
    storage.redis,
    storage.layout,
    keys.map((key) => createSecretKey(key)),
    silentLogger,
  );

test("processes without a configured key share one, even when started together", async () => {
  await storage.redis.del(storage.layout.sealingKey);
  const sealers = await Promise.all(Array.from({ length: 8 }, () => open()));
  const text = sealers[0]!.seal("alpha", "reasoning", "shared");
  for (const sealer of [...sealers, await open()]) expect(sealer.unseal("alpha", "reasoning", text)).toBe("shared");
  expect(await storage.redis.ttl(storage.layout.sealingKey)).toBe(-1);
});

test("a configured key seals, and older content still opens", async () => {
  const before = (await open()).seal("alpha", "reasoning", "before");
  const key = randomBytes(32);
  const configured = await open(key);
  expect(configured.unseal("alpha", "reasoning", before)).toBe("before");
  const after = configured.seal("alpha", "reasoning", "after");
  expect((await open(key)).unseal("alpha", "reasoning", after)).toBe("after");
  const withoutIt = await open();
  expect(() => withoutIt.unseal("alpha", "reasoning", after)).toThrow(UnreadableContentError);
});

test("a configured key creates none in Redis", async () => {
  await storage.redis.del(storage.layout.sealingKey);
  await open(randomBytes(32));
  expect(await storage.redis.exists(storage.layout.sealingKey)).toBe(0);
});

test("an invalid key in Redis is named only by where it is", async () => {
  await storage.redis.set(storage.layout.sealingKey, "c2hvcnQgc2VjcmV0");
  const message = await open().catch((error: unknown) => String(error));
  expect(message).toContain(storage.layout.sealingKey);
  expect(message).not.toContain("c2hvcnQ");
  await storage.redis.del(storage.layout.sealingKey);
});
