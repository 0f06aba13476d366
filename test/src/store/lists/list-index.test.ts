/** The index of a list, against a list that is kept in memory. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../../src/protocol/id.ts";
import { compareInList, ListIndex, type Listing } from "../../../../src/store/lists/list-index.ts";
import { type ListPosition, readListChunk } from "../../../../src/store/lists/page-script.ts";
import { seededRandom } from "../../../support/random.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

const newRoot = (): string => `{${storage.layout.inFlight}}:${newId("item", 8)}`;
const openIndex = (root = newRoot()): ListIndex => new ListIndex(storage.redis, root);
const listing = (createdAtMs: number, fields: Partial<Listing> = {}): Listing => ({
  createdAtMs,
  tokens: [],
  revision: 0,
  expiresAtMs: undefined,
  ...fields,
});
const idsOf = (positions: readonly ListPosition[]) => positions.map(({ id }) => id);
const NEWEST_FIRST = { order: "desc", filters: [] } as const;

interface Entry extends ListPosition {
  project: string;
  tokens: string[];
}

/** Many entries share a millisecond. A project's name may contain what separates the parts of a key. */
async function fill(index: ListIndex, count: number, random: () => number): Promise<Entry[]> {
  const projects = ["alpha", "beta", "beta:all", "gamma"];
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const entries = Array.from({ length: count }, (_, i): Entry => {
    const tokens = [pick(["red", "green", "blue"]), pick([".large", ".small"])];
    return { id: `x_${i}`, createdAtMs: Math.floor(random() * 30), project: pick(projects), tokens };
  });
  await Promise.all(
    entries.map(({ id, project, createdAtMs, tokens }) => index.add(project, id, listing(createdAtMs, { tokens }))),
  );
  return entries;
}

test.each([1, 2, 3])("every search finds what matches, in order (seed %i)", async (seed) => {
  const random = seededRandom(seed);
  const index = openIndex();
  const entries = await fill(index, 400, random);
  const filters = [[], [["red"]], [["red", "blue"]], [["green"], [".large"]], [[".small"]], [["violet"]]];
  for (let round = 0; round < 60; round += 1) {
    const order = random() < 0.5 ? "asc" : "desc";
    const project = random() < 0.4 ? undefined : "beta";
    const chosen = filters[round % filters.length]!;
    const some = (): ListPosition | undefined =>
      random() < 0.5 ? undefined : { id: `x_${Math.floor(random() * 400)}`, createdAtMs: Math.floor(random() * 30) };
    const [start, stop] = [some(), some()];
    const expected = entries
      .filter((entry) => project === undefined || entry.project === project)
      .filter((entry) => chosen.every((filter) => filter.some((token) => entry.tokens.includes(token))))
      .filter((entry) => start === undefined || compareInList(order, start, entry) < 0)
      .filter((entry) => stop === undefined || compareInList(order, entry, stop) < 0)
      .toSorted((a, b) => compareInList(order, a, b));
    const count = 1 + Math.floor(random() * 40);
    const found = await index.find({ project, filters: chosen, order, start, stop }, count);
    expect(idsOf(found)).toEqual(idsOf(expected.slice(0, count)));
  }
});

test("pages show each entry once while others come and go", async () => {
  const index = openIndex();
  const random = seededRandom(7);
  const stable = Array.from({ length: 300 }, (_, i) => ({ id: `old_${i}`, createdAtMs: i }));
  for (const { id, createdAtMs } of stable) await index.add("p", id, listing(createdAtMs));
  const seen: string[] = [];
  let start: ListPosition | undefined;
  for (let round = 0; ; round += 1) {
    const page = await index.find({ ...NEWEST_FIRST, project: "p", start }, 7);
    seen.push(...idsOf(page));
    start = page.at(-1) ?? start;
    if (page.length < 7) break;
    const passing = `new_${round}`;
    await index.add("p", passing, listing(Math.floor(random() * 600)));
    if (random() < 0.5) await index.remove("p", passing);
    await index.remove("p", start!.id);
  }
  expect(seen).toHaveLength(new Set(seen).size);
  expect(seen.filter((id) => id.startsWith("old_"))).toEqual(idsOf(stable.toReversed()));
});

test("a removed entry keeps its position, until too many follow it", async () => {
  const index = openIndex();
  await index.add("p", "first", listing(1));
  await index.remove("p", "first");
  expect(await index.find({ ...NEWEST_FIRST, project: "p" }, 5)).toEqual([]);
  expect(await index.findPosition("p", "first")).toEqual({ id: "first", createdAtMs: 1 });
  expect(await index.findPosition("q", "first")).toBeUndefined();
  for (let from = 0; from < 10_000; from += 500) {
    const ids = Array.from({ length: 500 }, (_, i) => `later_${from + i}`);
    await Promise.all(ids.map((id) => index.add("p", id, listing(2)).then(() => index.remove("p", id))));
  }
  expect(await index.findPosition("p", "first")).toBeUndefined();
});

test("expired entries disappear by themselves, and leave nothing", async () => {
  const root = newRoot();
  const index = openIndex(root);
  const expiresAtMs = storage.clock.nowMs() - 1_000;
  for (let i = 0; i < 500; i += 1) await index.add("p", `x_${i}`, listing(i, { tokens: ["red"], expiresAtMs }));
  await index.trim();
  expect(await index.find({ ...NEWEST_FIRST, project: "p" }, 5)).toEqual([]);
  expect(await index.findPosition("p", "x_3")).toEqual({ id: "x_3", createdAtMs: 3 });
  // The positions of removed entries are kept for an hour.
  const removed = `${root}:removed:p`;
  for (const id of await storage.redis.zrange(removed, "0", "-1")) {
    await storage.redis.zadd(removed, expiresAtMs - 3_600_000, id);
  }
  await index.trim();
  expect(await storage.redis.keys(`${root}:*`)).toEqual([]);
});

test("a list passes expired entries without a sweeper", async () => {
  const index = openIndex();
  const expiresAtMs = storage.clock.nowMs() - 1_000;
  for (let i = 0; i < 250; i += 1) await index.add("p", `x_${i}`, listing(10 + i, { expiresAtMs }));
  await index.add("p", "kept", listing(1));
  let found: ListPosition[] = [];
  for (let page = 0; page < 4; page += 1) found = await index.find({ ...NEWEST_FIRST, project: "p" }, 5);
  expect(idsOf(found)).toEqual(["kept"]);
});

test("an older revision never replaces a newer one, nor a removal", async () => {
  const index = openIndex();
  const find = async (token: string) => idsOf(await index.find({ project: "p", order: "asc", filters: [[token]] }, 5));
  await index.add("p", "x", listing(1, { tokens: ["second"], revision: 2 }));
  await index.add("p", "x", listing(1, { tokens: ["first"], revision: 1 }));
  expect([await find("first"), await find("second")]).toEqual([[], ["x"]]);
  await index.remove("p", "x");
  await index.add("p", "x", listing(1, { tokens: ["third"], revision: 3 }));
  expect(await find("third")).toEqual([]);
});

test("a rare match among many is found in short steps", async () => {
  const root = newRoot();
  const index = openIndex(root);
  const entries = Array.from({ length: 5_000 }, (_, i) => ({
    id: `x_${i}`,
    createdAtMs: i,
    tokens: ["red", i === 10 ? ".rare" : ".common"],
  }));
  for (let from = 0; from < entries.length; from += 500) {
    const page = entries.slice(from, from + 500);
    await Promise.all(page.map(({ id, createdAtMs, tokens }) => index.add("p", id, listing(createdAtMs, { tokens }))));
  }
  const search = { order: "desc", filters: [[".rare"]], start: undefined, stop: undefined } as const;
  const chunk = await readListChunk(storage.redis, root, { projects: ["p"], ...search }, 21, 500);
  expect(chunk).toEqual({ found: [], next: { id: "x_4500", createdAtMs: 4_500 } });
  expect(idsOf(await index.find({ project: "p", ...search }, 21))).toEqual(["x_10"]);
});
