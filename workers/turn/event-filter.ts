/**
 * Decides what the log records of an upstream's events: it drops fields that the client did not request
 * (src/lifecycle/include.ts), and seals reasoning.
 *
 * A reasoning item always has `encrypted_content`: the provider's own, or else the model's reasoning, visible or hidden,
 * encrypted by this server. The `encrypted_content` at `added` is sealed before there is any text, so it differs from the one
 * at `done` (contract.md#item-events).
 */
import { type Included, toIncluded, toRecordedEvent } from "../../src/lifecycle/include.ts";
import type { CreateRequest } from "../../src/protocol/create-request.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { HiddenReasoning } from "../upstreams/upstream.ts";
import { HeldCharacters } from "./held-characters.ts";

/** Texts in the order of their parts. */
export interface ReasoningTexts {
  summary: string[];
  content: string[];
}

/** One per model call, since each call counts `output_index` from 0. */
export class EventFilter {
  readonly #included: Included;
  readonly #seal: (thoughts: ReasoningTexts) => string;
  /** By `output_index`, until the item is done. */
  readonly #hidden = new Map<number, string>();
  readonly #hiddenCharacters = new HeldCharacters("hidden reasoning");

  constructor(request: Pick<CreateRequest, "include">, seal: (thoughts: ReasoningTexts) => string) {
    this.#included = toIncluded(request.include);
    this.#seal = seal;
  }

  /**
   * Undefined for hidden reasoning: it goes into the item's `encrypted_content` only. Throws TurnTooLongError if there is
   * too much of it.
   */
  filter(event: ItemEventDraft | HiddenReasoning): ItemEventDraft | undefined {
    switch (event.type) {
      case "hidden_reasoning":
        this.#hiddenCharacters.add(event.text.length);
        this.#hidden.set(event.output_index, (this.#hidden.get(event.output_index) ?? "") + event.text);
        return undefined;
      case "response.output_item.added":
      case "response.output_item.done":
        return event.item.type === "reasoning" ? this.#sealReasoning(event) : toRecordedEvent(event, this.#included);
      default:
        return toRecordedEvent(event, this.#included);
    }
  }

  #sealReasoning(event: Extract<ItemEventDraft, { item: object }>): ItemEventDraft {
    const { item } = event;
    if (item.type !== "reasoning" || (item.encrypted_content ?? "") !== "") return event;
    const content = (item.content ?? []).map(({ text }) => text);
    const hidden = this.#hidden.get(event.output_index);
    if (hidden !== undefined) content.push(hidden);
    this.#hidden.delete(event.output_index);
    const encrypted_content = this.#seal({ summary: item.summary.map(({ text }) => text), content });
    return { ...event, item: { ...item, encrypted_content } };
  }
}
