import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

test("an item in many responses is found in the newest eight, newest first", async () => {
  const owners = Array.from({ length: 11 }, (_, i) => `resp_${i}`);
  for (const owner of owners) await storage.itemIndex.add("default", owner, ["msg_many"], 60);
  expect(await storage.itemIndex.findOwners("default", "msg_many")).toEqual(owners.toReversed().slice(0, 8));
});

test("an owner named again is the newest, and is listed once", async () => {
  for (const owner of ["resp_a", "resp_b", "resp_a"]) await storage.itemIndex.add("default", owner, ["msg_again"], 60);
  expect(await storage.itemIndex.findOwners("default", "msg_again")).toEqual(["resp_a", "resp_b"]);
});

test("an item is known as long as its longest-lived owner", async () => {
  await storage.itemIndex.add("default", "resp_long", ["msg_lives"], 1_000);
  await storage.itemIndex.add("default", "resp_short", ["msg_lives"], 10);
  expect(await storage.redis.ttl(storage.layout.itemIndex("default", "msg_lives"))).toBeGreaterThan(900);
  expect(await storage.itemIndex.findOwners("another", "msg_lives")).toEqual([]);
});
