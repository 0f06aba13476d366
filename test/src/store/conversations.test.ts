/** What a conversation's keys hold after steps that meet each other. */
import { expect, test } from "vitest";
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
