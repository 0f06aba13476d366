/** The unanswered calls of a conversation, after any additions and deletions. */
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findUnansweredCalls } from "../../../src/lifecycle/unanswered-calls.ts";
import type { ConversationItem } from "../../../src/protocol/conversation.ts";
import { newId } from "../../../src/protocol/id.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => await storage[Symbol.asyncDispose]());

const SEED = 11;
const RUNS = 60;

const callId = fc.constantFrom("a", "b", "c");
const status = fc.constantFrom("completed" as const, "incomplete" as const);
const item: fc.Arbitrary<(id: string) => ConversationItem> = fc.oneof(
  fc.tuple(callId, status, fc.boolean()).map(([call_id, ended, isAsync]) => (id: string) => ({
    type: "function_call" as const,
    id,
    call_id,
    name: "f",
    arguments: "{}",
    status: ended,
    ...(isAsync && { async: true }),
  })),
  callId.map((call_id) => (id: string) => ({ type: "function_call_output" as const, id, call_id, output: "1" })),
  fc.constant((id: string) => ({ type: "message" as const, id, role: "user" as const, content: "a" })),
);
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("add" as const), items: fc.array(item, { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), index: fc.nat() }) },
);

test("unanswered calls equal those of reading all items", async () => {
  const { conversations } = storage;
  for (const steps of fc.sample(fc.array(step, { maxLength: 12 }), { seed: SEED, numRuns: RUNS })) {
    const id = newId("conv");
    await conversations.create({ id, object: "conversation", created_at: 1, metadata: {} }, "default", []);
    let added = 0;
    for (const each of steps) {
      const items = await conversations.readItems(id);
      if (each.kind === "add") {
        await conversations.add(
          id,
          each.items.map((make) => make(`item_${(added += 1)}`)),
        );
      } else if (items.length > 0) await conversations.removeItem(id, items[each.index % items.length]!.id);
    }
    const all = await conversations.readItems(id);
    const expected = new Set(findUnansweredCalls(all));
    expect(new Set(await conversations.readUnansweredCalls(id))).toEqual(expected);
    const answered = new Set(all.map((each) => (each.type === "function_call_output" ? each.call_id : "")));
    const unanswered = ["a", "b", "c"].find((name) => !answered.has(name));
    expect(await conversations.findUnansweredCall(id, ["a", "b", "c"])).toBe(unanswered);
  }
});

test("erasing a conversation leaves nothing", async () => {
  const { conversations, redis } = storage;
  const id = newId("conv");
  const call = { type: "function_call", id: "fc_1", call_id: "a", name: "f", arguments: "{}" } as const;
  const conversation = { id, object: "conversation", created_at: 1, metadata: {} } as const;
  await conversations.create(conversation, "default", [call]);
  expect(await conversations.readUnansweredCalls(id)).toEqual(["a"]);
  await conversations.erase(id);
  expect(await redis.keys(`*${id}*`)).toEqual([]);
});
