/** Conversations with an official client: their life, their items, and their responses. */
import { beforeAll, describe, expect, test } from "vitest";
import type OpenAI from "openai";
import { type Fixture, type OfficialClient, openClient } from "./clients.ts";
import { collect, errorOf, simulator } from "./requests.ts";

type Item = OpenAI.Conversations.ConversationItem;

const QUICK = { delay_ms: 0 };
const say = (content: string) => ({ type: "message" as const, role: "user" as const, content });

function textOf(item: Item): string {
  if (item.type !== "message") throw new Error(`The item is a ${item.type}.`);
  return item.content.map((part) => ("text" in part ? part.text : "")).join("");
}

export function testConversations(official: OfficialClient, fixture: Fixture): void {
  let client: OpenAI;

  beforeAll(() => {
    client = openClient(official, fixture);
  });

  describe("conversations", () => {
    test("one is created, retrieved, updated and deleted", async () => {
      const { conversations } = client;
      const created = await conversations.create({ metadata: { topic: "herons" }, items: [say("Hello")] });
      expect(created).toMatchObject({ object: "conversation", metadata: { topic: "herons" } });
      expect(await conversations.retrieve(created.id)).toEqual(created);
      const updated = await conversations.update(created.id, { metadata: { topic: "reeds" } });
      expect(updated).toEqual({ ...created, metadata: { topic: "reeds" } });
      expect(await conversations.delete(created.id)).toEqual({
        id: created.id,
        object: "conversation.deleted",
        deleted: true,
      });
      for (const request of [
        () => conversations.retrieve(created.id),
        () => conversations.delete(created.id),
        () => conversations.items.list(created.id),
      ]) {
        expect(await errorOf(request())).toBeInstanceOf(official.OpenAI.NotFoundError);
      }
    });

    test("items are created, paged, retrieved and deleted", async () => {
      const { id } = await client.conversations.create();
      const { items } = client.conversations;
      const words = ["one", "two", "three", "four", "five"];
      const added = await items.create(id, { items: words.map(say) });
      expect(added.data.map(textOf)).toEqual(words);
      for (const [order, wanted] of [
        ["asc", words],
        ["desc", words.toReversed()],
      ] as const) {
        expect((await collect(items.list(id, { limit: 2, order }))).map(textOf)).toEqual(wanted);
      }
      const params = { conversation_id: id };
      const second = added.data[1]!.id!;
      expect(await items.retrieve(second, params)).toEqual(added.data[1]);
      expect((await items.delete(second, params)).id).toBe(id);
      expect(await errorOf(items.retrieve(second, params))).toBeInstanceOf(official.OpenAI.NotFoundError);
      expect((await collect(items.list(id, { order: "asc" }))).map(textOf)).toEqual(["one", "three", "four", "five"]);
    });

    test("responses in one add their turns, streamed or not", async () => {
      const { id } = await client.conversations.create({ items: [say("The word is heron.")] });
      const turn = (text: string) => ({ ...simulator({ ...QUICK, text }), input: `Say ${text}`, conversation: id });
      const first = await client.responses.create(turn("first"));
      expect(first).toMatchObject({ status: "completed", conversation: { id } });
      const events = await collect(await client.responses.create({ ...turn("second"), stream: true }));
      expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { conversation: { id } } });
      const remaining = await collect(client.conversations.items.list(id, { order: "asc" }));
      expect(remaining.map(textOf)).toEqual(["The word is heron.", "Say first", "first", "Say second", "second"]);
    });

    test("an unknown id is a NotFoundError", async () => {
      const error = await errorOf(client.responses.create({ ...simulator(QUICK), conversation: "conv_none" }));
      expect(error).toBeInstanceOf(official.OpenAI.NotFoundError);
    });
  });
}
