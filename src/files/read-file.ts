/** The bytes of a file, or a part of them, from the blobs that hold them. */
import { Readable } from "node:stream";
import type { BlobStore, ByteRange } from "../blobs/blob-store.ts";
import { fileBytesLost } from "../lifecycle/errors/files.ts";
import type { FileBlob, StoredFile } from "../store/files/file-records.ts";

interface BlobPart {
  key: string;
  /** Undefined: the whole blob. */
  range: ByteRange | undefined;
}

/**
 * Resolves once the first bytes can be read. `range` lies within the file. Throws the contract's 500 if the store lacks
 * the bytes; the stream fails likewise if it lacks later ones.
 */
export async function openFile(
  { blobs }: { blobs: BlobStore },
  { id, blobs: stored, bytes }: Pick<StoredFile, "id" | "blobs" | "bytes">,
  range: ByteRange = { start: 0, end: bytes - 1 },
): Promise<Readable> {
  const [first, ...others] = selectParts(stored, range);
  if (first === undefined) return Readable.from([]);
  const open = async ({ key, range: part }: BlobPart): Promise<Readable> => {
    const stream = await blobs.open(key, part);
    if (stream === undefined) throw fileBytesLost(id);
    return stream;
  };
  const beginning = await open(first);
  // The reader of the stream meets the error; until it reads, nobody else would.
  beginning.on("error", () => {});
  if (others.length === 0) return beginning;
  async function* readAll(): AsyncGenerator<Uint8Array> {
    yield* beginning as AsyncIterable<Uint8Array>;
    for (const part of others) yield* (await open(part)) as AsyncIterable<Uint8Array>;
  }
  const stream = Readable.from(readAll(), { objectMode: false });
  // A reader that leaves before its first read never starts the generator, which would close it.
  stream.once("close", () => beginning.destroy());
  return stream;
}

function selectParts(blobs: readonly FileBlob[], { start, end }: ByteRange): BlobPart[] {
  const parts: BlobPart[] = [];
  let offset = 0;
  for (const { key, bytes } of blobs) {
    const from = Math.max(start - offset, 0);
    const to = Math.min(end - offset, bytes - 1);
    if (from <= to) parts.push({ key, range: from === 0 && to === bytes - 1 ? undefined : { start: from, end: to } });
    offset += bytes;
  }
  return parts;
}
