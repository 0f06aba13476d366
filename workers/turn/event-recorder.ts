/**
 * Between an upstream and the log: an event as it is recorded. Every upstream's events go through here, and nothing else
 * looks into them on the way: what was not asked for is left out (src/lifecycle/include.ts), and reasoning is sealed.
 *
 * A reasoning item always has `encrypted_content`: its provider's own, or else what the model thought, shown or not, under
 * this server's seal. The one at `added` is sealed before anything was thought (contract.md#item-events: present and different).
 */
import { type Included, toIncluded, toRecordedEvent } from "../../src/lifecycle/include.ts";
import type { CreateRequest } from "../../src/protocol/create-request.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { HiddenReasoning } from "../upstreams/upstream.ts";

/** Texts in the order of their parts. */
export interface ReasoningTexts {
  summary: string[];
  content: string[];
}

/** One for each call of a model, since places are counted from 0 in each. */
export class EventRecorder {
  readonly #included: Included;
  readonly #seal: (thoughts: ReasoningTexts) => string;
  /** By place, until the item is done. */
  readonly #hidden = new Map<number, string>();

  constructor(request: Pick<CreateRequest, "include">, seal: (thoughts: ReasoningTexts) => string) {
    this.#included = toIncluded(request.include);
    this.#seal = seal;
  }

  /** Undefined for what is not recorded at all. */
  record(event: ItemEventDraft | HiddenReasoning): ItemEventDraft | undefined {
    switch (event.type) {
      case "hidden_reasoning":
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
