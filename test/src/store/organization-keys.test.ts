import { expect, test } from "vitest";
import { OrganizationKeys } from "../../../src/store/organization/organization-keys.ts";
import { openTestStorage } from "../../support/storage.ts";

const PROJECT = { id: "lab", isOfEnvironment: true };
const HASH = Buffer.alloc(32, 7);
const START_MS = 1_800_000_000_000;

test("the use of a key is noted once a minute, and not after its deletion", async () => {
  await using storage = await openTestStorage();
  let nowMs = START_MS;
  const keys = new OrganizationKeys(storage.redis, storage.layout, { nowMs: () => nowMs });
  await keys.createAccount(PROJECT, "svc_1", { name: "worker", created_at: 1, role: "member" });
  const key = { account: "svc_1", name: "worker", created_at: 1, expires_at: 1_900_000_000, redacted: "sk***" };
  await keys.createKey(PROJECT, "key_1", { ...key, hash: HASH.toString("hex") });
  /** Commands of one connection are executed in order. */
  const useAndRead = async (atMs: number) => {
    nowMs = atMs;
    expect(await keys.find(HASH)).toEqual({ project: "lab", keyId: "key_1" });
    return await keys.listKeys("lab");
  };
  const used = (atMs: number) => [{ id: "key_1", ...key, hash: HASH.toString("hex"), last_used_at: atMs / 1_000 }];
  expect(await keys.listKeys("lab")).toEqual([{ id: "key_1", ...key, hash: HASH.toString("hex") }]);
  expect(await useAndRead(START_MS)).toEqual(used(START_MS));
  expect(await useAndRead(START_MS + 59_000)).toEqual(used(START_MS));
  expect(await useAndRead(START_MS + 61_000)).toEqual(used(START_MS + 61_000));

  nowMs = START_MS + 200_000;
  const [found] = await Promise.all([keys.find(HASH), keys.deleteKey("lab", "key_1")]);
  expect(found).toBeDefined();
  expect(await keys.listKeys("lab")).toEqual([]);
});
