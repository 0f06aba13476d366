/** One vector store in the memory of a process: what a search needs of every chunk, without the texts. */
import type { Attributes } from "../protocol/attribute-filter.ts";
import type { QuantizedVectors } from "./vectors/quantize.ts";
import type { WordBlock } from "./words/word-block.ts";

/** A part of a file: up to MAX_BLOCK_CHUNKS chunks. */
export interface LoadedBlock {
  /** Position of its first chunk in the file. */
  firstChunk: number;
  words: WordBlock;
  /** Undefined if the store has no embeddings. */
  vectors: QuantizedVectors | undefined;
}

export interface LoadedFile {
  id: string;
  /** Distinguishes the contents that the file has had in the store. */
  generation: string;
  attributes: Attributes;
  blocks: readonly LoadedBlock[];
  chunks: number;
  words: number;
  bytes: number;
}

/** Never changed. A search that has begun with one is not affected by a later change. */
export interface LoadedStore {
  revision: number;
  /** The model of the store's vectors; undefined if it has none. */
  embedding: StoreEmbedding | undefined;
  files: ReadonlyMap<string, LoadedFile>;
  chunks: number;
  words: number;
  /** Approximate size in memory. */
  bytes: number;
}

export interface StoreEmbedding {
  model: string;
  dimensions: number;
}

export const EMPTY_STORE: LoadedStore = {
  revision: 0,
  embedding: undefined,
  files: new Map(),
  chunks: 0,
  words: 0,
  bytes: 0,
};

/** A block with its file, as the rankings number them. */
export interface StoreBlock {
  file: LoadedFile;
  block: LoadedBlock;
  /** Whether a search may return its chunks. */
  isAllowed: boolean;
}

export function listBlocks(store: LoadedStore, isAllowed: (file: LoadedFile) => boolean): StoreBlock[] {
  const blocks: StoreBlock[] = [];
  for (const file of store.files.values()) {
    const allowed = isAllowed(file);
    for (const block of file.blocks) blocks.push({ file, block, isAllowed: allowed });
  }
  return blocks;
}
