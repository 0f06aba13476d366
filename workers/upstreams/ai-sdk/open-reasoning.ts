/** A model's reasoning while it is written. */
import type { SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { deriveItemId } from "../derive-item-id.ts";
import {
  createAddedEvent,
  createDoneEvent,
  type EndStatus,
  type ItemEventSequence,
  type OpenItem,
  type OutputPosition,
} from "./open-item.ts";
import { encodeReasoningState } from "../../../src/providers/reasoning-state.ts";

/** Who understands what the vendor must be given back: the vendor, and where it is not all of its models, the one. */
export interface StateOrigin {
  owner: string;
  from?: string | undefined;
}

/** Reasoning: as a summary if the client asked for one, or else as the text that it is. */
export class OpenReasoning implements OpenItem {
  readonly #index: number;
  readonly #id: string;
  readonly #origin: StateOrigin;
  readonly #isSummary: boolean;
  #text = "";
  #metadata: SharedV4ProviderMetadata | undefined;
  #nextCallMetadata: SharedV4ProviderMetadata | undefined;
  #callMetadata: Record<string, SharedV4ProviderMetadata> | undefined;

  constructor(place: OutputPosition, origin: StateOrigin, isSummary: boolean) {
    this.#index = place.output_index;
    this.#id = deriveItemId("rs", place);
    this.#origin = origin;
    this.#isSummary = isSummary;
  }

  *open(): ItemEventSequence {
    yield createAddedEvent(this.#index, { type: "reasoning", id: this.#id, status: "in_progress", summary: [] });
  }

  /** What the vendor must be given back with it. */
  addMetadata(metadata: SharedV4ProviderMetadata | undefined): void {
    if (metadata === undefined) return;
    this.#metadata = { ...this.#metadata };
    for (const [name, values] of Object.entries(metadata))
      this.#metadata[name] = { ...this.#metadata[name], ...values };
  }

  /** What the vendor must be given back with the call that comes of it. */
  setNextCallMetadata(metadata: SharedV4ProviderMetadata): void {
    this.#nextCallMetadata = metadata;
  }

  /** What must be given back with calls that came before. */
  setCallMetadata(calls: Record<string, SharedV4ProviderMetadata> | undefined): void {
    this.#callMetadata = calls;
  }

  *addText(delta: string): ItemEventSequence {
    const at = { item_id: this.#id, output_index: this.#index };
    if (this.#isSummary) {
      const place = { ...at, summary_index: 0 };
      if (this.#text === "") yield { type: "response.reasoning_summary_part.added", ...place, part: summaryText("") };
      yield { type: "response.reasoning_summary_text.delta", ...place, delta };
    } else {
      const place = { ...at, content_index: 0 };
      if (this.#text === "") yield { type: "response.content_part.added", ...place, part: reasoningText("") };
      yield { type: "response.reasoning_text.delta", ...place, delta };
    }
    this.#text += delta;
  }

  *close(status: EndStatus): ItemEventSequence {
    const text = this.#text;
    if (text !== "") yield* this.#endText(status);
    const { owner, from } = this.#origin;
    const state = { own: this.#metadata, next: this.#nextCallMetadata, calls: this.#callMetadata };
    const isSigned = Object.values(state).some((part) => part !== undefined);
    yield createDoneEvent(this.#index, {
      type: "reasoning",
      id: this.#id,
      status,
      summary: this.#isSummary && text !== "" ? [summaryText(text)] : [],
      ...(!this.#isSummary && text !== "" && { content: [reasoningText(text)] }),
      ...(isSigned && { encrypted_content: encodeReasoningState(owner, { ...state, from }) }),
    });
  }

  *#endText(status: EndStatus): ItemEventSequence {
    const at = { item_id: this.#id, output_index: this.#index };
    const text = this.#text;
    if (this.#isSummary) {
      const place = { ...at, summary_index: 0 };
      const cut = status === "incomplete" ? { status } : {};
      yield { type: "response.reasoning_summary_text.done", ...place, text };
      yield { type: "response.reasoning_summary_part.done", ...place, ...cut, part: summaryText(text) };
    } else {
      const place = { ...at, content_index: 0 };
      yield { type: "response.reasoning_text.done", ...place, text };
      yield { type: "response.content_part.done", ...place, part: reasoningText(text) };
    }
  }
}

const summaryText = (text: string) => ({ type: "summary_text" as const, text });
const reasoningText = (text: string) => ({ type: "reasoning_text" as const, text });
