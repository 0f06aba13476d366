/** Conversations count against their project's storage limit, and may expire when idle. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { newId } from "../../../../src/protocol/id.ts";
import type { ConversationItem } from "../../../../src/protocol/conversation.ts";
import {
  addWithinStorageLimit,
  updateConversationUsage,
} from "../../../../src/responses/conversations/conversation-bytes.ts";
import { appendAndUnlock } from "../../../../src/responses/conversations/conversation-lock.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

let storage: TestStorage;
beforeAll(async () => {
  storage = await openTestStorage();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
});

/** Overhead per item. */
const ITEM_BYTES = 350;
const say = (text: string): ConversationItem => ({
  type: "message",
  id: newId("msg"),
  role: "user",
  content: [{ type: "input_text", text }],
});
const sizeOf = (item: ConversationItem): number => Buffer.byteLength(JSON.stringify(item)) + ITEM_BYTES;

async function create(project: string, items: ConversationItem[], bound = 0, target: TestStorage = storage) {
  const id = newId("conv");
  const fields = { id, object: "conversation" as const, created_at: 1, metadata: {} };
  const adding = { id, project, items, bound };
  await addWithinStorageLimit(target, adding, () => target.conversations.create(fields, project, items));
  return id;
}

const ttlsOf = async (id: string): Promise<number[]> => {
  const { redis, layout } = storage;
  const keys = [layout.conversation(id), layout.conversationOrder(id), layout.conversationItems(id)];
  return await Promise.all(keys.map((key) => redis.ttl(key)));
};

test("items count from when they are added until they are removed", async () => {
  const project = newId("item", 8);
  const [one, two] = [say("one"), say("zwölf ✓")];
  const id = await create(project, [one]);
  expect(await storage.storedBytes.read(project)).toBe(sizeOf(one));
  await addWithinStorageLimit(storage, { id, project, items: [two], bound: 0 }, () =>
    storage.conversations.add(id, [two]),
  );
  expect(await storage.storedBytes.read(project)).toBe(sizeOf(one) + sizeOf(two));
  await storage.conversations.removeItem(id, one.id);
  await updateConversationUsage(storage, id);
  expect(await storage.storedBytes.read(project)).toBe(sizeOf(two));
});

test("items without room are rejected, and count nothing", async () => {
  const project = newId("item", 8);
  const item = say("Hello");
  const bound = sizeOf(item) + 10;
  const id = await create(project, [item], bound);
  await expect(create(project, [say("Hello")], bound)).rejects.toMatchObject({
    status: 429,
    code: "insufficient_quota",
  });
  await storage.conversations.lock(id, "resp_1");
  const more = { id, project, items: [say("more")], bound: 0 };
  const locked = await addWithinStorageLimit(storage, more, () => storage.conversations.add(id, more.items));
  expect(locked.kind).toBe("locked");
  expect(await storage.storedBytes.read(project)).toBe(sizeOf(item));
  await storage.conversations.erase(id);
  await addWithinStorageLimit(storage, more, () => storage.conversations.add(id, more.items));
  expect(await storage.storedBytes.read(project)).toBe(0);
});

test("an idle conversation expires, but not while a response writes", async () => {
  const project = newId("item", 8);
  const brief = { ...storage, conversationIdleSeconds: 100 };
  const id = await create(project, [say("Hello")], 0, brief);
  for (const ttl of await ttlsOf(id)) expect(ttl).toBeGreaterThan(0);
  await storage.conversations.lock(id, "resp_1");
  expect(await ttlsOf(id)).toEqual([-1, -1, -1]);
  await updateConversationUsage(brief, id);
  expect(await ttlsOf(id)).toEqual([-1, -1, -1]);
  await appendAndUnlock(brief, id, "resp_1");
  for (const ttl of await ttlsOf(id)) expect(ttl).toBeGreaterThan(0);
  const [, , expiries] = storage.layout.storedBytes(project);
  const expiresAtMs = Number(await storage.redis.zscore(expiries, id));
  expect(Math.abs(expiresAtMs - Date.now() - 100_000)).toBeLessThan(60_000);
  // With expiry turned off again, the next use keeps it.
  await updateConversationUsage(storage, id);
  expect(await ttlsOf(id)).toEqual([-1, -1, -1]);
});
