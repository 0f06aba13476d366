/**
 * The contract of an index over the chunks of vector stores. Ids of stores and files are this server's own and have been
 * checked against their project. Every method may be repeated after an error or a crash.
 */
import type { AttributeFilter, Attributes } from "../protocol/attribute-filter.ts";
import type { Chunk } from "./chunks/chunk-document.ts";
import type { StoreEmbedding } from "./loaded-store.ts";

/** Maximum chunks of a store in the exact index. */
export const MAX_STORE_CHUNKS = 100_000;
export const MAX_RESULTS = 50;

export interface IndexedChunk extends Chunk {
  /** Required for every chunk of a file or for none. */
  vector?: Float32Array;
}

export interface IndexedFile {
  attributes: Attributes;
  /** The model of the chunks' vectors. */
  embeddingModel?: string;
  /** In the order of their indexes, in batches of any size. */
  chunks: AsyncIterable<readonly IndexedChunk[]> | Iterable<readonly IndexedChunk[]>;
}

/** Weights of `ranking_options.hybrid_search`. */
export interface HybridWeights {
  embedding: number;
  text: number;
}

export interface SearchQuery {
  text: string;
  /** The query's embedding, with the model that made it. It is compared only with vectors of the same model. */
  embedding?: { model: string; vector: Float32Array } | undefined;
  filter?: AttributeFilter | undefined;
  /** 1 to MAX_RESULTS. */
  maxResults: number;
  /** 0..1. */
  scoreThreshold?: number | undefined;
  weights?: HybridWeights | undefined;
}

export interface SearchHit {
  storeId: string;
  fileId: string;
  attributes: Attributes;
  chunk: Chunk;
  /** 0..1, see docs/knowledge.md. */
  score: number;
}

export interface SearchResult {
  /** Best first. */
  hits: SearchHit[];
  /** Stores whose vectors are of another model than the query's, so that only their words counted. */
  storesOfOtherModels: string[];
}

export interface IndexSize {
  chunks: number;
  bytes: number;
  embedding: StoreEmbedding | undefined;
}

export interface SearchIndex {
  /** Adds a file or replaces it: a search sees either all of the old chunks or all of the new. Throws an IndexError. */
  put(
    storeId: string,
    fileId: string,
    file: IndexedFile,
    signal?: AbortSignal,
  ): Promise<{ chunks: number; bytes: number }>;
  /** False if the store has no such file. */
  removeFile(storeId: string, fileId: string): Promise<boolean>;
  /** False if the store has no such file. */
  updateAttributes(storeId: string, fileId: string, attributes: Attributes): Promise<boolean>;
  /** Sees every change that was complete when it was called. */
  search(storeIds: readonly string[], query: SearchQuery): Promise<SearchResult>;
  /** The chunks of a file in order, in batches; undefined if the store has no such file. */
  read(storeId: string, fileId: string): Promise<AsyncIterable<readonly Chunk[]> | undefined>;
  size(storeId: string): Promise<IndexSize>;
  /** Removes everything. Later puts are rejected. */
  dropStore(storeId: string): Promise<void>;
}

/**
 * `store_full`: the store would have more than MAX_STORE_CHUNKS chunks. `store_dropped`: the store was deleted meanwhile.
 * `embedding_changed`: the store has vectors of another model or size. `put_expired`: the put took so long that its parts
 * expired; repeat it. `file_changed`: the file was replaced or removed while it was read.
 */
export type IndexErrorCode =
  | "store_full"
  | "store_dropped"
  | "embedding_changed"
  | "put_expired"
  | "file_changed"
  | "too_many_dimensions";

export class IndexError extends Error {
  override readonly name = "IndexError";
  readonly code: IndexErrorCode;
  constructor(code: IndexErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}
