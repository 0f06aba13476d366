/** Reads texts of chunks from the index. */
import type { StoredFile, StoredIndex } from "../store/search-index/stored-index.ts";
import type { Chunk } from "./chunks/chunk-document.ts";
import type { LoadedFile } from "./loaded-store.ts";
import { IndexError } from "./search-index.ts";
import { CHUNKS_PER_PART, decodeTextPart } from "./text-parts.ts";

interface ChunkPlace {
  storeId: string;
  file: LoadedFile;
  /** Position in the file. */
  chunk: number;
}

interface PartPlace {
  block: number;
  part: number;
}

/** In the order of the places. Undefined for a chunk whose file has been replaced or removed. */
export async function readChunkTexts(
  index: StoredIndex,
  places: readonly ChunkPlace[],
): Promise<(Chunk | undefined)[]> {
  const parts = new Map<string, Promise<Chunk[] | undefined>>();
  const chunks = places.map(async ({ storeId, file, chunk }) => {
    const { row, ...place } = locate(file, chunk);
    const key = [storeId, file.generation, place.block, place.part].join(" ");
    let part = parts.get(key);
    if (part === undefined) parts.set(key, (part = readPart(index, storeId, file, place)));
    return (await part)?.[row];
  });
  return await Promise.all(chunks);
}

async function readPart(
  index: StoredIndex,
  storeId: string,
  file: Pick<StoredFile, "id" | "generation">,
  place: PartPlace,
): Promise<Chunk[] | undefined> {
  const encoded = await index.readText(storeId, file, place);
  return encoded && (await decodeTextPart(encoded));
}

function locate({ blocks }: LoadedFile, chunk: number): PartPlace & { row: number } {
  const block = blocks.findLastIndex(({ firstChunk }) => firstChunk <= chunk);
  const inBlock = chunk - blocks[block]!.firstChunk;
  return { block, part: Math.floor(inBlock / CHUNKS_PER_PART), row: inBlock % CHUNKS_PER_PART };
}

/** All chunks in order, a part at a time. Throws an IndexError if the file is replaced or removed meanwhile. */
export async function* readChunks(
  index: StoredIndex,
  storeId: string,
  file: StoredFile,
): AsyncGenerator<readonly Chunk[]> {
  let read = 0;
  for (let place: PartPlace = { block: 0, part: 0 }; read < file.chunks;) {
    const chunks = await readPart(index, storeId, file, place);
    if (chunks !== undefined) {
      yield chunks;
      read += chunks.length;
      place = { ...place, part: place.part + 1 };
    } else if (place.part > 0) {
      // The block has no more parts.
      place = { block: place.block + 1, part: 0 };
    } else {
      throw new IndexError("file_changed", "The file was replaced or removed while it was read.");
    }
  }
}
