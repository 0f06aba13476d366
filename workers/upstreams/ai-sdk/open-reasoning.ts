/** Reasoning while it is written. */
import type { SharedV4ProviderMetadata } from "@ai-sdk/provider";
import { deriveItemId, type OutputPosition } from "../derive-item-id.ts";
import {
  createAddedEvent,
  createDoneEvent,
  type EndStatus,
  type ItemEventSequence,
  type OpenItem,
} from "./open-item.ts";
import { encodeReasoningState } from "../../../src/providers/reasoning-state.ts";

/** The vendor that understands the returned state, and the model if the vendor's other models do not. */
export interface StateOrigin {
  owner: string;
  from?: string | undefined;
}

/** A reasoning item: a summary if the client requested one, otherwise the reasoning text. */
export class OpenReasoning implements OpenItem {
  readonly #index: number;
  readonly #id: string;
  readonly #origin: StateOrigin;
  readonly #isSummary: boolean;
  #text = "";
  #metadata: SharedV4ProviderMetadata | undefined;
  #nextCallMetadata: SharedV4ProviderMetadata | undefined;
  #callMetadata: Record<string, SharedV4ProviderMetadata> | undefined;

  constructor(position: OutputPosition, origin: StateOrigin, isSummary: boolean) {
    this.#index = position.output_index;
    this.#id = deriveItemId("rs", position);
    this.#origin = origin;
    this.#isSummary = isSummary;
  }

  *open(): ItemEventSequence {
    yield createAddedEvent(this.#index, { type: "reasoning", id: this.#id, status: "in_progress", summary: [] });
  }

  /** Adds metadata that must be returned to the vendor with this reasoning. */
  addMetadata(metadata: SharedV4ProviderMetadata | undefined): void {
    if (metadata === undefined) return;
    this.#metadata = { ...this.#metadata };
    for (const [name, values] of Object.entries(metadata))
      this.#metadata[name] = { ...this.#metadata[name], ...values };
  }

  /** Sets metadata that must be returned to the vendor with the next call. */
  setNextCallMetadata(metadata: SharedV4ProviderMetadata): void {
    this.#nextCallMetadata = metadata;
  }

  /** Sets metadata that must be returned with earlier calls, by call id. */
  setCallMetadata(calls: Record<string, SharedV4ProviderMetadata> | undefined): void {
    this.#callMetadata = calls;
  }

  *addText(delta: string): ItemEventSequence {
    const at = { item_id: this.#id, output_index: this.#index };
    if (this.#isSummary) {
      const position = { ...at, summary_index: 0 };
      if (this.#text === "")
        yield { type: "response.reasoning_summary_part.added", ...position, part: summaryText("") };
      yield { type: "response.reasoning_summary_text.delta", ...position, delta };
    } else {
      const position = { ...at, content_index: 0 };
      if (this.#text === "") yield { type: "response.content_part.added", ...position, part: reasoningText("") };
      yield { type: "response.reasoning_text.delta", ...position, delta };
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
      const position = { ...at, summary_index: 0 };
      const cut = status === "incomplete" ? { status } : {};
      yield { type: "response.reasoning_summary_text.done", ...position, text };
      yield { type: "response.reasoning_summary_part.done", ...position, ...cut, part: summaryText(text) };
    } else {
      const position = { ...at, content_index: 0 };
      yield { type: "response.reasoning_text.done", ...position, text };
      yield { type: "response.content_part.done", ...position, part: reasoningText(text) };
    }
  }
}

const summaryText = (text: string) => ({ type: "summary_text" as const, text });
const reasoningText = (text: string) => ({ type: "reasoning_text" as const, text });
