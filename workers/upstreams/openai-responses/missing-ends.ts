/**
 * Creates the end events of texts, parts and arguments that a provider omits but clients rely on
 * (contract.md#item-events).
 */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { endsPart, type PartType, startsPart } from "./part-events.ts";

type PartAdded = Extract<
  ItemEventDraft,
  { type: "response.content_part.added" | "response.reasoning_summary_part.added" }
>;

/** Tracks what has started and not ended in one item, by its emitted events. */
export class MissingEnds {
  #part: { added: PartAdded; isFinished: boolean } | undefined;
  #call: "function_call" | "custom_tool_call" | undefined;

  observe(event: ItemEventDraft): void {
    switch (event.type) {
      case "response.content_part.added":
      case "response.reasoning_summary_part.added":
        this.#part = { added: event, isFinished: false };
        return;
      case "response.output_text.done":
      case "response.refusal.done":
      case "response.reasoning_text.done":
      case "response.reasoning_summary_text.done":
        if (this.#part !== undefined) this.#part.isFinished = true;
        return;
      case "response.content_part.done":
      case "response.reasoning_summary_part.done":
        this.#part = undefined;
        return;
      case "response.function_call_arguments.delta":
        this.#call = "function_call";
        return;
      case "response.custom_tool_call_input.delta":
        this.#call = "custom_tool_call";
        return;
      case "response.function_call_arguments.done":
      case "response.custom_tool_call_input.done":
        this.#call = undefined;
        return;
      default:
    }
  }

  /** The ends that are missing before `next`. `item` is the item as streamed so far. */
  createBefore(next: ItemEventDraft, item: OutputItem): ItemEventDraft[] {
    if (startsPart(next)) return this.#createPartEnd(item);
    return endsPart(next) ? this.#createTextEnd(item) : [];
  }

  createBeforeDone(item: OutputItem, output_index: number): ItemEventDraft[] {
    return [...this.#createPartEnd(item), ...this.#createCallEnd(item, output_index)];
  }

  #createPartEnd(item: OutputItem): ItemEventDraft[] {
    const part = this.#part && findPart(item, this.#part.added);
    if (this.#part === undefined || part === undefined) return [];
    const { item_id, output_index, ...at } = readPartPosition(this.#part.added);
    const done =
      "summary_index" in at
        ? { type: "response.reasoning_summary_part.done" as const, item_id, output_index, ...at, part }
        : { type: "response.content_part.done" as const, item_id, output_index, ...at, part };
    return [...this.#createTextEnd(item), done as ItemEventDraft];
  }

  #createTextEnd(item: OutputItem): ItemEventDraft[] {
    const part = this.#part && findPart(item, this.#part.added);
    if (this.#part === undefined || part === undefined || this.#part.isFinished) return [];
    const done = { ...TEXT_ENDS[part.type], ...readPartPosition(this.#part.added) };
    const text = part.type === "refusal" ? { refusal: part.refusal } : { text: part.text };
    return [{ ...done, ...text } as ItemEventDraft];
  }

  #createCallEnd(item: OutputItem, output_index: number): ItemEventDraft[] {
    if (this.#call !== item.type) return [];
    const at = { item_id: item.id, output_index };
    if (item.type === "function_call") {
      return [{ type: "response.function_call_arguments.done", ...at, arguments: item.arguments }];
    }
    return item.type === "custom_tool_call"
      ? [{ type: "response.custom_tool_call_input.done", ...at, input: item.input }]
      : [];
  }
}

const TEXT_ENDS: Record<PartType, { type: ItemEventDraft["type"]; logprobs?: [] }> = {
  output_text: { type: "response.output_text.done", logprobs: [] },
  refusal: { type: "response.refusal.done" },
  reasoning_text: { type: "response.reasoning_text.done" },
  summary_text: { type: "response.reasoning_summary_text.done" },
};

function readPartPosition({ item_id, output_index, ...event }: PartAdded) {
  return "summary_index" in event
    ? { item_id, output_index, summary_index: event.summary_index }
    : { item_id, output_index, content_index: event.content_index };
}

function findPart(item: OutputItem, added: PartAdded) {
  if (item.type === "message" && "content_index" in added) return item.content[added.content_index];
  if (item.type !== "reasoning") return undefined;
  return "summary_index" in added ? item.summary[added.summary_index] : item.content?.[added.content_index];
}
