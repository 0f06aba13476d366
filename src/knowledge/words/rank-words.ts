/**
 * Ranks chunks by BM25 (Robertson, Zaragoza 2009). The score is divided by the highest that the query can reach, so that
 * 1 means that a chunk is about nothing but the words of the query.
 */
import { TimeSlice } from "../../concurrency/time-slice.ts";
import type { LoadedStore, StoreBlock } from "../loaded-store.ts";
import { BestChunks, type RankedChunk } from "../ranking/best-chunks.ts";
import type { QueryTerm } from "./terms.ts";
import { findTerm, MAX_BLOCK_CHUNKS } from "./word-block.ts";

/** The usual values: how soon repetitions stop to count, and how much the length of a chunk counts. */
const K1 = 1.2;
const B = 0.75;
/** Blocks between two looks at the clock. */
const BLOCKS_PER_STEP = 32;

/** Returns at most `limit` chunks with any of the terms, best first. */
export async function rankByWords(
  { chunks, words }: Pick<LoadedStore, "chunks" | "words">,
  blocks: readonly StoreBlock[],
  terms: readonly QueryTerm[],
  limit: number,
): Promise<RankedChunk[]> {
  if (chunks === 0 || terms.length === 0) return [];
  const slice = new TimeSlice();
  const places = new Int32Array(blocks.length * terms.length);
  const frequencies = new Uint32Array(terms.length);
  for (let at = 0; at < blocks.length; at += 1) {
    if (at % BLOCKS_PER_STEP === 0 && slice.isOver) await slice.yieldToOthers();
    locateTerms(blocks[at]!, terms, places.subarray(at * terms.length, (at + 1) * terms.length), frequencies);
  }
  const weights = terms.map(({ weight }, i) => weight * inverseFrequency(chunks, frequencies[i]!));
  const highest = weights.reduce((sum, weight) => sum + weight * (K1 + 1), 0);
  const averageLength = Math.max(1, words / chunks);
  const best = new BestChunks(limit);
  const scores = new Float64Array(MAX_BLOCK_CHUNKS);
  for (let at = 0; at < blocks.length; at += 1) {
    if (!blocks[at]!.isAllowed) continue;
    if (at % BLOCKS_PER_STEP === 0 && slice.isOver) await slice.yieldToOthers();
    scoreBlock(
      blocks[at]!,
      places.subarray(at * terms.length, (at + 1) * terms.length),
      weights,
      averageLength,
      scores,
    );
    for (let row = 0; row < blocks[at]!.block.words.lengths.length; row += 1) {
      if (scores[row]! > 0) best.add(at, row, scores[row]! / highest);
    }
  }
  return best.sorted();
}

/** Finds the terms in a block, and adds the number of its chunks that have each. Also in blocks that are not allowed. */
function locateTerms(
  { block: { words } }: StoreBlock,
  terms: readonly QueryTerm[],
  places: Int32Array,
  frequencies: Uint32Array,
): void {
  for (const [i, { hash }] of terms.entries()) {
    const place = findTerm(words, hash);
    places[i] = place;
    if (place >= 0) frequencies[i] = frequencies[i]! + words.starts[place + 1]! - words.starts[place]!;
  }
}

/** Writes the score of each chunk of the block. */
function scoreBlock(
  { block: { words } }: StoreBlock,
  places: Int32Array,
  weights: readonly number[],
  averageLength: number,
  scores: Float64Array,
): void {
  scores.fill(0);
  for (const [i, place] of places.entries()) {
    if (place < 0) continue;
    const end = words.starts[place + 1]!;
    for (let posting = words.starts[place]!; posting < end; posting += 1) {
      const chunk = words.chunks[posting]!;
      const count = words.counts[posting]!;
      const norm = K1 * (1 - B + (B * words.lengths[chunk]!) / averageLength);
      scores[chunk] = scores[chunk]! + (weights[i]! * count * (K1 + 1)) / (count + norm);
    }
  }
}

function inverseFrequency(chunks: number, frequency: number): number {
  return Math.log(1 + (chunks - frequency + 0.5) / (frequency + 0.5));
}
