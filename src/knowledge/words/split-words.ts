/**
 * Splits a text into the words that a search compares, in any language. Case, width, accents and other forms of the same
 * character do not matter (NFKC). Scripts without spaces between words are split by a dictionary (`Intl.Segmenter`).
 */

/** ICU's dictionaries need no language here. */
const WORDS = new Intl.Segmenter("en", { granularity: "word" });
const RUN = /[\p{L}\p{M}\p{N}]+/gu;
const WITHOUT_SPACES =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
// eslint-disable-next-line no-control-regex -- the range of ASCII
const ASCII = /^[\0-\x7f]*$/;
const ACCENTS = /[\u0300-\u036f]/g;
/** Longer runs are no words, but encoded data. */
const MAX_WORD_CHARACTERS = 64;
/** Bounds the text that one call of the segmenter copies. */
const MAX_SEGMENTED = 4 * 1024;

export function* splitWords(text: string): Generator<string> {
  for (const [run] of fold(text).matchAll(RUN)) {
    if (!WITHOUT_SPACES.test(run)) yield run.slice(0, MAX_WORD_CHARACTERS);
    else yield* splitRun(run);
  }
}

function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return text.toLowerCase().normalize("NFKD").replaceAll(ACCENTS, "").normalize("NFKC");
}

function* splitRun(run: string): Generator<string> {
  for (let at = 0; at < run.length; at += MAX_SEGMENTED) {
    for (const { segment } of WORDS.segment(run.slice(at, at + MAX_SEGMENTED))) {
      yield segment.slice(0, MAX_WORD_CHARACTERS);
    }
  }
}
