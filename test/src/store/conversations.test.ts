/** The keys of a conversation after concurrent or interrupted steps. */
import { describe, expect, test, vi } from "vitest";
import type { ConversationItem } from "../../../src/protocol/conversation.ts";
import { newId } from "../../../src/protocol/id.ts";
import { callMarkOf } from "../../../src/store/conversation-calls.ts";
import { stageItemsScript } from "../../../src/store/conversation-scripts.ts";
import { countItemBytes } from "../../../src/store/conversations.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";

test("metadata set after erasure restores nothing", async () => {
  await using storage = await openTestStorage();
  const { conversations } = storage;
  const id = newId("conv");
  await conversations.create({ id, object: "conversation", created_at: 1, metadata: {} }, "default", []);
  expect(await conversations.setMetadata(id, { topic: "herons" })).toBe(true);
  await conversations.erase(id);
  expect(await conversations.setMetadata(id, { topic: "reeds" })).toBe(false);
  expect(await conversations.readOwned(id, "default")).toBeUndefined();
});

test("a conversation is created with its items in one command", async () => {
  await using storage = await openTestStorage();
  const { conversations, redis } = storage;
  const id = newId("conv");
  const items = ["one", "two"].map((content) => ({
    type: "message" as const,
    role: "user" as const,
    content,
    id: newId("msg"),
  }));
  // The first call of a script also sends its text.
  const fields = { object: "conversation" as const, created_at: 1, metadata: {} };
  await conversations.create({ ...fields, id: newId("conv") }, "default", items);
  const sent = vi.spyOn(redis, "sendCommand");
  await conversations.create({ id, object: "conversation", created_at: 1, metadata: { a: "b" } }, "default", items);
  expect(sent.mock.calls).toHaveLength(1);
  expect(await conversations.readItems(id)).toEqual(items);
  expect(await conversations.readOwned(id, "default")).toMatchObject({ metadata: { a: "b" }, lock: "", createdAt: 1 });
});

describe("a turn of 5,000 items", () => {
  const turn: ConversationItem[] = Array.from({ length: 5_000 }, (_, i) =>
    i % 2 === 0
      ? { type: "message", role: "user", content: "a", id: `msg_${i}` }
      : { type: "function_call", call_id: `call_${i}`, name: "f", arguments: "{}", id: `fc_${i}` },
  );
  const before: ConversationItem = { type: "message", role: "user", content: "before", id: "msg_0" };

  async function locked(storage: TestStorage): Promise<string> {
    const id = newId("conv");
    const conversation = { id, object: "conversation", created_at: 1, metadata: {} } as const;
    await storage.conversations.create(conversation, "default", [before]);
    await storage.conversations.lock(id, "resp_1");
    return id;
  }

  /** The steps of a worker that crashes in the middle. */
  async function addAlmost({ redis, layout }: TestStorage, id: string): Promise<void> {
    const keys = layout.conversationKeysOf(id).slice(0, 3);
    const items = turn.slice(0, 3_000).flatMap((item) => [item.id, JSON.stringify(item), callMarkOf(item)]);
    expect(await stageItemsScript(redis, keys, layout.stagedItemKeysOf(id), "resp_1", items)).toBe(1);
  }

  test("is visible once it is complete", async () => {
    await using storage = await openTestStorage();
    const { conversations } = storage;
    const id = await locked(storage);
    await addAlmost(storage, id);
    expect(await conversations.readItems(id)).toEqual([before]);
    expect(await conversations.readItem(id, "msg_2")).toBeUndefined();
    expect((await conversations.readPage(id, { limit: 2, order: "desc" }))?.data).toEqual([before]);
    expect(await conversations.readUnansweredCalls(id)).toEqual([]);
    await conversations.appendAndUnlock(id, "resp_1", turn);
    const whole = [before, ...turn.slice(1)];
    expect(await conversations.readItems(id)).toEqual(whole);
    expect(await conversations.readUnansweredCalls(id)).toHaveLength(2_500);
    expect(await conversations.readOwned(id, "default")).toMatchObject({ lock: "", bytes: countItemBytes(whole) });
    await conversations.add(id, [{ ...before, id: "msg_after" }]);
    expect((await conversations.readItems(id)).at(-1)!.id).toBe("msg_after");
  });

  test("is split over several script calls, which would block Redis otherwise", async () => {
    await using storage = await openTestStorage();
    const id = await locked(storage);
    const sent = vi.spyOn(storage.redis, "sendCommand");
    await storage.conversations.appendAndUnlock(id, "resp_1", turn);
    const lengths = sent.mock.calls.map(([command]) => command.args.length);
    expect(lengths.reduce((a, b) => Math.max(a, b))).toBeLessThan(turn.length);
    expect((await storage.conversations.readItems(id)).at(-1)).toEqual(turn.at(-1));
  });

  test("leaves nothing if its writing stops halfway", async () => {
    await using storage = await openTestStorage();
    const { conversations, redis, layout } = storage;
    const id = await locked(storage);
    await addAlmost(storage, id);
    await conversations.appendAndUnlock(id, "resp_1", []);
    expect(await conversations.readItems(id)).toEqual([before]);
    expect(await redis.hkeys(layout.conversationItems(id))).toEqual(["msg_0"]);
    expect(await redis.exists(layout.stagedItemKeysOf(id))).toBe(0);
    expect(await conversations.readOwned(id, "default")).toMatchObject({ lock: "", bytes: countItemBytes([before]) });
  });
});
