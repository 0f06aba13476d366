/** A message while it is written. */
import type { MessagePart } from "../../../src/protocol/content.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import { deriveItemId, type OutputPosition } from "../derive-item-id.ts";
import {
  createAddedEvent,
  createDoneEvent,
  type EndStatus,
  type ItemEventSequence,
  type OpenItem,
} from "./open-item.ts";

type TextPart = Extract<MessagePart, { type: "output_text" }>;
export type Logprobs = NonNullable<TextPart["logprobs"]>;

export interface UrlSource {
  url: string;
  title: string;
}

/** A message: text parts, and refusals of the model. */
export class OpenMessage implements OpenItem {
  readonly #index: number;
  readonly #item;
  readonly #parts: MessagePart[] = [];

  constructor(position: OutputPosition) {
    this.#index = position.output_index;
    this.#item = { type: "message" as const, id: deriveItemId("msg", position), role: "assistant" as const };
  }

  *open(): ItemEventSequence {
    yield createAddedEvent(this.#index, { ...this.#item, status: "in_progress", content: [] });
  }

  *addText(delta: string, logprobs: Logprobs): ItemEventSequence {
    const part = yield* this.#textPart();
    part.text += delta;
    for (const logprob of logprobs) part.logprobs?.push(logprob);
    yield { type: "response.output_text.delta", ...this.#at, delta, logprobs: logprobs.map(toEventLogprob) };
  }

  *addRefusal(delta: string): ItemEventSequence {
    const last = this.#parts.at(-1);
    const part = last?.type === "refusal" ? last : { type: "refusal" as const, refusal: "" };
    if (part !== last) yield* this.#beginPart(part);
    part.refusal += delta;
    yield { type: "response.refusal.delta", ...this.#at, delta };
  }

  /** Length of the current text. */
  get textLength(): number {
    const last = this.#parts.at(-1);
    return last?.type === "output_text" ? last.text.length : 0;
  }

  *cite({ url, title }: UrlSource, start_index: number, end_index: number): ItemEventSequence {
    const part = yield* this.#textPart();
    const annotation = { type: "url_citation" as const, url, title, start_index, end_index };
    const annotation_index = part.annotations.push(annotation) - 1;
    yield { type: "response.output_text.annotation.added", ...this.#at, annotation_index, annotation };
  }

  *close(status: EndStatus): ItemEventSequence {
    if (this.#parts.length === 0) yield* this.#textPart();
    yield* this.#endPart();
    yield createDoneEvent(this.#index, { ...this.#item, status, content: this.#parts });
  }

  get #at() {
    return { item_id: this.#item.id, output_index: this.#index, content_index: this.#parts.length - 1 };
  }

  *#textPart(): Generator<ItemEventDraft, TextPart> {
    const last = this.#parts.at(-1);
    if (last?.type === "output_text") return last;
    const part: TextPart = { type: "output_text", text: "", annotations: [], logprobs: [] };
    yield* this.#beginPart(part);
    return part;
  }

  *#beginPart(part: MessagePart): ItemEventSequence {
    yield* this.#endPart();
    this.#parts.push(part);
    yield { type: "response.content_part.added", ...this.#at, part: structuredClone(part) };
  }

  *#endPart(): ItemEventSequence {
    const part = this.#parts.at(-1);
    if (part?.type === "output_text") {
      const logprobs = (part.logprobs ?? []).map(toEventLogprob);
      yield { type: "response.output_text.done", ...this.#at, text: part.text, logprobs };
    } else if (part !== undefined) yield { type: "response.refusal.done", ...this.#at, refusal: part.refusal };
    if (part !== undefined) yield { type: "response.content_part.done", ...this.#at, part };
  }
}

/** Events omit the bytes of tokens. */
function toEventLogprob({ token, logprob, top_logprobs: top }: Logprobs[number]) {
  return { token, logprob, top_logprobs: top.map((each) => ({ token: each.token, logprob: each.logprob })) };
}
