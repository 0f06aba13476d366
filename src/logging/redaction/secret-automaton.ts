/**
 * The Aho-Corasick automaton over the forms of all secrets. It knows only the first characters of a long form; the
 * following text, up to the form's length, counts as the rest. A form therefore costs a bounded number of states, and
 * nothing is compared twice. If a text is cut off inside a secret, the closing quotation mark stays: the rest of a form
 * without quotation marks ends there.
 */
import type { SecretForm } from "./secret-forms.ts";

/** No text starts with this many characters of a secret by chance. */
const KNOWN_CHARACTERS = 64;
const CHARACTERS = 0x1_0000;

type Range = [from: number, to: number];

export class SecretAutomaton {
  readonly #maxStates: number;
  readonly #minTail: number;
  /** Maps a state and a character to the next state. */
  readonly #next = new Map<number, number>();
  readonly #starts = new Uint8Array(CHARACTERS);
  /** For each state: the number of characters that lead to it, where redaction starts, and how far it extends. */
  readonly #depth: number[] = [0];
  readonly #before: number[] = [0];
  readonly #beyond: number[] = [0];
  /** The same for forms without quotation marks and line ends. */
  readonly #plainBeyond: number[] = [0];
  readonly #fallback: number[] = [0];
  readonly #edges: { from: number; code: number; to: number }[] = [];

  /** A form's first `minTail` or more characters at the end of a text count as a secret that was cut off. */
  constructor(maxStates: number, minTail: number) {
    this.#maxStates = maxStates;
    this.#minTail = minTail;
  }

  /** Returns false if there are too many states. */
  add({ text, length, isPlain, margin }: SecretForm): boolean {
    const known = Math.min(text.length, KNOWN_CHARACTERS);
    let state = 0;
    for (let i = 0; i < known; i++) {
      const code = text.charCodeAt(i);
      let next = this.#next.get(state * CHARACTERS + code);
      if (next === undefined) {
        if (this.#depth.length >= this.#maxStates) return false;
        next = this.#depth.push(i + 1) - 1;
        this.#before.push(0);
        this.#beyond.push(0);
        this.#plainBeyond.push(0);
        this.#fallback.push(0);
        this.#next.set(state * CHARACTERS + code, next);
        this.#edges.push({ from: state, code, to: next });
        if (state === 0) this.#starts[code] = 1;
      }
      state = next;
    }
    const rest = length - known + margin.after;
    this.#recordMatch(state, known + margin.before, isPlain ? 0 : rest, isPlain ? rest : 0);
    return true;
  }

  /** Call it after the last form. Each state then knows the forms of its fallback states. */
  finish(): void {
    for (const { from, code, to } of this.#edges.toSorted((a, b) => this.#depth[a.to]! - this.#depth[b.to]!)) {
      const fallback = from === 0 ? 0 : this.#step(this.#fallback[from]!, code);
      this.#fallback[to] = fallback;
      this.#recordMatch(to, this.#before[fallback]!, this.#beyond[fallback]!, this.#plainBeyond[fallback]!);
    }
  }

  /** Finds all forms. The ranges may overlap. */
  find(text: string): Range[] {
    const found: Range[] = [];
    let last: Range | undefined;
    let plainEnd = 0;
    let state = 0;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (state === 0 && this.#starts[code] === 0) continue;
      state = this.#step(state, code);
      const before = this.#before[state]!;
      if (before === 0) continue;
      const from = Math.max(0, i + 1 - before);
      if (plainEnd <= i && this.#plainBeyond[state]! > 0) plainEnd = nextEnd(text, i + 1);
      const plainTo = Math.max(i + 1, Math.min(plainEnd, i + 1 + this.#plainBeyond[state]!));
      const to = Math.min(text.length, Math.max(plainTo, i + 1 + this.#beyond[state]!));
      // A text full of secrets yields one range instead of one per character.
      if (last !== undefined && from >= last[0] && from < last[1]) last[1] = Math.max(last[1], to);
      else found.push((last = [from, to]));
    }
    const tail = this.#depth[state]!;
    if (tail >= this.#minTail) found.push([text.length - tail, text.length]);
    return found;
  }

  #step(from: number, code: number): number {
    for (let state = from; ; state = this.#fallback[state]!) {
      const next = this.#next.get(state * CHARACTERS + code);
      if (next !== undefined) return next;
      if (state === 0) return 0;
    }
  }

  #recordMatch(state: number, before: number, beyond: number, plainBeyond: number): void {
    if (before === 0) return;
    this.#plainBeyond[state] = Math.max(this.#plainBeyond[state]!, plainBeyond);
    this.#before[state] = Math.max(this.#before[state]!, before);
    this.#beyond[state] = Math.max(this.#beyond[state]!, beyond);
  }
}

function nextEnd(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const character = text[i]!;
    if (character === '"' || character === "\n" || character === "\r") return i;
  }
  return text.length;
}
