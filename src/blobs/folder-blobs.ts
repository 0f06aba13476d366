/**
 * Blobs in a folder, for one machine or a shared file system:
 *
 *   <folder>/blobs/<last two characters of the key>/<key>   complete blobs
 *   <folder>/staging/<key>                                  blobs whose bytes are arriving
 *
 * A blob is written to `staging`, flushed to the disk, then moved: the move is atomic within one file system.
 */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { assertBlobKey, BlobStoreError, type BlobStore, type ByteRange, type StoredBlob } from "./blob-store.ts";

const READ_CHUNK_BYTES = 256 * 1024;
/** Bytes of one write. */
const WRITE_BYTES = 512 * 1024;
/** Files of projects are for this user alone. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const FULL_CODES: ReadonlySet<unknown> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export class FolderBlobs implements BlobStore {
  readonly #complete: string;
  readonly #staging: string;

  /** The folder is created with the first blob. */
  constructor(folder: string) {
    this.#complete = join(folder, "blobs");
    this.#staging = join(folder, "staging");
  }

  async put(key: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredBlob> {
    const { shard, complete, staged } = this.#pathsOf(key);
    const isSourceError = { current: false };
    try {
      await mkdir(this.#staging, { recursive: true, mode: FOLDER_MODE });
      const stored = await writeFile(staged, watchErrors(source, isSourceError), signal);
      await mkdir(shard, { recursive: true, mode: FOLDER_MODE });
      await rename(staged, complete);
      await syncFolder(shard);
      return stored;
    } catch (error) {
      // What cannot be removed now is removed with `delete`.
      await rm(staged, { force: true }).catch(() => {});
      throw isSourceError.current || signal.aborted ? error : toStoreError(error);
    }
  }

  async open(key: string, range?: ByteRange): Promise<Readable | undefined> {
    try {
      const file = await open(this.#pathsOf(key).complete, "r");
      return file.createReadStream({ ...range, highWaterMark: READ_CHUNK_BYTES });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw toStoreError(error);
    }
  }

  async delete(key: string): Promise<void> {
    const { complete, staged } = this.#pathsOf(key);
    try {
      await Promise.all([rm(staged, { force: true }), rm(complete, { force: true })]);
    } catch (error) {
      throw toStoreError(error);
    }
  }

  #pathsOf(key: string): { shard: string; complete: string; staged: string } {
    assertBlobKey(key);
    const shard = join(this.#complete, key.slice(-2).toLowerCase());
    return { shard, complete: join(shard, key), staged: join(this.#staging, key) };
  }
}

async function writeFile(path: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredBlob> {
  const file = await open(path, "w", FILE_MODE);
  let writing: Promise<void> = Promise.resolve();
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    // The next chunks arrive and are hashed while the disk takes these.
    for await (const chunks of inBatches(source)) {
      signal.throwIfAborted();
      for (const chunk of chunks) {
        hash.update(chunk);
        bytes += chunk.length;
      }
      await writing;
      writing = writeWhole(file, chunks);
      // Its error comes with the next batch.
      writing.catch(() => {});
    }
    await writing;
    signal.throwIfAborted();
    await file.sync();
    return { bytes, sha256: hash.digest("hex") };
  } finally {
    await writing.catch(() => {});
    await file.close();
  }
}

/** A disk that is nearly full writes a part first, and reports the error at the next write. */
async function writeWhole(file: FileHandle, chunks: Uint8Array[]): Promise<void> {
  let rest = chunks;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest);
    const total = rest.reduce((sum, { length }) => sum + length, 0);
    rest = bytesWritten === total ? [] : [Buffer.concat(rest).subarray(bytesWritten)];
  }
}

async function* inBatches(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let chunks: Uint8Array[] = [];
  let collected = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    collected += chunk.length;
    if (collected < WRITE_BYTES) continue;
    yield chunks;
    chunks = [];
    collected = 0;
  }
  if (chunks.length > 0) yield chunks;
}

/** The move itself must survive a crash of the machine. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* watchErrors(
  source: AsyncIterable<Uint8Array>,
  failed: { current: boolean },
): AsyncGenerator<Uint8Array> {
  try {
    yield* source;
  } catch (error) {
    failed.current = true;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function toStoreError(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  // Without a code, it is a bug of this program.
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  return new BlobStoreError(FULL_CODES.has(code) ? "full" : "unreachable", error);
}
