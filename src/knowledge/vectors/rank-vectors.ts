/** Ranks chunks by the cosine between their vector and the query's. Looks at every vector, so it misses none. */
import { TimeSlice } from "../../concurrency/time-slice.ts";
import type { StoreBlock } from "../loaded-store.ts";
import { BestChunks, type RankedChunk } from "../ranking/best-chunks.ts";
import { multiplyRows } from "./dot-products.ts";
import type { QuantizedQuery } from "./quantize.ts";

/** Blocks between two looks at the clock: about a millisecond of work. */
const BLOCKS_PER_STEP = 32;

/** Returns at most `limit` chunks, best first. Skips chunks with vectors of another size. */
export async function rankByVectors(
  blocks: readonly StoreBlock[],
  query: QuantizedQuery,
  limit: number,
): Promise<RankedChunk[]> {
  const slice = new TimeSlice();
  const best = new BestChunks(limit);
  for (const [at, { block, isAllowed }] of blocks.entries()) {
    if (at % BLOCKS_PER_STEP === 0 && slice.isOver) await slice.yieldToOthers();
    const { vectors } = block;
    if (!isAllowed || vectors?.dimensions !== query.dimensions) continue;
    const products = multiplyRows(query, vectors);
    for (let row = 0; row < products.length; row += 1) {
      best.add(at, row, products[row]! * vectors.scales[row]! * query.scale);
    }
  }
  return best.sorted();
}
