/** Documents and indexes for tests of knowledge. */
import { ExactIndex } from "../../src/knowledge/exact-index.ts";
import type { IndexedChunk, SearchHit } from "../../src/knowledge/search-index.ts";
import { StoredIndex } from "../../src/store/search-index/stored-index.ts";
import type { TestStorage } from "./storage.ts";

const CACHE_BYTES = 64 * 1024 * 1024;

/** The index as one process has it. */
export function openIndex(
  { redis, layout }: Pick<TestStorage, "redis" | "layout">,
  cacheBytes = CACHE_BYTES,
): ExactIndex {
  return new ExactIndex(new StoredIndex(redis, layout), cacheBytes);
}

export function chunksOf(texts: readonly string[], vectors?: readonly Float32Array[]): IndexedChunk[][] {
  return [
    texts.map((text, index) => ({
      index,
      text,
      tokens: text.length,
      ...(vectors !== undefined && { vector: vectors[index]! }),
    })),
  ];
}

export function textsOf(hits: readonly SearchHit[]): string[] {
  return hits.map(({ chunk }) => chunk.text);
}
