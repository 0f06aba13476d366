/**
 * Counts tokens with the `o200k_base` vocabulary: exact for models that use it (GPT-4o and later), an estimate for
 * others. Counting never blocks the process: texts are counted in slices, one slice per round of the event loop,
 * however many counts run at once. Beyond EXACT_TOKENS the rest is extrapolated. The first count loads the vocabulary
 * (about 0.2 s and 45 MB).
 */
import { nextSlice } from "../concurrency/next-slice.ts";

/** A few milliseconds of work. */
const SLICE_CHARACTERS = 4 * 1024;
/** Distance from the end of a slice in which to look for a safe cut. */
const CUT_WINDOW = 512;
/** Per count. As many tokens as the largest context windows hold. */
const EXACT_TOKENS = 1_000_000;
/** Size of the tokenizer's merge cache. At its default size a full cache is slower than no cache. */
const MERGE_CACHE_SIZE = 1_000;

/**
 * The tokenizer needs quadratic time for a run without a break (only letters, spaces or symbols), so longer runs are
 * counted in pieces of this size. Each cut is off by at most one or two tokens, and no natural word is that long.
 */
const RUN_CHARACTERS = 128;
const LONG_RUN = new RegExp(
  ["[\\p{L}\\p{M}]", "\\s", "[^\\s\\p{L}\\p{M}\\p{N}]"].map((kind) => `${kind}{${RUN_CHARACTERS + 1},}`).join("|"),
  "gu",
);

/** The tokenizer always starts a new piece between these, so a cut here does not change the count. */
const SAFE_CUT = /(?<=\p{L})(?= \p{L})|(?<=\n)(?=\p{L})/gu;

type CountTokens = (text: string) => number;

let loading: Promise<CountTokens> | undefined;

async function loadEncoding(): Promise<CountTokens> {
  const { countTokens, setMergeCacheSize } = await import("gpt-tokenizer/encoding/o200k_base");
  setMergeCacheSize(MERGE_CACHE_SIZE);
  // Special tokens inside a conversation are ordinary text, for the model too.
  const options = { disallowedSpecial: new Set<string>() };
  return (text) => countTokens(text, options);
}

/** One count over any number of texts. */
export class TokenCounter {
  readonly #maxTokens: number;
  #exactCharacters = 0;
  #exactTokens = 0;
  #charactersSinceYield = 0;

  /** Counts at most `maxTokens` exactly. */
  constructor(maxTokens = EXACT_TOKENS) {
    this.#maxTokens = maxTokens;
  }

  /** Rejects with the signal's reason when the caller aborts. */
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
  // Two more characters, so that the pattern sees past the cut.
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

/** Whether a cut here would split a surrogate pair. */
function isLowSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xdc00 && code <= 0xdfff;
}
