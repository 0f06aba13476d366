/**
 * The terms of a text: its words, and their beginnings as a stem that suits many languages. A term is a 32-bit hash of
 * them, so that an index is small and needs no dictionary. Two words of a query and a store share a hash by chance about
 * once in ten thousand queries.
 */
import { splitWords } from "./split-words.ts";

/**
 * A word also counts by this many of its first characters; in Korean, where a character is a syllable and endings are
 * many, by fewer. docs/decisions/search.md has the figures.
 */
const STEM_CHARACTERS = 5;
const KOREAN_STEM_CHARACTERS = 2;
const STEM_WEIGHT = 0.7;
/** More words of a query are not considered. */
const MAX_QUERY_TERMS = 256;

const WORD_SEED = 0x811c9dc5;
const STEM_SEED = 0x01000193;

export interface QueryTerm {
  hash: number;
  /** Share of the term's score that counts. */
  weight: number;
}

/** Calls `add` with each term of the text, as often as the text has it. Returns the number of words. */
export function forEachTerm(text: string, add: (hash: number) => void): number {
  let words = 0;
  for (const word of splitWords(text)) {
    words += 1;
    add(hashOf(word, word.length, WORD_SEED));
    add(hashOf(word, stemLengthOf(word), STEM_SEED));
  }
  return words;
}

/** The different terms of a query. */
export function queryTermsOf(query: string): QueryTerm[] {
  const weights = new Map<number, number>();
  for (const word of splitWords(query)) {
    if (weights.size >= MAX_QUERY_TERMS) break;
    weights.set(hashOf(word, word.length, WORD_SEED), 1 - STEM_WEIGHT);
    weights.set(hashOf(word, stemLengthOf(word), STEM_SEED), STEM_WEIGHT);
  }
  return [...weights].map(([hash, weight]) => ({ hash, weight }));
}

function stemLengthOf(word: string): number {
  const first = word.charCodeAt(0);
  const isKorean = first >= 0xac00 && first <= 0xd7a3;
  return Math.min(word.length, isKorean ? KOREAN_STEM_CHARACTERS : STEM_CHARACTERS);
}

/** FNV-1a over UTF-16 code units, with a final mix. */
function hashOf(word: string, length: number, seed: number): number {
  let hash = seed;
  for (let i = 0; i < length; i += 1) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}
