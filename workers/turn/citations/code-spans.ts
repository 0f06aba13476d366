/** Finds spans in backticks within a paragraph (CommonMark 0.31 §6.1). As many backticks close a span as opened it. */
export type EmitCharacter = (character: string, isCode: boolean) => void;

export class CodeSpans {
  readonly #emit: EmitCharacter;
  /** From the backtick that may have opened a span. Empty outside a span. */
  #waiting: string[] = [];
  #openLength = 0;
  /** Length of the current run of backticks. */
  #run = 0;
  #isEscaped = false;

  constructor(emit: EmitCharacter) {
    this.#emit = emit;
  }

  accept(character: string): void {
    if (this.#waiting.length === 0) {
      if (character === "`" && !this.#isEscaped) {
        this.#waiting.push(character);
        this.#openLength = 0;
        this.#run = 1;
        return;
      }
      this.#isEscaped = character === "\\" && !this.#isEscaped;
      this.#emit(character, false);
      return;
    }
    if (character === "`") {
      this.#run += 1;
    } else if (this.#run > 0) {
      if (this.#endRun()) return this.accept(character);
    }
    this.#waiting.push(character);
  }

  /** Ends the paragraph. A span that is still open is text. */
  end(): void {
    if (this.#waiting.length > 0 && !(this.#run > 0 && this.#endRun())) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#replay(waiting);
    }
    this.#isEscaped = false;
    this.#run = 0;
  }

  /** Whether the last run of backticks closed the span. */
  #endRun(): boolean {
    const length = this.#run;
    this.#run = 0;
    if (this.#openLength === 0) {
      this.#openLength = length;
      return false;
    }
    if (length !== this.#openLength) return false;
    for (const each of this.#waiting) this.#emit(each, true);
    this.#waiting = [];
    return true;
  }

  /** Emits the rest of a paragraph, in which every closing run is known. */
  #replay(text: readonly string[]): void {
    const closers = findClosers(text);
    for (let at = 0; at < text.length;) {
      const run = this.#isEscaped ? 0 : backtickRunLength(text, at);
      const indices = closers.get(run) ?? [];
      while (indices.length > 0 && indices.at(-1)! < at + run) indices.pop();
      const end = run === 0 || indices.length === 0 ? at + Math.max(run, 1) : indices.at(-1)! + run;
      const isCode = end > at + Math.max(run, 1);
      for (const each of text.slice(at, end)) this.#emit(each, isCode);
      this.#isEscaped = text[at] === "\\" && !this.#isEscaped;
      at = end;
    }
  }
}

function backtickRunLength(text: readonly string[], at: number): number {
  let end = at;
  while (text[end] === "`") end += 1;
  return end - at;
}

/** Indices of the runs of backticks by length, in descending order. */
function findClosers(text: readonly string[]): Map<number, number[]> {
  const closers = new Map<number, number[]>();
  for (let at = 0; at < text.length;) {
    const run = backtickRunLength(text, at);
    if (run > 0) {
      const indices = closers.get(run);
      if (indices === undefined) closers.set(run, [at]);
      else indices.push(at);
    }
    at += Math.max(run, 1);
  }
  for (const indices of closers.values()) indices.reverse();
  return closers;
}
