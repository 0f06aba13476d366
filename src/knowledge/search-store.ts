/** Searches a loaded store: by words, by vectors, or by both. */
import type { AttributeFilter } from "../protocol/attribute-filter.ts";
import { type LoadedFile, type LoadedStore, listBlocks, type StoreBlock } from "./loaded-store.ts";
import type { RankedChunk } from "./ranking/best-chunks.ts";
import { matchesFilter } from "./ranking/match-filter.ts";
import { quantizeQuery } from "./vectors/quantize.ts";
import { rankByVectors } from "./vectors/rank-vectors.ts";
import { rankByWords } from "./words/rank-words.ts";
import { queryTermsOf } from "./words/terms.ts";

/** More of each ranking than any search returns, so that a chunk low in both can win over one high in only one. */
const RANKING_DEPTH = 200;

export interface StoreQuery {
  text: string;
  /** Undefined: only words count. */
  vector: Float32Array | undefined;
  filter: AttributeFilter | undefined;
}

export interface FoundChunk {
  file: LoadedFile;
  /** Position in the file. */
  chunk: number;
  /** Share of the query's words, 0..1; undefined if it has none of them, or has not been ranked by them. */
  wordScore?: number;
  /** Cosine, -1..1; undefined if it has not been ranked by vectors. */
  cosine?: number;
}

export interface StoreRankings {
  byWords: FoundChunk[];
  byVectors: FoundChunk[];
}

/** A chunk in both rankings is one object. */
export async function rankStore(store: LoadedStore, { text, vector, filter }: StoreQuery): Promise<StoreRankings> {
  const blocks = listBlocks(store, ({ attributes }) => filter === undefined || matchesFilter(attributes, filter));
  const words = await rankByWords(store, blocks, queryTermsOf(text), RANKING_DEPTH);
  const vectors = vector === undefined ? [] : await rankByVectors(blocks, quantizeQuery(vector), RANKING_DEPTH);
  const found = new Map<string, FoundChunk>();
  const find = (ranked: RankedChunk): FoundChunk => {
    const key = `${ranked.block}:${ranked.row}`;
    let chunk = found.get(key);
    if (chunk === undefined) found.set(key, (chunk = toFoundChunk(blocks, ranked)));
    return chunk;
  };
  return {
    byWords: words.map((ranked) => Object.assign(find(ranked), { wordScore: ranked.score })),
    byVectors: vectors.map((ranked) => Object.assign(find(ranked), { cosine: ranked.score })),
  };
}

function toFoundChunk(blocks: readonly StoreBlock[], { block: at, row }: RankedChunk): FoundChunk {
  const { file, block } = blocks[at]!;
  return { file, chunk: block.firstChunk + row };
}
