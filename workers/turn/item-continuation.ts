/**
 * Continues an item that an earlier attempt left open in the log. The upstream yields the item from its beginning; what
 * equals the log is kept back, and the first event beyond it resumes the item at its place and under its id. So a client
 * that joins deltas has every sentence once. If the new text differs, the caller closes the old item and everything that
 * was kept back becomes an item of its own (contract.md#crash-recovery).
 *
 * How an upstream comes to yield the same text again is its own affair: exactly (the simulator, a provider's recorded
 * stream), by prefix (the provider continues what it is given), or by generating again and being compared here.
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
 * `comparing`: nothing to record yet. `resumed`: `events` continue the item in the log, at the upstream's `output_index`
 * of it. `differs`: `events` are everything so far, and belong to another item.
 */
export type ContinuationResult =
  | { kind: "comparing" }
  | { kind: "resumed"; output_index: number; events: ItemEventDraft[] }
  | { kind: "differs"; events: ItemEventDraft[] };

/** An event against the log: the log has it, it goes beyond (as these events), or it contradicts. */
type Comparison = "told" | "differs" | ItemEventDraft[];

export class ItemContinuation {
  readonly #logged: UnfinishedItem;
  /** Everything so far, in case it differs. */
  #buffered: ItemEventDraft[] = [];
  /** Of items that the upstream began beside it, and annotations that the log lacks. */
  readonly #others: ItemEventDraft[] = [];
  #index: number | undefined;
  /** How much of each part has been compared, in UTF-16 code units. */
  readonly #compared = new Map<string, number>();
  #isResumed = false;

  constructor(told: UnfinishedItem) {
    this.#logged = told;
  }

  /** Call it with every event until it answers `differs`. After `resumed` it leaves out what the log has beyond the text. */
  accept(event: ItemEventDraft): ContinuationResult {
    if (this.#isResumed) return this.#afterResume(event);
    this.#buffered.push(event);
    this.#index ??= event.output_index;
    if (event.output_index !== this.#index) {
      this.#others.push(event);
      return { kind: "comparing" };
    }
    const verdict = this.#compare(event);
    if (verdict === "told") return { kind: "comparing" };
    const kept = this.#buffered;
    this.#buffered = [];
    if (verdict === "differs") return { kind: "differs", events: kept };
    this.#isResumed = true;
    return { kind: "resumed", output_index: this.#index, events: [...this.#others, ...verdict] };
  }

  #afterResume(event: ItemEventDraft): ContinuationResult {
    const isOld = event.output_index === this.#index && this.#hasAnnotation(event);
    return { kind: "resumed", output_index: this.#index!, events: isOld ? [] : [event] };
  }

  #hasAnnotation(event: ItemEventDraft): boolean {
    if (event.type !== "response.output_text.annotation.added") return false;
    const part = this.#logged.partAt(toPartKey(event)!);
    return part !== undefined && event.annotation_index < part.annotations;
  }

  #compare(event: ItemEventDraft): Comparison {
    if (event.type === "response.output_item.added")
      return isSameKind(event.item, this.#logged.item) ? "told" : "differs";
    const key = toPartKey(event);
    if (key === undefined) return this.#isCaughtUp() ? [event] : "differs";
    const part = this.#logged.partAt(key);
    if (part === undefined) return this.#isCaughtUp() ? [event] : "differs";
    const started = startedPartType(event);
    if (started !== undefined) {
      this.#compared.set(key, 0);
      return started === part.type ? "told" : "differs";
    }
    const text = readEventText(event);
    if (text?.isWhole === false) return this.#compareDelta(event, key, part);
    if (text !== undefined) return this.#compareWhole(event, key, part, text.text);
    return event.type === "response.output_text.annotation.added"
      ? this.#compareAnnotation(event)
      : this.#comparePartEnd(event, part);
  }

  /** One that the log lacks waits for the text to go beyond the log: the log may have more of the text already. */
  #compareAnnotation(event: ItemEventDraft): Comparison {
    if (!this.#hasAnnotation(event)) this.#others.push(event);
    return "told";
  }

  #comparePartEnd(event: ItemEventDraft, part: LoggedPart): Comparison {
    if (part.isDone) return "told";
    return this.#isCaughtUp() ? [event] : "differs";
  }

  #compareDelta(event: ItemEventDraft, key: string, part: LoggedPart): Comparison {
    const { text: delta } = readEventText(event)!;
    const from = this.#compared.get(key) ?? 0;
    const left = part.text.length - from;
    if (delta.length <= left) {
      this.#compared.set(key, from + delta.length);
      return part.text.startsWith(delta, from) ? "told" : "differs";
    }
    this.#compared.set(key, part.text.length);
    const continues = delta.startsWith(part.text.slice(from)) && !part.isFinished && this.#isCaughtUp();
    return continues ? [withoutStart(event, left)] : "differs";
  }

  /** A text may come without deltas: what the log does not have of it becomes one. */
  #compareWhole(event: ItemEventDraft, key: string, part: LoggedPart, text: string): Comparison {
    this.#compared.set(key, part.text.length);
    if (part.isFinished) return text === part.text ? "told" : "differs";
    if (!text.startsWith(part.text) || !this.#isCaughtUp()) return "differs";
    const rest = text.slice(part.text.length);
    return rest === "" ? [event] : [deltaBefore(event, rest), event];
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

function isSameKind(item: OutputItem, logged: OutputItem): boolean {
  return item.type === logged.type;
}

/** The delta without its first `length` code units, and without the logprobs of tokens that begin in them. */
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
      throw new Error(`${event.type} ends no text.`);
  }
}
