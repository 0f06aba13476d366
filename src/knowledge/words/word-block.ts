/**
 * The terms of one block of chunks, as an inverted index in one buffer. Integers are little-endian:
 *
 *   Uint32 × 4          number of terms, of postings, of chunks; 0
 *   Uint32 × terms      the terms, ascending
 *   Uint32 × terms + 1  where the postings of each term begin
 *   Uint32 × chunks     the number of words in each chunk
 *   Uint8 × postings    the chunk of each posting, ascending within a term
 *   Uint8 × postings    how often it has the term, up to 255
 */
import { forEachTerm } from "./terms.ts";

const HEADER = 4;
const MAX_COUNT = 255;
/** A posting stores a chunk's place in one byte. */
export const MAX_BLOCK_CHUNKS = 128;

export interface WordBlock {
  terms: Uint32Array;
  starts: Uint32Array;
  lengths: Uint32Array;
  chunks: Uint8Array;
  counts: Uint8Array;
}

/** `texts` are at most MAX_BLOCK_CHUNKS. */
export function encodeWordBlock(texts: readonly string[]): Uint8Array {
  const occurrences: number[] = [];
  // A term has 32 bits and a chunk 7, so that both fit into the 53 of a number.
  const lengths = texts.map((text, chunk) =>
    forEachTerm(text, (term) => occurrences.push(term * MAX_BLOCK_CHUNKS + chunk)),
  );
  const sorted = Float64Array.from(occurrences).sort();
  let postings = 0;
  let terms = 0;
  for (let i = 0; i < sorted.length; i += 1) {
    if (sorted[i] === sorted[i - 1]) continue;
    postings += 1;
    if (i === 0 || termOf(sorted[i]!) !== termOf(sorted[i - 1]!)) terms += 1;
  }
  const integers = HEADER + 2 * terms + 1 + lengths.length;
  const encoded = new Uint8Array(integers * 4 + 2 * postings);
  new Uint32Array(encoded.buffer, 0, HEADER).set([terms, postings, lengths.length]);
  const block = decodeWordBlock(encoded);
  block.lengths.set(lengths);
  writePostings(sorted, block);
  return encoded;
}

const termOf = (occurrence: number): number => Math.floor(occurrence / MAX_BLOCK_CHUNKS);

function writePostings(sorted: Float64Array, { terms, starts, chunks, counts }: WordBlock): void {
  let term = -1;
  let posting = -1;
  for (let i = 0; i < sorted.length; i += 1) {
    if (sorted[i] === sorted[i - 1]) {
      counts[posting] = Math.min(MAX_COUNT, counts[posting]! + 1);
      continue;
    }
    posting += 1;
    counts[posting] = 1;
    chunks[posting] = sorted[i]! % MAX_BLOCK_CHUNKS;
    const hash = termOf(sorted[i]!);
    if (term >= 0 && terms[term] === hash) continue;
    term += 1;
    terms[term] = hash;
    starts[term] = posting;
  }
  starts[term + 1] = posting + 1;
}

/** Returns views of the buffer, which is aligned to four bytes. */
export function decodeWordBlock({ buffer, byteOffset }: Uint8Array): WordBlock {
  const [termCount = 0, postingCount = 0, chunkCount = 0] = new Uint32Array(buffer, byteOffset, HEADER);
  let at = byteOffset + HEADER * 4;
  const integers = (count: number): Uint32Array => {
    const view = new Uint32Array(buffer, at, count);
    at += count * 4;
    return view;
  };
  const terms = integers(termCount);
  const starts = integers(termCount + 1);
  const lengths = integers(chunkCount);
  return {
    terms,
    starts,
    lengths,
    chunks: new Uint8Array(buffer, at, postingCount),
    counts: new Uint8Array(buffer, at + postingCount, postingCount),
  };
}

/** The place of a term, or -1. */
export function findTerm({ terms }: WordBlock, term: number): number {
  let low = 0;
  let high = terms.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const found = terms[middle]!;
    if (found === term) return middle;
    if (found < term) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
