/**
 * The events of a message that a vendor was asked to continue: the whole message, its prefix first. The vendor's words are held
 * back until they show which of the two they are:
 *   - a continuation: they differ from the prefix's beginning, or are no text. The prefix is yielded, as one delta without
 *     logprobs, and then the words.
 *   - the whole answer: they are the prefix from its beginning. Some servers ignore the request to continue, and some repeat
 *     the prefix by design. The prefix is not yielded.
 * A model that thinks first, or writes nothing, has done neither: the call fails before its first event.
 */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { ProviderError } from "../provider/provider-error.ts";
import type { MessagePrefix } from "./message-prefix.ts";
import type { OutputEvents } from "./output-events.ts";
import type { EndStatus, ItemEventSequence } from "./open-item.ts";
import { CONTENT_PART_TYPE } from "./waiting-parts.ts";

type Part = LanguageModelV4StreamPart;
type PartOf<T extends Part["type"]> = Extract<Part, { type: T }>;

/** Far more than the first 64 letters take. */
const MAX_HELD_PARTS = 1_000;

export class ContinuedEvents {
  readonly #events: OutputEvents;
  readonly #prefix: MessagePrefix;
  #held: Part[] = [];
  /** Text of the held parts. */
  #text = "";
  #isDecided = false;

  constructor(events: OutputEvents, prefix: MessagePrefix) {
    this.#events = events;
    this.#prefix = prefix;
  }

  /** Whether the vendor has said nothing. */
  get isEmpty(): boolean {
    return this.#text === "" && this.#events.isEmpty;
  }

  get hasRefused(): boolean {
    return this.#events.hasRefused;
  }

  *accept(part: Part): ItemEventSequence {
    if (this.#isDecided) return yield* this.#events.accept(part);
    this.#hold(part);
    if (this.#isWhole(part)) yield* this.#releaseHeld();
    else if (this.#isContinuation(part)) yield* this.#continue();
  }

  *finish(status: EndStatus): ItemEventSequence {
    // A vendor that takes the text for a finished answer ends at once. The model's own end is seldom just there.
    if (this.isEmpty && status === "completed") throw createNotContinuedError("The model wrote nothing.");
    if (!this.#isDecided) yield* this.#continue();
    yield* this.#events.finish(status);
  }

  /** Some servers send an empty chunk for each word that the model thinks: there may be any number of them. */
  #hold(part: Part): void {
    const isEmpty = part.type === "text-delta" && part.delta === "";
    if (isEmpty || !(part.type === "raw" || CONTENT_PART_TYPE.test(part.type))) return;
    // A chunk says something of the words that come right after it.
    if (part.type === "raw" && this.#held.at(-1)?.type === "raw") this.#held.pop();
    if (this.#held.push(part) > MAX_HELD_PARTS)
      throw createNotContinuedError("The provider wrote many parts without a word.");
  }

  #isWhole(part: Part): boolean {
    if (part.type === "text-delta") this.#text += part.delta;
    return this.#text.startsWith(this.#prefix.head);
  }

  #isContinuation(part: Part): boolean {
    switch (part.type) {
      case "text-delta":
        return !this.#prefix.head.startsWith(this.#text);
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return this.#hasThought(part);
      case "tool-input-start":
      case "tool-call":
      case "file":
        return true;
      default:
        return false;
    }
  }

  /** A thought that is signed may have no words. */
  #hasThought(part: PartOf<"reasoning-start" | "reasoning-delta" | "reasoning-end">): boolean {
    const says = (part.type === "reasoning-delta" && part.delta !== "") || part.providerMetadata !== undefined;
    if (says && this.#text === "") throw createNotContinuedError("The model thought first.");
    return says;
  }

  *#continue(): ItemEventSequence {
    yield* this.#events.writeText(this.#prefix.text);
    yield* this.#releaseHeld();
  }

  *#releaseHeld(): ItemEventSequence {
    this.#isDecided = true;
    const held = this.#held;
    this.#held = [];
    for (const part of held) yield* this.#events.accept(part);
  }
}

/** The request is what is wrong: neither another try nor another vendor helps, but the same call without the prefix. */
function createNotContinuedError(message: string): ProviderError {
  return new ProviderError(responseError("server_error", message), { retryable: false });
}
