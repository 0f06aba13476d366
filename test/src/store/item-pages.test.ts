/** Pages of inputs and conversations equal pages of the whole list, without reading the whole list. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { newId } from "../../../src/protocol/id.ts";
import type { StoredInputItem } from "../../../src/protocol/item.ts";
import { paginate, type PageQuery } from "../../../src/protocol/list.ts";
import { sampleRecord } from "../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const said = (id: string, content: string): StoredInputItem => ({ type: "message", id, role: "user", content });
/** Characters of one to four bytes, so that byte offsets and character offsets differ. */
const LONG = ["a", "é", "語", "😀", '"\\n'].map((text, i) => said(`msg_${i}`, text.repeat(20_000)));
const TWICE = [...LONG, said("msg_1", "again"), said("msg_last", "end")];

const QUERIES: PageQuery[] = ["asc", "desc"].flatMap((order) =>
  [1, 2, 5, 100].flatMap((limit) =>
    [undefined, "msg_0", "msg_1", "msg_3", "msg_4", "msg_last", "msg_none", ""].map(
      (after) => ({ order, limit, after }) as PageQuery,
    ),
  ),
);

async function createWith(input: StoredInputItem[]): Promise<string> {
  const record = sampleRecord({ input });
  await storage.records.create(record);
  return record.id;
}

/** In either order, a cursor names the first of several items with one id. */
function expectedPage(items: readonly StoredInputItem[], query: PageQuery) {
  const named = items.map((item, index) => {
    const isFirst = items.findIndex(({ id }) => id === item.id) === index;
    return { item, id: isFirst ? item.id : `another ${index}` };
  });
  const page = paginate(named, query);
  return page && { data: page.data.map(({ item }) => item), has_more: page.has_more };
}

describe.each<[string, StoredInputItem[]]>([
  ["a long input", LONG],
  ["a long input with a repeated id", TWICE],
])("%s", (_name, input) => {
  test("pages equal those of reading the whole input", async () => {
    const id = await createWith(input);
    expect(await storage.redis.zcard(storage.layout.inputIndex(id))).toBe(input.length);
    for (const query of QUERIES) {
      const expected = expectedPage(input, query);
      const found = await storage.records.readInputPage(id, query);
      const shown = found.kind === "page" ? { data: found.page.data, has_more: found.page.has_more } : undefined;
      expect(shown).toEqual(expected);
    }
    expect(await storage.records.readInput(id)).toEqual(input);
  });
});

test.each([
  ["short", [said("msg_0", "Hello"), said("msg_1", "again")], false],
  ["written by a server without an index", LONG, true],
])("an input that is %s has the same pages", async (_name, input, isOld) => {
  const id = await createWith(input);
  if (isOld) await storage.redis.del(storage.layout.inputIndex(id));
  expect(await storage.redis.exists(storage.layout.inputIndex(id))).toBe(0);
  for (const query of QUERIES) {
    const page = paginate(input, query);
    expect(await storage.records.readInputPage(id, query)).toEqual(page ? { kind: "page", page } : { kind: "unknown" });
  }
});

test("an empty input is an empty page, and a deleted one is none", async () => {
  const query = { order: "asc", limit: 20 } as const;
  const empty = await storage.records.readInputPage(await createWith([]), query);
  expect(empty).toMatchObject({ kind: "page", page: { data: [], has_more: false } });
  expect(await storage.records.readInputPage(newId("resp"), query)).toEqual({ kind: "gone" });
});

test("a page of a long input reads only its own items", async () => {
  const id = await createWith(LONG);
  const key = storage.layout.input(id);
  const second = Number(await storage.redis.zscore(storage.layout.inputIndex(id), "msg_1"));
  await storage.redis.setrange(key, second, "no JSON");
  const page = await storage.records.readInputPage(id, { order: "desc", limit: 2, after: "msg_4" });
  expect(page).toMatchObject({ page: { data: [LONG[3], LONG[2]], has_more: true } });
});

test("the index is deleted with its response", async () => {
  const id = await createWith(LONG);
  const key = storage.layout.inputIndex(id);
  expect(await storage.redis.ttl(key)).toBeGreaterThan(60);
  await storage.records.erase(id, 0);
  expect(await storage.redis.exists(key)).toBe(0);
});

test("a page of a conversation reads only its own items", async () => {
  const id = newId("conv");
  const conversation = { id, object: "conversation", created_at: 1_700_000_000, metadata: {} } as const;
  await storage.conversations.create(conversation, "default", LONG);
  for (const query of QUERIES) {
    expect(await storage.conversations.readPage(id, query)).toEqual(paginate(LONG, query));
  }
  await storage.redis.hset(storage.layout.conversationItems(id), "msg_1", "no JSON");
  const page = await storage.conversations.readPage(id, { order: "asc", limit: 2, after: "msg_1" });
  expect(page).toMatchObject({ data: [LONG[2], LONG[3]], has_more: true });
});
