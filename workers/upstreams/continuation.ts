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
import { partKey, startedPart, textOf, type ToldItem, type ToldPart } from "../attempt/told-item.ts";

/**
 * `comparing`: nothing to record yet. `resumed`: `events` continue the item in the log, at the upstream's `output_index`
 * of it. `differs`: `events` are everything so far, and belong to another item.
 */
export type Continued =
  | { kind: "comparing" }
  | { kind: "resumed"; output_index: number; events: ItemEventDraft[] }
  | { kind: "differs"; events: ItemEventDraft[] };

/** An event against the log: the log has it, it goes beyond (as these events), or it contradicts. */
type Verdict = "told" | "differs" | ItemEventDraft[];

export class Continuation {
  readonly #told: ToldItem;
  /** Everything so far, in case it differs. */
  #kept: ItemEventDraft[] = [];
  /** Of items that the upstream began beside it, and annotations that the log lacks. */
  readonly #others: ItemEventDraft[] = [];
  #place: number | undefined;
  /** How much of each part has been compared, in UTF-16 code units. */
  readonly #compared = new Map<string, number>();
  #isResumed = false;

  constructor(told: ToldItem) {
    this.#told = told;
  }

  /** Call it with every event until it answers `differs`. After `resumed` it leaves out what the log has beyond the text. */
  accept(event: ItemEventDraft): Continued {
    if (this.#isResumed) return this.#afterwards(event);
    this.#kept.push(event);
    this.#place ??= event.output_index;
    if (event.output_index !== this.#place) {
      this.#others.push(event);
      return { kind: "comparing" };
    }
    const verdict = this.#compare(event);
    if (verdict === "told") return { kind: "comparing" };
    const kept = this.#kept;
    this.#kept = [];
    if (verdict === "differs") return { kind: "differs", events: kept };
    this.#isResumed = true;
    return { kind: "resumed", output_index: this.#place, events: [...this.#others, ...verdict] };
  }

  #afterwards(event: ItemEventDraft): Continued {
    const isOld = event.output_index === this.#place && this.#hasAnnotation(event);
    return { kind: "resumed", output_index: this.#place!, events: isOld ? [] : [event] };
  }

  #hasAnnotation(event: ItemEventDraft): boolean {
    if (event.type !== "response.output_text.annotation.added") return false;
    const part = this.#told.partAt(partKey(event)!);
    return part !== undefined && event.annotation_index < part.annotations;
  }

  #compare(event: ItemEventDraft): Verdict {
    if (event.type === "response.output_item.added")
      return isSameKind(event.item, this.#told.item) ? "told" : "differs";
    const key = partKey(event);
    if (key === undefined) return this.#isCompared() ? [event] : "differs";
    const part = this.#told.partAt(key);
    if (part === undefined) return this.#isCompared() ? [event] : "differs";
    const started = startedPart(event);
    if (started !== undefined) {
      this.#compared.set(key, 0);
      return started === part.type ? "told" : "differs";
    }
    const text = textOf(event);
    if (text?.isWhole === false) return this.#compareDelta(event, key, part);
    if (text !== undefined) return this.#compareWhole(event, key, part, text.text);
    return event.type === "response.output_text.annotation.added"
      ? this.#compareAnnotation(event)
      : this.#comparePartEnd(event, part);
  }

  /** One that the log lacks waits for the text to go beyond the log: the log may have more of the text already. */
  #compareAnnotation(event: ItemEventDraft): Verdict {
    if (!this.#hasAnnotation(event)) this.#others.push(event);
    return "told";
  }

  #comparePartEnd(event: ItemEventDraft, part: ToldPart): Verdict {
    if (part.isDone) return "told";
    return this.#isCompared() ? [event] : "differs";
  }

  #compareDelta(event: ItemEventDraft, key: string, part: ToldPart): Verdict {
    const { text: delta } = textOf(event)!;
    const from = this.#compared.get(key) ?? 0;
    const left = part.text.length - from;
    if (delta.length <= left) {
      this.#compared.set(key, from + delta.length);
      return part.text.startsWith(delta, from) ? "told" : "differs";
    }
    this.#compared.set(key, part.text.length);
    const continues = delta.startsWith(part.text.slice(from)) && !part.isFinished && this.#isCompared();
    return continues ? [withoutStart(event, left)] : "differs";
  }

  /** A text may come without deltas: what the log does not have of it becomes one. */
  #compareWhole(event: ItemEventDraft, key: string, part: ToldPart, text: string): Verdict {
    this.#compared.set(key, part.text.length);
    if (part.isFinished) return text === part.text ? "told" : "differs";
    if (!text.startsWith(part.text) || !this.#isCompared()) return "differs";
    const rest = text.slice(part.text.length);
    return rest === "" ? [event] : [deltaBefore(event, rest), event];
  }

  /** Whether the upstream has repeated all the text that the log has. */
  #isCompared(): boolean {
    for (const [key, part] of this.#told.parts) {
      const compared = this.#compared.get(key);
      if (compared === undefined || compared < part.text.length) return false;
    }
    return true;
  }
}

function isSameKind(item: OutputItem, told: OutputItem): boolean {
  return item.type === told.type;
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
