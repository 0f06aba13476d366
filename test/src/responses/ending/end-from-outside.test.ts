/** Ending a response from outside: its worker is stopped, and a deleted response leaves no keys. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../../../src/redis/connect.ts";
import { eraseResponse } from "../../../../src/responses/ending/erase-response.ts";
import { endFromOutside } from "../../../../src/responses/ending/end-from-outside.ts";
import { WorkerControl } from "../../../../src/queue/worker-control.ts";
import { testRedisUrl } from "../../../support/redis.ts";
import { sampleRecord } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage, silentLogger, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

test("the worker is notified before it could see its lost lease", async () => {
  const subscriber = await connect({ url: testRedisUrl(), cluster: false }, "patient", "control", silentLogger);
  const { promise: aborted, resolve } = Promise.withResolvers<string>();
  await WorkerControl.listen(subscriber, storage.layout, resolve);
  const { id } = await createLeasedResponse(storage, sampleRecord());
  await endFromOutside(storage, id, "cancel");
  expect(await aborted).toBe(id);
  subscriber.disconnect();
});

describe("deletion", () => {
  const keysOf = async (id: string) => (await storage.redis.keys(`*${id}*`)).toSorted();

  test("during the run, keeps only the log until open streams have ended", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    await storage.journals.writeCallStart(id, lease, "call_1");
    await eraseResponse(storage, id, (await storage.records.read(id))!);
    expect(await storage.records.read(id)).toBeUndefined();
    expect((await storage.visibleLogReader.readLast(id))?.data).toMatch(/^\{"type":"response.failed"/);
    const { events, meta } = storage.layout;
    expect(await keysOf(id)).toEqual([events(id), meta(id)]);
    for (const key of [events(id), meta(id)]) {
      const seconds = await storage.redis.ttl(key);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(30);
    }
  });

  test("after the end, leaves nothing, tool calls included", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    await storage.journals.writeCallStart(id, lease, "call_1");
    await endFromOutside(storage, id, "cancel");
    await eraseResponse(storage, id, (await storage.records.read(id))!);
    expect(await keysOf(id)).toEqual([]);
  });
});
