/**
 * Continues an item that an earlier attempt left open in the log. The upstream yields the item from its beginning.
 * Events that the log already has are dropped; the first new event resumes the item with its index and id. A client
 * that joins the deltas receives every sentence once. If the new text differs, the caller closes the old item, and all
 * buffered events become a new item (contract.md#crash-recovery).
 *
 * Upstreams repeat the text in different ways: exactly (the simulator, a provider's recorded stream), by prefix (the
 * provider continues a text that it receives), or by generating it again.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { HeldCharacters } from "./held-characters.ts";
import {
  toPartKey,
  startedPartType,
  readEventText,
  type UnfinishedItem,
  type LoggedPart,
} from "../attempt/unfinished-item.ts";

/**
 * `comparing`: nothing to record yet. `resumed`: `events` continue the item in the log, which the upstream counts as
 * `output_index`. `differs`: `events` are all events so far, and belong to a new item.
 */
export type ContinuationResult =
  | { kind: "comparing" }
  | { kind: "resumed"; output_index: number; events: ItemEventDraft[] }
  | { kind: "differs"; events: ItemEventDraft[] };

/** `logged`: the log has the event. `new`: `events` continue the log. `differs`: the event contradicts the log. */
type Comparison = { kind: "logged" } | { kind: "new"; events: ItemEventDraft[] } | { kind: "differs" };

const LOGGED: Comparison = { kind: "logged" };
const DIFFERS: Comparison = { kind: "differs" };

export class ItemContinuation {
  readonly #logged: UnfinishedItem;
  /** All events so far, in case the text differs. */
  #buffered: ItemEventDraft[] = [];
  /** Events of other items, and annotations that the log lacks. */
  readonly #others: ItemEventDraft[] = [];
  readonly #heldCharacters = new HeldCharacters("before it reached the end of the recorded text");
  #index: number | undefined;
  /** Compared length of each part, in UTF-16 code units. */
  readonly #compared = new Map<string, number>();
  #isResumed = false;

  constructor(logged: UnfinishedItem) {
    this.#logged = logged;
  }

  /**
   * Call it for every event until it returns `differs`. After `resumed`, it still drops annotations that the log has.
   * Throws TurnTooLongError if the comparison holds back too much.
   */
  accept(event: ItemEventDraft): ContinuationResult {
    if (this.#isResumed) return this.#afterResume(event);
    this.#heldCharacters.add(JSON.stringify(event).length);
    this.#buffered.push(event);
    this.#index ??= event.output_index;
    if (event.output_index !== this.#index) {
      this.#others.push(event);
      return { kind: "comparing" };
    }
    const comparison = this.#compare(event);
    if (comparison.kind === "logged") return { kind: "comparing" };
    const buffered = this.#buffered;
    this.#buffered = [];
    if (comparison.kind === "differs") return { kind: "differs", events: buffered };
    this.#isResumed = true;
    return { kind: "resumed", output_index: this.#index, events: [...this.#others, ...comparison.events] };
  }

  #afterResume(event: ItemEventDraft): ContinuationResult {
    const isLogged = event.output_index === this.#index && this.#hasAnnotation(event);
    return { kind: "resumed", output_index: this.#index!, events: isLogged ? [] : [event] };
  }

  #hasAnnotation(event: ItemEventDraft): boolean {
    if (event.type !== "response.output_text.annotation.added") return false;
    const part = this.#logged.partAt(toPartKey(event)!);
    return part !== undefined && event.annotation_index < part.annotations;
  }

  #compare(event: ItemEventDraft): Comparison {
    if (event.type === "response.output_item.added")
      return event.item.type === this.#logged.item.type ? LOGGED : DIFFERS;
    const key = toPartKey(event);
    if (key === undefined) return this.#continueWith(event);
    const part = this.#logged.partAt(key);
    if (part === undefined) return this.#continueWith(event);
    const started = startedPartType(event);
    if (started !== undefined) {
      this.#compared.set(key, 0);
      return started === part.type ? LOGGED : DIFFERS;
    }
    const text = readEventText(event);
    if (text?.isWhole === false) return this.#compareDelta(event, key, part);
    if (text !== undefined) return this.#compareWhole(event, key, part, text.text);
    return event.type === "response.output_text.annotation.added"
      ? this.#compareAnnotation(event)
      : this.#comparePartEnd(event, part);
  }

  /** A new annotation waits until the text passes the end of the log: the log may have more of the text already. */
  #compareAnnotation(event: ItemEventDraft): Comparison {
    if (!this.#hasAnnotation(event)) this.#others.push(event);
    return LOGGED;
  }

  #comparePartEnd(event: ItemEventDraft, part: LoggedPart): Comparison {
    return part.isDone ? LOGGED : this.#continueWith(event);
  }

  #continueWith(event: ItemEventDraft): Comparison {
    return this.#isCaughtUp() ? { kind: "new", events: [event] } : DIFFERS;
  }

  #compareDelta(event: ItemEventDraft, key: string, part: LoggedPart): Comparison {
    const { text: delta } = readEventText(event)!;
    const from = this.#compared.get(key) ?? 0;
    const left = part.text.length - from;
    if (delta.length <= left) {
      this.#compared.set(key, from + delta.length);
      return part.text.startsWith(delta, from) ? LOGGED : DIFFERS;
    }
    this.#compared.set(key, part.text.length);
    const continues = delta.startsWith(part.text.slice(from)) && !part.isFinished && this.#isCaughtUp();
    return continues ? { kind: "new", events: [withoutStart(event, left)] } : DIFFERS;
  }

  /** A text may come without deltas. The part that the log lacks becomes a delta. */
  #compareWhole(event: ItemEventDraft, key: string, part: LoggedPart, text: string): Comparison {
    this.#compared.set(key, part.text.length);
    if (part.isFinished) return text === part.text ? LOGGED : DIFFERS;
    if (!text.startsWith(part.text) || !this.#isCaughtUp()) return DIFFERS;
    const rest = text.slice(part.text.length);
    return { kind: "new", events: rest === "" ? [event] : [deltaBefore(event, rest), event] };
  }

  /** Whether the upstream has repeated all the text that the log has. */
  #isCaughtUp(): boolean {
    for (const [key, part] of this.#logged.parts) {
      const compared = this.#compared.get(key);
      if (compared === undefined || compared < part.text.length) return false;
    }
    return true;
  }
}

/** Cuts the first `length` code units from the delta, and drops the logprobs of tokens that start in them. */
function withoutStart(event: ItemEventDraft, length: number): ItemEventDraft {
  switch (event.type) {
    case "response.output_text.delta": {
      let start = 0;
      const logprobs = event.logprobs.filter(({ token }) => {
        const isNew = start >= length;
        start += token.length;
        return isNew;
      });
      return { ...event, delta: event.delta.slice(length), logprobs };
    }
    case "response.refusal.delta":
    case "response.reasoning_text.delta":
    case "response.reasoning_summary_text.delta":
      return { ...event, delta: event.delta.slice(length) };
    default:
      return event;
  }
}

function deltaBefore(event: ItemEventDraft, delta: string): ItemEventDraft {
  switch (event.type) {
    case "response.output_text.done": {
      const { text: _, ...at } = event;
      return { ...at, type: "response.output_text.delta", delta, logprobs: [] };
    }
    case "response.refusal.done": {
      const { refusal: _, ...at } = event;
      return { ...at, type: "response.refusal.delta", delta };
    }
    case "response.reasoning_text.done": {
      const { text: _, ...at } = event;
      return { ...at, type: "response.reasoning_text.delta", delta };
    }
    case "response.reasoning_summary_text.done": {
      const { text: _, ...at } = event;
      return { ...at, type: "response.reasoning_summary_text.delta", delta };
    }
    default:
      throw new Error(`The event ${event.type} does not end a text.`);
  }
}
