/** How a file is cut into chunks. Source: openai 7.59.0 `FileChunkingStrategyParam`, `StaticFileChunkingStrategy`. */
import { z } from "zod";

const MIN_CHUNK_TOKENS = 100;
const MAX_CHUNK_TOKENS = 4_096;

const staticChunkingSchema = z
  .strictObject({
    max_chunk_size_tokens: z.int().min(MIN_CHUNK_TOKENS).max(MAX_CHUNK_TOKENS),
    chunk_overlap_tokens: z.int().min(0),
  })
  .refine(({ max_chunk_size_tokens: max, chunk_overlap_tokens: overlap }) => overlap <= max / 2, {
    path: ["chunk_overlap_tokens"],
    message: "the overlap must not exceed half of 'max_chunk_size_tokens'.",
  });
export type ChunkingStrategy = z.infer<typeof staticChunkingSchema>;

/** The strategy of `auto`. */
export const DEFAULT_CHUNKING: ChunkingStrategy = { max_chunk_size_tokens: 800, chunk_overlap_tokens: 400 };

export const chunkingStrategySchema = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("auto") }),
  z.strictObject({ type: z.literal("static"), static: staticChunkingSchema }),
]);
