/** Brings a store in memory up to date with the index in Redis. */
import { TimeSlice } from "../concurrency/time-slice.ts";
import { attributesSchema } from "../protocol/attribute-filter.ts";
import type { IndexState, StoredFile, StoredIndex } from "../store/search-index/stored-index.ts";
import { EMPTY_STORE, type LoadedBlock, type LoadedFile, type LoadedStore } from "./loaded-store.ts";
import { decompress } from "./text-parts.ts";
import { decodeVectors } from "./vectors/quantize.ts";
import { decodeWordBlock } from "./words/word-block.ts";

/** Files that are loaded at a time. */
const CONCURRENT_FILES = 32;
/** Blocks that one command reads: up to about 2 MB. */
const BLOCKS_PER_READ = 8;
/** Rough size of a file's and a block's objects. */
const FILE_OVERHEAD = 400;
const BLOCK_OVERHEAD = 600;

/** Loads what has changed since `known`. */
export async function loadStore(
  index: StoredIndex,
  storeId: string,
  state: IndexState,
  known: LoadedStore,
): Promise<LoadedStore> {
  // A lower revision is that of a Redis that was restored from an older file.
  const isUsable = known.revision >= state.forgotten && known.revision <= state.revision;
  const base = isUsable ? known : EMPTY_STORE;
  const { changed, removed } = await index.readChanges(storeId, base.revision);
  const files = new Map(base.files);
  for (const id of removed) files.delete(id);
  for (let from = 0; from < changed.length; from += CONCURRENT_FILES) {
    const page = changed.slice(from, from + CONCURRENT_FILES);
    const loaded = await Promise.all(page.map((file) => loadFile(index, storeId, file, base.files.get(file.id))));
    for (const [i, file] of loaded.entries()) {
      // Replaced or removed since: the next revision says more.
      if (file === undefined) files.delete(page[i]!.id);
      else files.set(file.id, file);
    }
  }
  return sumFiles(state, files);
}

function sumFiles({ revision, embedding }: IndexState, files: ReadonlyMap<string, LoadedFile>): LoadedStore {
  let [chunks, words, bytes] = [0, 0, 0];
  for (const file of files.values()) {
    chunks += file.chunks;
    words += file.words;
    bytes += file.bytes;
  }
  return { revision, embedding, files, chunks, words, bytes };
}

/** Undefined if the contents have been replaced or removed. */
async function loadFile(
  index: StoredIndex,
  storeId: string,
  file: StoredFile,
  known: LoadedFile | undefined,
): Promise<LoadedFile | undefined> {
  const { id, generation } = file;
  const attributes = attributesSchema.parse(JSON.parse(file.attributes));
  if (known?.generation === generation) return { ...known, attributes };
  const slice = new TimeSlice();
  const blocks: LoadedBlock[] = [];
  let [chunks, words, bytes] = [0, 0, FILE_OVERHEAD + file.attributes.length * 2];
  for (let from = 0; from < file.blocks; from += BLOCKS_PER_READ) {
    const stored = await index.readBlocks(storeId, file, from, Math.min(from + BLOCKS_PER_READ, file.blocks));
    if (stored === undefined) return undefined;
    for (const block of stored) {
      if (slice.isOver) await slice.yieldToOthers();
      // A copy, because the decompressed buffer is larger than its contents, and would stay in memory.
      const decoded = decodeWordBlock(new Uint8Array(await decompress(block.words)));
      const { length } = decoded.lengths;
      const vectors = block.vectors && decodeVectors(block.vectors, length);
      blocks.push({ firstChunk: chunks, words: decoded, vectors });
      chunks += length;
      words += decoded.lengths.reduce((sum, each) => sum + each, 0);
      bytes += decoded.terms.buffer.byteLength + (block.vectors?.length ?? 0) + BLOCK_OVERHEAD;
    }
  }
  return { id, generation, attributes, blocks, chunks, words, bytes };
}
