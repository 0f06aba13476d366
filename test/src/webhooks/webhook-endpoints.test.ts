import { createSecretKey, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSealer } from "../../../src/sealing/open-sealer.ts";
import { WebhookDeliveries } from "../../../src/store/webhook-deliveries.ts";
import { WebhookEndpointStore } from "../../../src/store/webhook-endpoints.ts";
import { WebhookEndpoints } from "../../../src/webhooks/webhook-endpoints.ts";
import { openTestStorage, silentLogger, type TestStorage } from "../../support/storage.ts";

const FIELDS = { name: "Test", url: "https://example.com/", event_types: ["response.failed" as const] };

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

/** The endpoints as a process with these ENCRYPTION_KEYS sees them, at a time in the future. */
async function openEndpoints(keys: Buffer[], laterMs = 0): Promise<WebhookEndpoints> {
  const { redis, layout } = storage;
  const configured = keys.map((key) => createSecretKey(key));
  return new WebhookEndpoints({
    store: new WebhookEndpointStore(redis, layout),
    deliveries: new WebhookDeliveries(redis, layout),
    sealer: await openSealer(redis, layout, configured, silentLogger),
    clock: { nowMs: () => storage.clock.nowMs() + laterMs },
    operatorEndpoints: [],
    environment: {},
  });
}

test("a secret survives a rotation of the encryption keys", async () => {
  const [old, next] = [randomBytes(32), randomBytes(32)];
  const created = await (await openEndpoints([old])).create("alpha", FIELDS, 10);
  const secretsOf = async (keys: Buffer[]) =>
    (await (await openEndpoints(keys)).findTarget("alpha", created!.id))?.secrets;
  expect(await secretsOf([next])).toEqual([]);
  expect(await secretsOf([next, old])).toEqual([created!.signing_secret]);
  expect(await secretsOf([next])).toEqual([created!.signing_secret]);
});

test("an old secret signs for 24 hours", async () => {
  const endpoints = await openEndpoints([]);
  const created = (await endpoints.create("alpha", FIELDS, 10))!;
  const rotated = await endpoints.rotateSecret("alpha", created.id, { keepsOld: true });
  if (rotated.kind !== "found") throw new Error(rotated.kind);
  const secretsAfter = async (hours: number) =>
    (await (await openEndpoints([], hours * 3_600_000)).findTarget("alpha", created.id))?.secrets;
  const both = [rotated.endpoint.signing_secret, created.signing_secret];
  expect(await secretsAfter(23.9)).toEqual(both);
  expect(await secretsAfter(24.1)).toEqual(both.slice(0, 1));
});

test("a rotation without overlap ends every old secret", async () => {
  const endpoints = await openEndpoints([]);
  const { id } = (await endpoints.create("alpha", FIELDS, 10))!;
  await endpoints.rotateSecret("alpha", id, { keepsOld: true });
  const last = await endpoints.rotateSecret("alpha", id, { keepsOld: false });
  if (last.kind !== "found") throw new Error(last.kind);
  expect((await endpoints.findTarget("alpha", id))?.secrets).toEqual([last.endpoint.signing_secret]);
});

test("changes at the same time are all kept", async () => {
  const endpoints = await openEndpoints([]);
  const { id } = (await endpoints.create("alpha", FIELDS, 10))!;
  await Promise.all([
    endpoints.update("alpha", id, { name: "Renamed" }),
    endpoints.update("alpha", id, { url: "https://example.com/other" }),
    endpoints.update("alpha", id, { event_types: ["response.completed"] }),
  ]);
  expect(await endpoints.find("alpha", id)).toMatchObject({
    endpoint: { name: "Renamed", url: "https://example.com/other", event_types: ["response.completed"] },
  });
});

test("an unchanged update does not advance the time of the change", async () => {
  const created = (await (await openEndpoints([])).create("alpha", FIELDS, 10))!;
  const later = await openEndpoints([], 5_000);
  expect(await later.update("alpha", created.id, FIELDS)).toMatchObject({
    endpoint: { updated_at: created.updated_at },
  });
  expect(await later.update("alpha", created.id, { name: "Renamed" })).toMatchObject({
    endpoint: { updated_at: created.updated_at + 5 },
  });
});

test("a try at a former URL disables nothing", async () => {
  const endpoints = await openEndpoints([]);
  const { id } = (await endpoints.create("alpha", FIELDS, 10))!;
  await endpoints.update("alpha", id, { url: "https://example.com/new" });
  expect(await endpoints.disable("alpha", id, FIELDS.url, "gone")).toBe(false);
  expect(await endpoints.disable("alpha", id, "https://example.com/new", "gone")).toBe(true);
});
