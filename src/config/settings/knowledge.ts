import { DAY_SECONDS, integer, optionalText, seconds } from "../setting.ts";

const MIB = 1024 * 1024;

export const knowledgeSettings = {
  EMBEDDING_MODEL: optionalText(
    "Model that embeds the files of vector stores, such as `openai/text-embedding-3-small`. If empty, they are searched by words alone.",
  ),
  EMBEDDING_BATCH_SIZE: integer("Maximum inputs of one request for embeddings.", { default: 32, min: 1, max: 2_048 }),
  EMBEDDING_CONCURRENCY: integer("Maximum requests for embeddings that a process has in flight.", {
    default: 4,
    min: 1,
    max: 256,
  }),
  EMBEDDING_CACHE_SECONDS: seconds("Time that the embedding of a text is kept after it was made.", {
    default: 7 * DAY_SECONDS,
    min: 1,
  }),
  EMBEDDING_CACHE_BYTES: integer("Maximum size of all kept embeddings in Redis (0 = none are kept).", {
    default: 64 * MIB,
    unit: "bytes",
  }),
  SEARCH_INDEX_CACHE_BYTES: integer(
    "Maximum size of the indexes of vector stores that a process keeps in memory. A larger index is loaded for each search.",
    { default: 256 * MIB, min: MIB, unit: "bytes" },
  ),
};
