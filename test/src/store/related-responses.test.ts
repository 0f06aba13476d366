/** Which related response moves forward, and how many in a row. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../src/protocol/id.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

const NOW_MS = Date.now();
const HOUR_MS = 60 * 60_000;
const LONGEST_ROW = 16;

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

function continuationOf(project = "default", continuationId = newId("req")) {
  const of = (id: string) => ({ id, project, continuationId });
  const { relatedResponses } = storage;
  return {
    continuationId,
    join: (id: string, startsInMs = HOUR_MS, nowMs = NOW_MS) =>
      relatedResponses.addWaiting(of(id), NOW_MS + startsInMs, nowMs),
    begin: (id: string, nowMs = NOW_MS) => relatedResponses.markRunning(of(id), NOW_MS + 10 * HOUR_MS, nowMs),
    leave: (id: string, nowMs = NOW_MS) => relatedResponses.markEnded(of(id), nowMs),
  };
}

test("responses wait, and one that begins brings the most urgent", async () => {
  const { join, begin } = continuationOf();
  expect(await join("late", 2 * HOUR_MS)).toBeUndefined();
  expect(await join("early", HOUR_MS)).toBeUndefined();
  expect(await begin("first")).toBe("early");
  expect(await begin("early")).toBe("late");
  expect(await begin("late")).toBeUndefined();
});

test("one that comes during a run, or ten minutes after, is brought forward once", async () => {
  const { join, begin, leave } = continuationOf();
  const endMs = NOW_MS + 2 * HOUR_MS;
  await begin("first");
  expect(await join("during", 8 * HOUR_MS, endMs)).toBe("during");
  await leave("first", endMs);
  expect(await join("soon after", 8 * HOUR_MS, endMs + 9 * 60_000)).toBe("soon after");
  expect(await join("later", 8 * HOUR_MS, endMs + 10 * 60_000)).toBeUndefined();
});

test("one that ended without beginning brings and is brought by none", async () => {
  const { join, begin, leave } = continuationOf();
  await join("cancelled");
  await leave("cancelled");
  expect(await join("next")).toBeUndefined();
  expect(await begin("first")).toBe("next");
  expect(await begin("first")).toBeUndefined();
});

test("of two running, one end keeps the other's prompt warm", async () => {
  const { join, begin, leave } = continuationOf();
  await begin("short");
  await begin("long");
  await leave("short");
  expect(await join("next", 5 * HOUR_MS, NOW_MS + HOUR_MS)).toBe("next");
});

test("sixteen come in a row; the next waits its turn and begins a row", async () => {
  const { join, begin } = continuationOf();
  const names = Array.from({ length: 2 * LONGEST_ROW + 3 }, (_, i) => `r${i}`);
  for (const [i, name] of names.entries()) await join(name, HOUR_MS + i);
  const rows: string[][] = [];
  while (names.length > 0) {
    const row = [names.shift()!];
    for (let next = await begin(row[0]!); next !== undefined; next = await begin(next)) {
      row.push(next);
      names.splice(names.indexOf(next), 1);
    }
    rows.push(row);
  }
  expect(rows.map((row) => row.length)).toEqual([1 + LONGEST_ROW, 1 + LONGEST_ROW, 1]);
});

test("one about to be promoted is left in place", async () => {
  const { join, begin } = continuationOf();
  await join("due", 30_000);
  await join("not due", 2 * 60_000);
  expect(await begin("first")).toBe("not due");
  expect(await begin("not due")).toBeUndefined();
});

test("another project or name is unrelated; no two pairs share keys", async () => {
  const { begin, continuationId } = continuationOf("alpha");
  await continuationOf("beta", continuationId).join("foreign");
  await continuationOf("alpha", `${continuationId}2`).join("other");
  expect(await begin("first")).toBeUndefined();
  await continuationOf('a","b', "c").join("odd");
  expect(await continuationOf("a", 'b","c').begin("first")).toBeUndefined();
});

test("its keys expire by themselves", async () => {
  const { join, begin } = continuationOf("expiring");
  const keysNow = async () => new Set(await storage.redis.keys(`${storage.layout.prefix}:{continuation:*`));
  const before = await keysNow();
  await join("a");
  await join("b");
  await begin("first");
  const keys = [...(await keysNow()).difference(before)];
  expect(new Set(keys.map((key) => key.split(":").at(-1)))).toEqual(new Set(["row", "waiting", "warm"]));
  for (const key of keys) expect(await storage.redis.pttl(key)).toBeGreaterThan(0);
});
