/**
 * Continues an item that an earlier attempt left open in the log. The upstream yields the item from its beginning. Events
 * that equal the log are buffered; the first event beyond it resumes the logged item at its index and under its id, so
 * that a client that joins deltas reads each sentence once. If the new text differs, the caller closes the old item, and
 * the buffered events become an item of their own (contract.md#crash-recovery).
 *
 * An upstream repeats the text exactly (the simulator, a provider's recorded stream), by sending it as a prefix that the
 * provider continues, or by chance when it generates again.
 */
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import {
  toPartKey,
  startedPartType,
  readEventText,
  type UnfinishedItem,
  type LoggedPart,
} from "../attempt/unfinished-item.ts";

/**
 * - `comparing`: nothing to record yet.
 * - `resumed`: `events` continue the logged item, which has `output_index` at the upstream.
 * - `differs`: `events` are all events so far, and belong to another item.
 */
export type ContinuationResult =
  | { kind: "comparing" }
  | { kind: "resumed"; output_index: number; events: ItemEventDraft[] }
  | { kind: "differs"; events: ItemEventDraft[] };

/** An event compared with the log: it repeats the log, extends it with `events`, or contradicts it. */
type Comparison = { kind: "logged" } | { kind: "differs" } | { kind: "extends"; events: ItemEventDraft[] };

const LOGGED: Comparison = { kind: "logged" };
const DIFFERS: Comparison = { kind: "differs" };

export class ItemContinuation {
  readonly #logged: UnfinishedItem;
  /** All events so far, in case the item differs. */
  #buffered: ItemEventDraft[] = [];
  /** Events of other items that the upstream has started, and annotations that the log lacks. */
  readonly #others: ItemEventDraft[] = [];
  #index: number | undefined;
  /** Compared length of each part, in UTF-16 code units. */
  readonly #compared = new Map<string, number>();
  #isResumed = false;

  constructor(logged: UnfinishedItem) {
    this.#logged = logged;
  }

  /** Call it with each event until it returns `differs`. After `resumed` it still drops annotations that the log has. */
  accept(event: ItemEventDraft): ContinuationResult {
    if (this.#isResumed) return this.#afterResume(event);
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
    const isRepeated = event.output_index === this.#index && this.#hasAnnotation(event);
    return { kind: "resumed", output_index: this.#index!, events: isRepeated ? [] : [event] };
  }

  #hasAnnotation(event: ItemEventDraft): boolean {
    if (event.type !== "response.output_text.annotation.added") return false;
    const part = this.#logged.partAt(toPartKey(event)!);
    return part !== undefined && event.annotation_index < part.annotations;
  }

  #compare(event: ItemEventDraft): Comparison {
    if (event.type === "response.output_item.added") return this.#compareItem(event.item);
    const key = toPartKey(event);
    const part = key === undefined ? undefined : this.#logged.partAt(key);
    if (key === undefined || part === undefined) return this.#extendIfCaughtUp(event);
    const started = startedPartType(event);
    if (started !== undefined) {
      this.#compared.set(key, 0);
      return started === part.type ? LOGGED : DIFFERS;
    }
    const text = readEventText(event);
    if (text?.isWhole === false) return this.#compareDelta(event, key, part);
    if (text !== undefined) return this.#compareWhole(event, key, part, text.text);
    if (event.type === "response.output_text.annotation.added") return this.#compareAnnotation(event);
    return part.isDone ? LOGGED : this.#extendIfCaughtUp(event);
  }

  #compareItem(item: OutputItem): Comparison {
    return item.type === this.#logged.item.type ? LOGGED : DIFFERS;
  }

  #extendIfCaughtUp(event: ItemEventDraft): Comparison {
    return this.#isCaughtUp() ? { kind: "extends", events: [event] } : DIFFERS;
  }

  /** An annotation that the log lacks waits for new text: the log may already have more of the text. */
  #compareAnnotation(event: ItemEventDraft): Comparison {
    if (!this.#hasAnnotation(event)) this.#others.push(event);
    return LOGGED;
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
    return continues ? { kind: "extends", events: [withoutStart(event, left)] } : DIFFERS;
  }

  /** A text may arrive without deltas: the part that the log lacks becomes one. */
  #compareWhole(event: ItemEventDraft, key: string, part: LoggedPart, text: string): Comparison {
    this.#compared.set(key, part.text.length);
    if (part.isFinished) return text === part.text ? LOGGED : DIFFERS;
    if (!text.startsWith(part.text) || !this.#isCaughtUp()) return DIFFERS;
    const rest = text.slice(part.text.length);
    return { kind: "extends", events: rest === "" ? [event] : [deltaBefore(event, rest), event] };
  }

  /** Whether the upstream has repeated all logged text. */
  #isCaughtUp(): boolean {
    for (const [key, part] of this.#logged.parts) {
      const compared = this.#compared.get(key);
      if (compared === undefined || compared < part.text.length) return false;
    }
    return true;
  }
}

/** The delta without its first `length` code units, and without the logprobs of tokens that start in them. */
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

/** The delta that brings the rest of a text before `event` ends it. */
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
      throw new Error(`${event.type} does not end a text.`);
  }
}
