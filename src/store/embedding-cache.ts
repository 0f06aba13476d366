/**
 * Keeps embeddings by the hash of their model and text, up to a time and a number of bytes; the oldest leave first. The
 * hashes are spread over shards, each in a slot of its own, which has its share of the bytes.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** One for each hex digit that a hash can begin with. */
const SHARDS = 16;
/** Expired or oldest entries that one write removes. It adds fewer. */
const MAX_REMOVED = 64;
const MAX_ADDED = 32;
/** Entries that one command reads. */
const MAX_READ = 100;

/*
 * KEYS  vectors, times
 * ARGV  seconds to live, maximum bytes, then hash and vector of each entry
 * The hash of vectors counts its own bytes in the field 'bytes', and expires as a whole after the last write.
 */
const keepScript = defineScript<null>(
  "keepEmbeddings",
  2,
  `
  local now, bytes = tonumber(redis.call('TIME')[1]), tonumber(redis.call('HGET', KEYS[1], 'bytes') or '0')
  local function drop(hash)
    bytes = bytes - redis.call('HSTRLEN', KEYS[1], hash)
    redis.call('HDEL', KEYS[1], hash)
    redis.call('ZREM', KEYS[2], hash)
  end
  for i = 3, #ARGV, 2 do
    bytes = bytes - redis.call('HSTRLEN', KEYS[1], ARGV[i]) + #ARGV[i + 1]
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    redis.call('ZADD', KEYS[2], now, ARGV[i])
  end
  local oldest = redis.call('ZRANGE', KEYS[2], 0, ${MAX_REMOVED - 1}, 'WITHSCORES')
  for i = 1, #oldest, 2 do
    if bytes <= tonumber(ARGV[2]) and tonumber(oldest[i + 1]) > now - ARGV[1] then break end
    drop(oldest[i])
  end
  redis.call('HSET', KEYS[1], 'bytes', bytes)
  redis.call('EXPIRE', KEYS[1], ARGV[1])
  redis.call('EXPIRE', KEYS[2], ARGV[1])
`,
);

export interface KeptEmbedding {
  /** Hex digits. */
  hash: string;
  vector: Float32Array;
}

export class EmbeddingCache {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** In the order of the hashes; undefined for those that are not kept. */
  async read(hashes: readonly string[]): Promise<(Float32Array | undefined)[]> {
    const found = new Map<string, Float32Array>();
    const reads = [...Map.groupBy(hashes, shardOf)].map(async ([shard, ofShard]) => {
      const [vectors] = this.#layout.embeddingShard(shard);
      for (let from = 0; from < ofShard.length; from += MAX_READ) {
        const page = ofShard.slice(from, from + MAX_READ);
        const values = await this.#redis.hmgetBuffer(vectors, ...page);
        for (const [i, value] of values.entries()) if (value !== null) found.set(page[i]!, toVector(value));
      }
    });
    await Promise.all(reads);
    return hashes.map((hash) => found.get(hash));
  }

  async keep(entries: readonly KeptEmbedding[], { seconds, bytes }: { seconds: number; bytes: number }): Promise<void> {
    const writes = [...Map.groupBy(entries, ({ hash }) => shardOf(hash))].map(async ([shard, ofShard]) => {
      for (let from = 0; from < ofShard.length; from += MAX_ADDED) {
        const fields = ofShard.slice(from, from + MAX_ADDED).flatMap(({ hash, vector }) => [hash, toBytes(vector)]);
        const limit = Math.floor(bytes / SHARDS);
        await keepScript(this.#redis, this.#layout.embeddingShard(shard), [seconds, limit], fields);
      }
    });
    await Promise.all(writes);
  }
}

const shardOf = (hash: string): string => hash[0] ?? "0";

function toBytes({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function toVector(bytes: Buffer): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer);
}
