/**
 * Tokens of texts, as `o200k_base` cuts them: exact for the models that use it (GPT-4o and everything after it), an
 * estimate for others.
 *
 * A count never holds up its process: texts are counted in slices, and each round of the event loop takes one slice,
 * however many counts are under way. Beyond EXACT_TOKENS the rest is estimated from what was counted. The vocabulary
 * (about 0.2 s and 45 MB) is loaded by the first count.
 */
import { nextSlice } from "../concurrency/next-slice.ts";

/** Some milliseconds of work. */
const SLICE_CHARACTERS = 4 * 1024;
/** How far back from a slice's end a good place to cut is looked for. */
const CUT_WINDOW = 512;
/** Of one count: as many as the largest context windows hold. */
const EXACT_TOKENS = 1_000_000;
/** The tokenizer's memory of what it merged. As large as it is by default it gets slower by being full than by being none. */
const MERGE_CACHE_SIZE = 1_000;

/**
 * The tokenizer needs the square of a run that has no break in it (letters, spaces or signs alone), so longer ones are
 * counted in pieces of this size: each cut is at most a token or two off, and no natural word comes near it.
 */
const RUN_CHARACTERS = 128;
const LONG_RUN = new RegExp(
  ["[\\p{L}\\p{M}]", "\\s", "[^\\s\\p{L}\\p{M}\\p{N}]"].map((kind) => `${kind}{${RUN_CHARACTERS + 1},}`).join("|"),
  "gu",
);

/** Between these the tokenizer always begins a new piece, so that a cut there changes no count. */
const SAFE_CUT = /(?<=\p{L})(?= \p{L})|(?<=\n)(?=\p{L})/gu;

type CountTokens = (text: string) => number;

let loading: Promise<CountTokens> | undefined;

async function loadEncoding(): Promise<CountTokens> {
  const { countTokens, setMergeCacheSize } = await import("gpt-tokenizer/encoding/o200k_base");
  setMergeCacheSize(MERGE_CACHE_SIZE);
  // What looks like a special token in a conversation is text, as it is for the model.
  const options = { disallowedSpecial: new Set<string>() };
  return (text) => countTokens(text, options);
}

/** One count, of any number of texts. */
export class TokenCounter {
  readonly #maxTokens: number;
  #exactCharacters = 0;
  #exactTokens = 0;
  #charactersSinceYield = 0;

  /** `maxTokens` are counted exactly. */
  constructor(maxTokens = EXACT_TOKENS) {
    this.#maxTokens = maxTokens;
  }

  /** Rejects with the signal's reason once it is aborted. */
  async countText(text: string, signal?: AbortSignal): Promise<number> {
    if (text === "") return 0;
    loading ??= loadEncoding();
    const countTokens = await loading;
    let tokens = 0;
    for (let from = 0; from < text.length;) {
      if (this.#exactTokens >= this.#maxTokens) return tokens + this.#estimate(text.length - from);
      const to = findSliceEnd(text, from);
      await this.#yieldWhenDue(to - from, signal);
      const counted = countSlice(text.slice(from, to), countTokens);
      this.#exactCharacters += to - from;
      this.#exactTokens += counted;
      tokens += counted;
      from = to;
    }
    return tokens;
  }

  async #yieldWhenDue(characters: number, signal: AbortSignal | undefined): Promise<void> {
    this.#charactersSinceYield += characters;
    if (this.#charactersSinceYield < SLICE_CHARACTERS) return;
    this.#charactersSinceYield = characters;
    await nextSlice();
    signal?.throwIfAborted();
  }

  #estimate(characters: number): number {
    return Math.ceil((characters * this.#exactTokens) / this.#exactCharacters);
  }
}

function findSliceEnd(text: string, from: number): number {
  const end = from + SLICE_CHARACTERS;
  if (end >= text.length) return text.length;
  const start = end - CUT_WINDOW;
  let cut: number | undefined;
  // Two characters more, for a cut to see what is behind it.
  for (const match of text.slice(start, end + 2).matchAll(SAFE_CUT)) cut = start + match.index;
  return cut ?? (isLowSurrogate(text, end) ? end - 1 : end);
}

function countSlice(slice: string, countTokens: CountTokens): number {
  let tokens = 0;
  let from = 0;
  for (const { index, 0: run } of slice.matchAll(LONG_RUN)) {
    tokens += countTokens(slice.slice(from, index));
    for (let at = 0; at < run.length;) {
      const end = at + RUN_CHARACTERS;
      const to = isLowSurrogate(run, end) ? end - 1 : end;
      tokens += countTokens(run.slice(at, to));
      at = to;
    }
    from = index + run.length;
  }
  return tokens + countTokens(from === 0 ? slice : slice.slice(from));
}

/** Whether a cut here would part the two halves of one character. */
function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
