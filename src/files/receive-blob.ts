/** Stores the bytes of an upload while they arrive, counts them, and keeps their beginning to recognize them by. */
import type { Readable } from "node:stream";
import type { StoredBlob } from "../blobs/blob-store.ts";
import type { BlobHold } from "./blob-hold.ts";
import { SAMPLE_BYTES } from "./content-type.ts";
import type { FileContext } from "./file-context.ts";

export interface ReceivedBlob extends StoredBlob {
  /** The first bytes, up to SAMPLE_BYTES. */
  sample: Uint8Array;
}

/** Rejects with the error of the source, or that of the hold, or a BlobStoreError. */
export async function receiveBlob(
  { blobs }: Pick<FileContext, "blobs">,
  key: string,
  source: Readable,
  hold: BlobHold,
): Promise<ReceivedBlob> {
  const { signal } = hold;
  const stop = (): void => void source.destroy(signal.reason as Error);
  signal.addEventListener("abort", stop, { once: true });
  const sample: Buffer[] = [];
  let sampled = 0;
  async function* take(): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of source as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      await hold.reserve(bytes);
      if (sampled < SAMPLE_BYTES) {
        // A copy: a part of a chunk would keep all of it in memory.
        const part = Buffer.from(chunk.subarray(0, SAMPLE_BYTES - sampled));
        sample.push(part);
        sampled += part.length;
      }
      yield chunk;
    }
  }
  try {
    const stored = await blobs.put(key, take(), signal);
    return { ...stored, sample: Buffer.concat(sample) };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
