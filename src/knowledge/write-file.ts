/** Writes the chunks of a file to the index, block by block, so that a large file is never in memory as a whole. */
import type { StoredBlock, StoredIndex } from "../store/search-index/stored-index.ts";
import type { StoreEmbedding } from "./loaded-store.ts";
import { IndexError, type IndexedChunk, type IndexedFile, MAX_STORE_CHUNKS } from "./search-index.ts";
import { compress, encodeTextParts } from "./text-parts.ts";
import { encodeVectors, MAX_DIMENSIONS, quantizeVectors } from "./vectors/quantize.ts";
import { encodeWordBlock, MAX_BLOCK_CHUNKS } from "./words/word-block.ts";
import { nextSlice } from "../concurrency/next-slice.ts";

/** Bounds the time that the words of a block take. */
const MAX_BLOCK_CHARACTERS = 512 * 1024;

/** What was written and can be committed. */
export interface StagedFile {
  generation: string;
  blocks: number;
  chunks: number;
  bytes: number;
  fields: number;
  embedding: StoreEmbedding | undefined;
}

/** Throws an IndexError, or the signal's reason. What was written then expires. */
export async function stageFile(
  index: StoredIndex,
  storeId: string,
  fileId: string,
  file: IndexedFile,
  signal?: AbortSignal,
): Promise<StagedFile> {
  const staged: StagedFile = {
    generation: index.newGeneration(),
    blocks: 0,
    chunks: 0,
    bytes: 0,
    fields: 0,
    embedding: undefined,
  };
  for await (const chunks of intoBlocks(file.chunks)) {
    signal?.throwIfAborted();
    staged.chunks += chunks.length;
    if (staged.chunks > MAX_STORE_CHUNKS) throw storeFull(0);
    if (staged.blocks === 0) staged.embedding = embeddingOf(chunks[0]!, file.embeddingModel);
    const block = await encodeBlock(chunks, staged.embedding);
    const { fields, bytes } = await index.stageBlock(storeId, fileId, staged.generation, staged.blocks, block);
    staged.blocks += 1;
    staged.fields += fields;
    staged.bytes += bytes;
  }
  return staged;
}

export function storeFull(chunks: number): IndexError {
  const message = `A vector store has at most ${MAX_STORE_CHUNKS} chunks, and this one has ${chunks} besides this file.`;
  return new IndexError("store_full", message);
}

/** All blocks but the last are the same size, unless their texts are long. */
async function* intoBlocks(batches: IndexedFile["chunks"]): AsyncGenerator<IndexedChunk[]> {
  let block: IndexedChunk[] = [];
  let characters = 0;
  for await (const batch of batches) {
    for (const chunk of batch) {
      const isFull = block.length === MAX_BLOCK_CHUNKS || characters + chunk.text.length > MAX_BLOCK_CHARACTERS;
      if (block.length > 0 && isFull) {
        yield block;
        block = [];
        characters = 0;
      }
      block.push(chunk);
      characters += chunk.text.length;
    }
  }
  if (block.length > 0) yield block;
}

function embeddingOf({ vector }: IndexedChunk, model: string | undefined): StoreEmbedding | undefined {
  if (vector === undefined || model === undefined) return undefined;
  if (vector.length > MAX_DIMENSIONS) {
    const message = `A vector of ${vector.length} dimensions is longer than the maximum of ${MAX_DIMENSIONS}.`;
    throw new IndexError("too_many_dimensions", message);
  }
  return { model, dimensions: vector.length };
}

async function encodeBlock(
  chunks: readonly IndexedChunk[],
  embedding: StoreEmbedding | undefined,
): Promise<StoredBlock> {
  await nextSlice();
  const words = encodeWordBlock(chunks.map(searchableTextOf));
  return {
    words: await compress(words),
    vectors: embedding && encodeVectors(quantizeVectors(vectorsOf(chunks, embedding), embedding.dimensions)),
    texts: await encodeTextParts(chunks),
  };
}

/** The headings above a chunk belong to what it is about. */
function searchableTextOf({ heading, text }: IndexedChunk): string {
  return heading === undefined ? text : `${heading}\n${text}`;
}

function vectorsOf(chunks: readonly IndexedChunk[], { dimensions }: StoreEmbedding): Float32Array[] {
  return chunks.map(({ index, vector }) => {
    if (vector?.length === dimensions) return vector;
    throw new TypeError(`Chunk ${index} has a vector of ${vector?.length ?? 0} dimensions instead of ${dimensions}.`);
  });
}
