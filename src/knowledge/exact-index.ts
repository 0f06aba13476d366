/** The index that looks at every chunk. It is kept in Redis, and searched in the memory of the process. */
import type { Attributes } from "../protocol/attribute-filter.ts";
import type { StoredFile, StoredIndex } from "../store/search-index/stored-index.ts";
import type { Chunk } from "./chunks/chunk-document.ts";
import { fuseStores, type ScoredChunk } from "./fuse-stores.ts";
import type { LoadedStore } from "./loaded-store.ts";
import {
  IndexError,
  type IndexedFile,
  type IndexSize,
  MAX_STORE_CHUNKS,
  type SearchHit,
  type SearchIndex,
  type SearchQuery,
  type SearchResult,
} from "./search-index.ts";
import { rankStore } from "./search-store.ts";
import { StoreCache } from "./store-cache.ts";
import { readChunks, readChunkTexts } from "./read-chunks.ts";
import { stageFile, type StagedFile, storeFull } from "./write-file.ts";

/** A file that is replaced between the search and the reading of its texts makes the search start again, this often. */
const MAX_SEARCHES = 3;

export class ExactIndex implements SearchIndex {
  readonly #index: StoredIndex;
  readonly #cache: StoreCache;

  constructor(index: StoredIndex, cacheBytes: number) {
    this.#index = index;
    this.#cache = new StoreCache(index, cacheBytes);
  }

  async put(
    storeId: string,
    fileId: string,
    file: IndexedFile,
    signal?: AbortSignal,
  ): Promise<{ chunks: number; bytes: number }> {
    const staged = await stageFile(this.#index, storeId, fileId, file, signal);
    signal?.throwIfAborted();
    await this.#commit(storeId, fileId, staged, file.attributes);
    return { chunks: staged.chunks, bytes: staged.bytes };
  }

  async #commit(storeId: string, fileId: string, staged: StagedFile, attributes: Attributes): Promise<void> {
    const { embedding, fields, ...entry } = staged;
    const outcome = await this.#index.commitFile(storeId, fileId, {
      entry: { ...entry, hasVectors: embedding !== undefined },
      fields,
      attributes: JSON.stringify(attributes),
      embedding,
      maxChunks: MAX_STORE_CHUNKS,
    });
    switch (outcome.kind) {
      case "committed":
        return;
      case "full":
        throw storeFull(outcome.chunks);
      case "dropped":
        throw new IndexError("store_dropped", "The vector store was deleted.");
      case "expired":
        throw new IndexError("put_expired", "The file took too long to index.");
      case "embedding_changed": {
        const message = `The vector store has embeddings of ${outcome.model}, which do not compare with those of ${embedding?.model} (${embedding?.dimensions}).`;
        throw new IndexError("embedding_changed", message);
      }
    }
  }

  async removeFile(storeId: string, fileId: string): Promise<boolean> {
    return await this.#index.removeFile(storeId, fileId);
  }

  async updateAttributes(storeId: string, fileId: string, attributes: Attributes): Promise<boolean> {
    return await this.#index.updateAttributes(storeId, fileId, JSON.stringify(attributes));
  }

  async dropStore(storeId: string): Promise<void> {
    await this.#index.drop(storeId);
  }

  async size(storeId: string): Promise<IndexSize> {
    const { chunks, bytes, embedding } = await this.#index.readState(storeId);
    return { chunks, bytes, embedding };
  }

  async read(storeId: string, fileId: string): Promise<AsyncIterable<readonly Chunk[]> | undefined> {
    const file: StoredFile | undefined = await this.#index.readFile(storeId, fileId);
    return file && readChunks(this.#index, storeId, file);
  }

  async search(storeIds: readonly string[], query: SearchQuery): Promise<SearchResult> {
    for (let searches = 1; ; searches += 1) {
      const { scored, storesOfOtherModels } = await this.#rank(storeIds, query);
      const hits = await this.#readHits(scored);
      const isComplete = hits.length === scored.length;
      if (isComplete || searches === MAX_SEARCHES) return { hits, storesOfOtherModels };
    }
  }

  async #rank(
    storeIds: readonly string[],
    query: SearchQuery,
  ): Promise<{ scored: (ScoredChunk & { storeId: string })[]; storesOfOtherModels: string[] }> {
    const { text, embedding, filter } = query;
    const storeOf = new Map<object, string>();
    const rankings = [];
    const storesOfOtherModels: string[] = [];
    for (const storeId of new Set(storeIds)) {
      const store = await this.#cache.read(storeId);
      const isComparable = embedding !== undefined && areComparable(store, embedding);
      if (embedding !== undefined && store.embedding !== undefined && !isComparable) storesOfOtherModels.push(storeId);
      const vector = isComparable ? embedding.vector : undefined;
      const ranked = await rankStore(store, { text, vector, filter });
      for (const found of [...ranked.byWords, ...ranked.byVectors]) storeOf.set(found, storeId);
      rankings.push(ranked);
    }
    const scored = fuseStores(rankings, query).map((each) => ({ ...each, storeId: storeOf.get(each.found)! }));
    return { scored, storesOfOtherModels };
  }

  /** Leaves out chunks whose file has been replaced or removed since. */
  async #readHits(scored: readonly (ScoredChunk & { storeId: string })[]): Promise<SearchHit[]> {
    const texts = await readChunkTexts(
      this.#index,
      scored.map(({ storeId, found: { file, chunk } }) => ({ storeId, file, chunk })),
    );
    return scored.flatMap(({ storeId, found: { file }, score }, i) => {
      const chunk = texts[i];
      return chunk === undefined ? [] : [{ storeId, fileId: file.id, attributes: file.attributes, chunk, score }];
    });
  }
}

function areComparable({ embedding }: LoadedStore, query: NonNullable<SearchQuery["embedding"]>): boolean {
  return embedding?.model === query.model && embedding.dimensions === query.vector.length;
}
