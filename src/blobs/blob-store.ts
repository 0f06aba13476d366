/**
 * The contract of a store of bytes. A blob has a key and never changes: it appears whole under its key, or not at all.
 * Redis records which blobs exist for whom (store/files/blob-custody.ts); a blob store knows no project and no name.
 * `folder-blobs.ts` and `s3-blobs.ts` implement the contract, and one suite tests both.
 */
import type { Readable } from "node:stream";

export interface StoredBlob {
  bytes: number;
  /** Of all bytes, in hex. */
  sha256: string;
}

/** Both ends are inclusive, as in HTTP. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface BlobStore {
  /**
   * Stores all of `source` under `key`. One process writes a key, once. Resolves when the bytes survive a crash of the
   * machine. Rejects with the error of the source, the reason of the signal, or a BlobStoreError; nothing is then under
   * the key, and `delete` removes leftovers. Reads no faster than it writes.
   */
  put(key: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<StoredBlob>;
  /** The bytes, or a part of them. Undefined if there is no such blob. A reader that stops early destroys the stream. */
  open(key: string, range?: ByteRange): Promise<Readable | undefined>;
  /** Removes the blob and leftovers of an interrupted `put`. Succeeds if there are none. */
  delete(key: string): Promise<void>;
}

/** `full`: no space is left. `unreachable`: the store does not work at the moment. */
export type BlobStoreFailure = "full" | "unreachable";

/** The store cannot do it now, and may be able to later. */
export class BlobStoreError extends Error {
  override readonly name = "BlobStoreError";
  readonly reason: BlobStoreFailure;

  constructor(reason: BlobStoreFailure, cause: unknown) {
    const detail = cause instanceof Error ? `: ${cause.message}` : "";
    super(`The store of files is ${reason === "full" ? "full" : "not usable"}${detail}`, { cause });
    this.reason = reason;
  }
}

/** Keys are ids of this server. Checked because they become parts of paths and URLs. */
const KEY = /^[a-z]+[_-][A-Za-z0-9]{8,128}$/;

export function assertBlobKey(key: string): void {
  if (!KEY.test(key)) throw new TypeError(`Not the key of a blob: ${JSON.stringify(key)}`);
}
