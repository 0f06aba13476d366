import { expect, test } from "vitest";
import { WorkerRegistry } from "../../../src/store/worker-registry.ts";
import { openTestStorage } from "../../support/storage.ts";

const details = {
  version: "1.2.3",
  startedAtMs: 5,
  queues: { foreground: { slots: 2, used: 0 }, background: { slots: 3, used: 1 } },
};

test("a live worker counts until it is removed", async () => {
  await using storage = await openTestStorage();
  const { workers, clock } = storage;
  expect([await workers.countAll(), await workers.list()]).toEqual([{ foreground: 0, background: 0 }, []]);
  expect(await workers.announce("b:1", details)).toBe(true);
  expect(await workers.announce("a:1", details)).toBe(true);
  expect(await workers.countAll()).toEqual({ foreground: 2, background: 2 });
  const listed = await workers.list();
  expect(listed).toEqual([
    { id: "a:1", seenAtMs: expect.any(Number), ...details },
    { id: "b:1", seenAtMs: expect.any(Number), ...details },
  ]);
  expect(Math.abs(listed[0]!.seenAtMs - clock.nowMs())).toBeLessThan(5_000);
  await workers.remove("a:1");
  expect(await workers.countAll()).toEqual({ foreground: 1, background: 1 });
  expect((await workers.list()).map(({ id }) => id)).toEqual(["b:1"]);
});

test("a worker without slots does not count", async () => {
  await using storage = await openTestStorage();
  const queues = { ...details.queues, foreground: { slots: 0, used: 0 } };
  await storage.workers.announce("a:1", { ...details, queues });
  expect(await storage.workers.countAll()).toEqual({ foreground: 0, background: 1 });
  expect(await storage.workers.list()).toHaveLength(1);
});

test("a silent worker vanishes by Redis's clock", async () => {
  await using storage = await openTestStorage();
  const { workers, redis, layout, clock } = storage;
  await workers.announce("silent:1", details);
  const later = new WorkerRegistry(redis, layout, { nowMs: () => clock.nowMs() + 9_000 });
  expect([await later.countAll(), await later.list()]).toEqual([{ foreground: 0, background: 0 }, []]);
  // As if it had been silent for as long. The next announcement of any worker removes what it left.
  for (const queue of ["foreground", "background"]) await redis.zadd(layout.workersOf(queue), "XX", 1, "silent:1");
  await workers.announce("a:1", details);
  expect(await redis.hkeys(layout.workers)).toEqual(["a:1"]);
  expect(await redis.zrange(layout.workersOf("background"), 0, "-1")).toEqual(["a:1"]);
});

test("the keys of workers that are all gone expire", async () => {
  await using storage = await openTestStorage();
  const { workers, redis, layout } = storage;
  await workers.announce("a:1", details);
  for (const key of [layout.workers, layout.workersOf("foreground"), layout.workersOf("background")]) {
    const leftMs = await redis.pttl(key);
    expect([leftMs > 0, leftMs <= 8_000]).toEqual([true, true]);
  }
});

test("a full registry lists no further worker", async () => {
  await using storage = await openTestStorage();
  const { workers, redis, layout } = storage;
  await workers.announce("a:1", details);
  const others = Array.from({ length: 999 }, (_, i) => [`other:${i}`, "{}"]).flat();
  await redis.hset(layout.workers, ...others);
  expect(await workers.announce("b:1", details)).toBe(false);
  expect(await workers.announce("a:1", details)).toBe(true);
});
