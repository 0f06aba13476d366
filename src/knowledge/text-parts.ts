/** The texts of a block in the index: compressed JSON in parts, so that a search decompresses little for each result. */
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import { z } from "zod";
import type { Chunk } from "./chunks/chunk-document.ts";

export const CHUNKS_PER_PART = 16;
/** Above any block of this server. */
const MAX_PART_BYTES = 64 * 1024 * 1024;

const compressAsync = promisify(zstdCompress);
const decompressAsync = promisify(zstdDecompress);

/** Fast: the texts are read far more often than written, and overlaps compress well at any level. */
const OPTIONS = { params: { [constants.ZSTD_c_compressionLevel]: 3 } };

export async function compress(bytes: Uint8Array): Promise<Buffer> {
  return await compressAsync(bytes, OPTIONS);
}

export async function decompress(bytes: Buffer): Promise<Buffer> {
  return await decompressAsync(bytes, { maxOutputLength: MAX_PART_BYTES });
}

const chunksSchema = z.array(
  z
    .tuple([z.int(), z.string(), z.int().nullable(), z.string().nullable(), z.int()])
    .transform(([index, text, page, heading, tokens]): Chunk => ({
      index,
      text,
      ...(page !== null && { page }),
      ...(heading !== null && { heading }),
      tokens,
    })),
);

export async function encodeTextParts(chunks: readonly Chunk[]): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for (let from = 0; from < chunks.length; from += CHUNKS_PER_PART) {
    const part = chunks.slice(from, from + CHUNKS_PER_PART);
    const fields = part.map(({ index, text, page, heading, tokens }) => [
      index,
      text,
      page ?? null,
      heading ?? null,
      tokens,
    ]);
    parts.push(await compress(Buffer.from(JSON.stringify(fields))));
  }
  return parts;
}

export async function decodeTextPart(encoded: Buffer): Promise<Chunk[]> {
  return chunksSchema.parse(JSON.parse((await decompress(encoded)).toString("utf8")));
}
