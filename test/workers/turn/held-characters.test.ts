/** Whatever a turn holds back in memory has a limit, at which the response fails. */
import { expect, test } from "vitest";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { newItemId } from "../../../src/protocol/id.ts";
import { UnfinishedItem } from "../../../workers/attempt/unfinished-item.ts";
import { BlankMessageFilter } from "../../../workers/turn/blank-message-filter.ts";
import { EventFilter } from "../../../workers/turn/event-filter.ts";
import { HeldCharacters, TurnTooLongError } from "../../../workers/turn/held-characters.ts";
import { ItemContinuation } from "../../../workers/turn/item-continuation.ts";

const MEBIBYTE = 1024 * 1024;
const itemId = newItemId("message");

const item: OutputItem = { type: "message", id: itemId, role: "assistant", status: "in_progress", content: [] };
const added: ItemEventDraft = { type: "response.output_item.added", output_index: 0, item };
const delta = (text: string): ItemEventDraft => ({
  type: "response.output_text.delta",
  output_index: 0,
  content_index: 0,
  item_id: itemId,
  delta: text,
  logprobs: [],
});

test("a message without text is held up to the limit", () => {
  const filter = new BlankMessageFilter();
  filter.accept(added);
  for (let i = 0; i < 15; i += 1) expect(filter.accept(delta(" ".repeat(MEBIBYTE)))).toEqual([]);
  expect(() => filter.accept(delta(" ".repeat(MEBIBYTE)))).toThrow(TurnTooLongError);
});

test("a message with text releases what was held", () => {
  const filter = new BlankMessageFilter();
  filter.accept(added);
  for (let i = 0; i < 15; i += 1) filter.accept(delta(" ".repeat(MEBIBYTE)));
  expect(filter.accept(delta("Text"))).toHaveLength(17);
});

test("hidden reasoning is held up to the limit", () => {
  const filter = new EventFilter({}, () => "sealed");
  const hidden = { type: "hidden_reasoning", output_index: 0, text: "x".repeat(MEBIBYTE) } as const;
  for (let i = 0; i < 16; i += 1) expect(filter.filter(hidden)).toBeUndefined();
  expect(() => filter.filter(hidden)).toThrow("The provider sent too much hidden reasoning.");
});

test("a continued item is compared up to the limit", () => {
  const partAdded: ItemEventDraft = {
    type: "response.content_part.added",
    output_index: 0,
    content_index: 0,
    item_id: itemId,
    part: { type: "output_text", text: "", annotations: [] },
  };
  const log = [added, partAdded, delta("x".repeat(20 * MEBIBYTE))];
  const continuation = new ItemContinuation(new UnfinishedItem(0, item, log));
  continuation.accept(added);
  continuation.accept(partAdded);
  const piece = delta("x".repeat(MEBIBYTE));
  for (let i = 0; i < 15; i += 1) expect(continuation.accept(piece).kind).toBe("comparing");
  expect(() => continuation.accept(piece)).toThrow(TurnTooLongError);
});

test("the count starts again after a reset", () => {
  const held = new HeldCharacters("after a tool call");
  held.add(16 * MEBIBYTE);
  held.reset();
  held.add(16 * MEBIBYTE);
  expect(() => held.add(1)).toThrow("The provider sent too much after a tool call.");
});
