/** A large record is written in many steps and appears in one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../src/protocol/id.ts";
import type { StoredInputItem } from "../../../src/protocol/item.ts";
import { sampleRecord } from "../../support/samples.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

const message = (content: string, i = 0): StoredInputItem => ({
  type: "message",
  role: "user",
  content,
  id: `msg_${i}`,
});
const manyItems = Array.from({ length: 5_000 }, (_, i) => message("a", i));
/** Long enough that, with one character more or less before it, a cut would split a surrogate pair. */
const birds = (before: string): StoredInputItem[] => [message(before), message("\u{1f426}".repeat(1_000_000), 1)];

const partsOf = async (id: string): Promise<string[]> => {
  const keys = await storage.redis.call("KEYS", `*${id}*`);
  return (keys as string[]).map((key) => key.slice(key.indexOf("}:") + 2)).toSorted();
};

test.each<[string, StoredInputItem[]]>([
  ["of many items", manyItems],
  ["of a long text", birds("")],
  ["of a long text after one more character", birds("x")],
])("a record %s is complete, and expires like any other", async (_name, input) => {
  const id = newId("resp");
  const small = sampleRecord({ id: newId("resp") });
  const record = { ...small, id, input };
  expect(await storage.records.create(small)).toBe(true);
  expect(await storage.records.create(record)).toBe(true);
  expect(await partsOf(id)).toEqual(["events", "input", "input-index", "meta", "request"]);
  expect(await storage.records.readInput(id)).toEqual(input);
  expect(await storage.records.readRequest(id)).toEqual(record.request);
  const { bytes: _bytes, ...read } = (await storage.records.read(id))!;
  expect(await storage.records.read(small.id)).toMatchObject(read);
  expect((await storage.visibleLogReader.readPage(id, 0)).events.map(({ data }) => data)).toEqual(record.events);
  const { events, input: inputKey, request, inputIndex } = storage.layout;
  for (const key of [events(id), inputKey(id), request(id)]) expect(await storage.redis.ttl(key)).toBe(-1);
  expect(await storage.redis.ttl(inputIndex(id))).toBeGreaterThan(0);
  const last = { type: "message", id: input.at(-1)!.id };
  const page = await storage.records.readInputPage(id, { limit: 1, order: "desc" });
  expect(page).toMatchObject({ page: { data: [last], has_more: true } });
  expect(JSON.parse((await storage.records.readInputItem(id, last.id))!)).toMatchObject(last);
  expect(await storage.records.readInputItem(id, "msg_unknown")).toBeUndefined();
});

test("of two concurrent writes under one id, one appears complete", async () => {
  const id = newId("resp");
  const inputs = ["a", "b"].map((content) => manyItems.map((item) => ({ ...item, content }) as StoredInputItem));
  const created = await Promise.all(inputs.map((input) => storage.records.create({ ...sampleRecord({ id }), input })));
  expect(created.filter((isNew) => isNew)).toHaveLength(1);
  expect(await storage.records.readInput(id)).toEqual(inputs[created.indexOf(true)]);
  expect(await partsOf(id)).toEqual(["events", "input", "input-index", "meta", "request"]);
});
