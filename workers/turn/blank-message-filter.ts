/**
 * Holds back a message until it has text. If a turn ends with an empty message, the run calls the model again, and the log
 * never shows the empty message.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { HeldCharacters } from "./held-characters.ts";

export class BlankMessageFilter {
  #held: ItemEventDraft[] = [];
  readonly #heldCharacters = new HeldCharacters("in a message without text");

  /** The events that may pass now. Throws TurnTooLongError if the message stays blank for too long. */
  accept(event: ItemEventDraft): ItemEventDraft[] {
    if (!this.#isOfMessage(event)) return [...this.takeHeld(), event];
    this.#held.push(event);
    if (hasText(event)) return this.takeHeld();
    this.#heldCharacters.add(JSON.stringify(event).length);
    return [];
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
    this.#heldCharacters.reset();
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
      // The message came without deltas, or ended before its first word.
      if (event.item.type !== "message") return true;
      return (
        event.item.status === "incomplete" ||
        event.item.content.some((part) => (part.type === "output_text" ? part.text.trim() : part.refusal) !== "")
      );
    default:
      return false;
  }
}
