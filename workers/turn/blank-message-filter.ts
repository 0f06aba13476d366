/**
 * Holds back a message until it says something. A model that ends with an empty one is asked once more, and nobody is shown
 * the message that was none.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";

export class BlankMessageFilter {
  #held: ItemEventDraft[] = [];

  /** What is to be passed on now. */
  accept(event: ItemEventDraft): ItemEventDraft[] {
    if (!this.#isOfMessage(event)) return [...this.takeHeld(), event];
    this.#held.push(event);
    return hasText(event) ? this.takeHeld() : [];
  }

  #isOfMessage(event: ItemEventDraft): boolean {
    const [first] = this.#held;
    if (first !== undefined) return first.output_index === event.output_index;
    return event.type === "response.output_item.added" && event.item.type === "message";
  }

  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  takeHeld(): ItemEventDraft[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }
}

function hasText(event: ItemEventDraft): boolean {
  switch (event.type) {
    case "response.output_text.delta":
      return event.delta.trim() !== "";
    case "response.output_text.done":
      return event.text.trim() !== "";
    case "response.output_text.annotation.added":
    case "response.refusal.delta":
    case "response.refusal.done":
      return true;
    case "response.output_item.done":
      // One that came whole, or that was cut off before its first word.
      if (event.item.type !== "message") return true;
      return (
        event.item.status === "incomplete" ||
        event.item.content.some((part) => (part.type === "output_text" ? part.text.trim() : part.refusal) !== "")
      );
    default:
      return false;
  }
}
