/**
 * The parts of an item: a message's content, a model's reasoning and its summary. A part is added, grows, is finished
 * as text and then done before the next part starts (contract.md#item-events).
 */
import type { ItemEventDraft } from "../../protocol/event.ts";
import type { OutputContent } from "../../protocol/content.ts";
import type { OutputItem } from "../../protocol/item.ts";
import { IllegalEventError } from "../apply-event.ts";
import { StreamedText } from "./streamed-text.ts";

type Part = OutputContent | { type: "summary_text"; text: string };
type PartType = Part["type"];

/** The parts that an item may have, and the list that holds them. */
const PARTS: Record<PartType, { in: OutputItem["type"]; list: "content" | "summary" }> = {
  output_text: { in: "message", list: "content" },
  refusal: { in: "message", list: "content" },
  reasoning_text: { in: "reasoning", list: "content" },
  summary_text: { in: "reasoning", list: "summary" },
};

type PartEventType =
  | `response.content_part.${"added" | "done"}`
  | `response.reasoning_summary_part.${"added" | "done"}`
  | `response.${"output_text" | "refusal" | "reasoning_text" | "reasoning_summary_text"}.${"delta" | "done"}`
  | "response.output_text.annotation.added";
type PartEvent = Extract<ItemEventDraft, { type: PartEventType }>;

const EVENT = /^response\.(content_part|output_text|refusal|reasoning_(text|summary_part|summary_text))\./;

export function isPartEvent(event: ItemEventDraft): event is PartEvent {
  return EVENT.test(event.type);
}

interface OpenPart {
  type: PartType;
  text: StreamedText;
  annotations: number;
  isDone: boolean;
}

export class ItemParts {
  readonly #item: OutputItem;
  readonly #lists: Record<"content" | "summary", OpenPart[]> = { content: [], summary: [] };

  constructor(item: OutputItem) {
    this.#item = item;
  }

  accept(event: PartEvent): void {
    switch (event.type) {
      case "response.content_part.added":
      case "response.reasoning_summary_part.added":
        return this.#add(event, event.part);
      case "response.content_part.done":
      case "response.reasoning_summary_part.done": {
        const part = this.#openPart(event, event.part.type);
        part.text.checkFinished(event);
        part.text.checkSame(event, textOf(event.part));
        part.isDone = true;
        return;
      }
      case "response.output_text.annotation.added": {
        const part = this.#openPart(event, "output_text");
        part.text.checkUnfinished(event);
        if (event.annotation_index !== part.annotations) {
          throw new IllegalEventError(event, `annotation_index is not the next, ${part.annotations}.`);
        }
        part.annotations += 1;
        return;
      }
      case "response.output_text.delta":
        return this.#openPart(event, "output_text").text.appendDelta(event, event.delta);
      case "response.refusal.delta":
        return this.#openPart(event, "refusal").text.appendDelta(event, event.delta);
      case "response.reasoning_text.delta":
        return this.#openPart(event, "reasoning_text").text.appendDelta(event, event.delta);
      case "response.reasoning_summary_text.delta":
        return this.#openPart(event, "summary_text").text.appendDelta(event, event.delta);
      case "response.output_text.done":
        return this.#openPart(event, "output_text").text.finish(event, event.text);
      case "response.refusal.done":
        return this.#openPart(event, "refusal").text.finish(event, event.refusal);
      case "response.reasoning_text.done":
        return this.#openPart(event, "reasoning_text").text.finish(event, event.text);
      case "response.reasoning_summary_text.done":
        return this.#openPart(event, "summary_text").text.finish(event, event.text);
    }
  }

  checkWhole(event: { type: string }): void {
    const parts = [...this.#lists.content, ...this.#lists.summary];
    if (parts.some((part) => !part.isDone)) throw new IllegalEventError(event, "a part of the item is still open.");
  }

  /** An item that arrives whole has no parts to contradict it. */
  checkSame(event: { type: string }, item: OutputItem): void {
    for (const list of ["content", "summary"] as const) {
      const parts = this.#lists[list];
      if (parts.length === 0) continue;
      const final = finalParts(item, list);
      if (final.length !== parts.length)
        throw new IllegalEventError(event, "the item has other parts than were streamed.");
      for (const [i, part] of parts.entries()) part.text.checkSame(event, textOf(final[i]!));
    }
  }

  #add(event: PartEvent, part: Part): void {
    const { in: type, list } = PARTS[part.type];
    if (type !== this.#item.type) throw new IllegalEventError(event, `a ${this.#item.type} has no ${part.type}.`);
    const parts = this.#lists[list];
    const before = [this.#lists.content.at(-1), this.#lists.summary.at(-1)];
    if (before.some((each) => each?.isDone === false))
      throw new IllegalEventError(event, "the part before it is still open.");
    const index = indexOf(event);
    if (index !== parts.length)
      throw new IllegalEventError(event, `the part's index is not the next, ${parts.length}.`);
    parts.push({ type: part.type, text: new StreamedText(), annotations: 0, isDone: false });
  }

  #openPart(event: PartEvent, type: PartType): OpenPart {
    const parts = this.#lists[PARTS[type].list];
    const part = parts[indexOf(event)];
    if (part === undefined || part.isDone) throw new IllegalEventError(event, "there is no open part at this index.");
    if (part.type !== type) throw new IllegalEventError(event, `the part is of type ${part.type}, not ${type}.`);
    return part;
  }
}

function indexOf(event: PartEvent): number {
  return "content_index" in event ? event.content_index : event.summary_index;
}

function textOf(part: Part): string {
  return part.type === "refusal" ? part.refusal : part.text;
}

function finalParts(item: OutputItem, list: "content" | "summary"): readonly Part[] {
  if (item.type === "message") return list === "content" ? item.content : [];
  if (item.type === "reasoning") return item[list] ?? [];
  return [];
}
