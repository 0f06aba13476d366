/**
 * Events of a message that the vendor was asked to continue: the whole message, prefix included. The vendor's text is held
 * back until it shows which of the two it is:
 *   - a continuation: it differs from the prefix's beginning, or is not text. The prefix is yielded as one delta without
 *     logprobs, then the held text.
 *   - a whole answer: it starts like the prefix. Some servers ignore the request to continue, and some repeat the prefix by
 *     design. The prefix is not yielded.
 * If the model reasons first or writes nothing, it does neither: the call fails before its first event.
 */
import type { LanguageModelV4StreamPart } from "@ai-sdk/provider";
import { responseError } from "../../../src/lifecycle/lifecycle-events.ts";
import { ProviderError } from "../http/provider-error.ts";
import type { MessagePrefix } from "./message-prefix.ts";
import type { OutputEvents } from "./output-events.ts";
import type { EndStatus, ItemEventSequence } from "./open-item.ts";
import { CONTENT_PART_TYPE } from "./held-parts.ts";

type Part = LanguageModelV4StreamPart;
type PartOf<T extends Part["type"]> = Extract<Part, { type: T }>;

/** Far more than the 64 characters of a prefix's beginning take. */
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

  /** Whether the vendor has written nothing. */
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
    // A vendor that treats the text as a finished answer ends at once. A real end at this point is rare.
    if (this.isEmpty && status === "completed") throw createNotContinuedError("The model wrote nothing.");
    if (!this.#isDecided) yield* this.#continue();
    yield* this.#events.finish(status);
  }

  /** Drops empty chunks: some servers send one for each token of hidden reasoning, in any number. */
  #hold(part: Part): void {
    const isEmpty = part.type === "text-delta" && part.delta === "";
    if (isEmpty || !(part.type === "raw" || CONTENT_PART_TYPE.test(part.type))) return;
    // A chunk only describes the text right after it.
    if (part.type === "raw" && this.#held.at(-1)?.type === "raw") this.#held.pop();
    if (this.#held.push(part) > MAX_HELD_PARTS)
      throw createNotContinuedError("The provider sent too many parts without text.");
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

  /** Signed reasoning may have no text. */
  #hasThought(part: PartOf<"reasoning-start" | "reasoning-delta" | "reasoning-end">): boolean {
    const hasContent = (part.type === "reasoning-delta" && part.delta !== "") || part.providerMetadata !== undefined;
    if (hasContent && this.#text === "") throw createNotContinuedError("The model reasoned before continuing.");
    return hasContent;
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

/** Neither a retry nor another vendor helps, only the same call without the prefix. */
function createNotContinuedError(message: string): ProviderError {
  return new ProviderError(responseError("server_error", message), { retryable: false });
}
