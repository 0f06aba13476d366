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
import { responseError } from "../../../src/lifecycle/end-response.ts";
import { ProviderFault } from "../provider/faults.ts";
import type { Prefix } from "./continuation.ts";
import type { OutputEvents } from "./events.ts";
import type { EndStatus, Events } from "./open-item.ts";
import { WRITES } from "./waiting-parts.ts";

type Part = LanguageModelV4StreamPart;
type PartOf<T extends Part["type"]> = Extract<Part, { type: T }>;

/** Far more than the first 64 letters take. */
const HELD_MAX_PARTS = 1_000;

export class ContinuedEvents {
  readonly #events: OutputEvents;
  readonly #prefix: Prefix;
  #held: Part[] = [];
  /** Text of the held parts. */
  #text = "";
  #isSettled = false;

  constructor(events: OutputEvents, prefix: Prefix) {
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

  *accept(part: Part): Events {
    if (this.#isSettled) return yield* this.#events.accept(part);
    this.#hold(part);
    if (this.#isWhole(part)) yield* this.#settle();
    else if (this.#isContinuation(part)) yield* this.#continue();
  }

  *finish(status: EndStatus): Events {
    // A vendor that takes the text for a finished answer ends at once. The model's own end is seldom just there.
    if (this.isEmpty && status === "completed") throw notContinued("The model wrote nothing.");
    if (!this.#isSettled) yield* this.#continue();
    yield* this.#events.finish(status);
  }

  /** Some servers send an empty chunk for each word that the model thinks: there may be any number of them. */
  #hold(part: Part): void {
    const isEmpty = part.type === "text-delta" && part.delta === "";
    if (isEmpty || !(part.type === "raw" || WRITES.test(part.type))) return;
    // A chunk says something of the words that come right after it.
    if (part.type === "raw" && this.#held.at(-1)?.type === "raw") this.#held.pop();
    if (this.#held.push(part) > HELD_MAX_PARTS) throw notContinued("The provider wrote many parts without a word.");
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
    if (says && this.#text === "") throw notContinued("The model thought first.");
    return says;
  }

  *#continue(): Events {
    yield* this.#events.writeText(this.#prefix.text);
    yield* this.#settle();
  }

  *#settle(): Events {
    this.#isSettled = true;
    const held = this.#held;
    this.#held = [];
    for (const part of held) yield* this.#events.accept(part);
  }
}

/** The request is what is wrong: neither another try nor another vendor helps, but the same call without the prefix. */
function notContinued(message: string): ProviderFault {
  return new ProviderFault(responseError("server_error", message), { retryable: false });
}
