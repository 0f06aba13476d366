/** What a conversation's keys hold after steps that meet each other. */
import { expect, test, vi } from "vitest";
import { newId } from "../../../src/protocol/id.ts";
import { openTestStorage } from "../../support/storage.ts";

test("metadata that is set after the conversation was erased brings nothing of it back", async () => {
  await using storage = await openTestStorage();
  const { conversations } = storage;
  const id = newId("conv");
  await conversations.create({ id, object: "conversation", created_at: 1, metadata: {} }, "default", []);
  expect(await conversations.setMetadata(id, { topic: "herons" })).toBe(true);
  await conversations.erase(id);
  expect(await conversations.setMetadata(id, { topic: "reeds" })).toBe(false);
  expect(await conversations.readOwned(id, "default")).toBeUndefined();
});

test("a conversation is there with its items or not at all: creating it is one command", async () => {
  await using storage = await openTestStorage();
  const { conversations, redis } = storage;
  const id = newId("conv");
  const items = ["one", "two"].map((content) => ({
    type: "message" as const,
    role: "user" as const,
    content,
    id: newId("msg"),
  }));
  // The first call of a script sends its text as well.
  const fields = { object: "conversation" as const, created_at: 1, metadata: {} };
  await conversations.create({ ...fields, id: newId("conv") }, "default", items);
  const sent = vi.spyOn(redis, "sendCommand");
  await conversations.create({ id, object: "conversation", created_at: 1, metadata: { a: "b" } }, "default", items);
  expect(sent.mock.calls).toHaveLength(1);
  expect(await conversations.readItems(id)).toEqual(items);
  expect(await conversations.readOwned(id, "default")).toMatchObject({ metadata: { a: "b" }, lock: "", createdAt: 1 });
});
