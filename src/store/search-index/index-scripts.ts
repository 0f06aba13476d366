/**
 * The scripts of a store's index. All keys of a store share its hash tag (redis/layout.ts). A file's contents lie in a key
 * of their own, whose name ends with their generation, and count once one script has named this generation in the list of
 * files. Until then the key expires by itself, so a crash between two writes leaves the old contents or the new ones.
 *
 * Every script counts the index's revision up and notes it for the file it changes. A process that knows an older revision
 * asks for the files changed and removed since.
 *
 * A file's entry is `<generation> <blocks> <chunks> <bytes> <1 if it has vectors, else 0>`.
 */
import { defineScript } from "../../redis/script.ts";

/** The scripts' KEYS, in this order. */
const KEYS = 6;
/** Removals that the index remembers. A process that has missed more loads the whole store again. */
const MAX_REMOVALS = 1_000;
/** The mark of a deleted store outlives every unfinished put. */
export const STAGED_SECONDS = 24 * 60 * 60;
const DROPPED_SECONDS = 2 * STAGED_SECONDS;

/*
 * KEYS  index, files, attributes, changes, removals; `contents` is never a key, but the beginning of the keys of contents
 */
const FILE_LUA = `
  local function contentsOf(id, entry) return KEYS[6] .. ':' .. id .. ':' .. string.match(entry, '^%S+') end
  local function sizeOf(entry)
    if not entry then return 0, 0, 0 end
    local chunks, bytes, vectors = string.match(entry, '^%S+ %d+ (%d+) (%d+) (%d)')
    return tonumber(chunks), tonumber(bytes), tonumber(vectors)
  end
  local function count(before, after)
    local chunksBefore, bytesBefore, vectorsBefore = sizeOf(before)
    local chunks, bytes, vectors = sizeOf(after)
    redis.call('HINCRBY', KEYS[1], 'chunks', chunks - chunksBefore)
    redis.call('HINCRBY', KEYS[1], 'bytes', bytes - bytesBefore)
    if redis.call('HINCRBY', KEYS[1], 'vectorFiles', vectors - vectorsBefore) == 0 then
      redis.call('HDEL', KEYS[1], 'model', 'dimensions')
    end
  end
`;

/*
 * ARGV  file id, entry, attributes as JSON, model or '', dimensions, maximum chunks, number of staged fields
 * Returns the outcome and its details. A repetition with the same entry is committed again.
 */
export const commitFileScript = defineScript<
  [outcome: "committed" | "dropped" | "expired"] | ["full", chunks: number] | ["embedding_changed", model: string]
>(
  "commitIndexFile",
  KEYS,
  `${FILE_LUA}
  local id, entry = ARGV[1], ARGV[2]
  local contents = contentsOf(id, entry)
  local held = redis.call('HGET', KEYS[2], id)
  if held == entry then return {'committed'} end
  local function refuse(...)
    redis.call('UNLINK', contents)
    return {...}
  end
  local index = redis.call('HMGET', KEYS[1], 'dropped', 'chunks', 'model', 'dimensions', 'vectorFiles')
  if index[1] then return refuse('dropped') end
  local chunks, _, vectors = sizeOf(entry)
  if redis.call('HLEN', contents) ~= tonumber(ARGV[7]) then return refuse('expired') end
  local chunksBefore, _, vectorsBefore = sizeOf(held)
  local total = tonumber(index[2] or '0') - chunksBefore
  if total + chunks > tonumber(ARGV[6]) then return refuse('full', total) end
  if vectors == 1 then
    local others = tonumber(index[5] or '0') - vectorsBefore
    if others > 0 and (index[3] ~= ARGV[4] or index[4] ~= ARGV[5]) then
      return refuse('embedding_changed', index[3] .. ' (' .. index[4] .. ')')
    end
  end
  local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
  count(held, entry)
  if vectors == 1 then redis.call('HSET', KEYS[1], 'model', ARGV[4], 'dimensions', ARGV[5]) end
  redis.call('HSET', KEYS[2], id, entry)
  redis.call('HSET', KEYS[3], id, ARGV[3])
  redis.call('ZADD', KEYS[4], revision, id)
  redis.call('ZREM', KEYS[5], id)
  redis.call('PERSIST', contents)
  if held then redis.call('UNLINK', contentsOf(id, held)) end
  return {'committed'}
`,
);

/*
 * ARGV  file id
 * Returns 1 if the file was in the index.
 */
export const removeFileScript = defineScript<0 | 1>(
  "removeIndexFile",
  KEYS,
  `${FILE_LUA}
  local held = redis.call('HGET', KEYS[2], ARGV[1])
  if not held then return 0 end
  local revision = redis.call('HINCRBY', KEYS[1], 'revision', 1)
  redis.call('HDEL', KEYS[2], ARGV[1])
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
  redis.call('UNLINK', contentsOf(ARGV[1], held))
  count(held, false)
  redis.call('ZADD', KEYS[5], revision, ARGV[1])
  local excess = redis.call('ZCARD', KEYS[5]) - ${MAX_REMOVALS}
  if excess > 0 then
    local last = redis.call('ZRANGE', KEYS[5], excess - 1, excess - 1, 'WITHSCORES')
    redis.call('HSET', KEYS[1], 'forgotten', last[2])
    redis.call('ZREMRANGEBYRANK', KEYS[5], 0, excess - 1)
  end
  return 1
`,
  { runsWhenFull: true },
);

/*
 * ARGV  file id, attributes as JSON
 * Returns 1 if the file is in the index.
 */
export const updateAttributesScript = defineScript<0 | 1>(
  "updateIndexAttributes",
  KEYS,
  `
  if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[4], redis.call('HINCRBY', KEYS[1], 'revision', 1), ARGV[1])
  return 1
`,
);

/*
 * ARGV  maximum files to remove
 * Marks the index as dropped, and removes some of its files. Returns how many are left.
 */
export const dropFilesScript = defineScript<number>(
  "dropIndexFiles",
  KEYS,
  `${FILE_LUA}
  redis.call('HSET', KEYS[1], 'dropped', 1)
  redis.call('EXPIRE', KEYS[1], ${DROPPED_SECONDS})
  for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, ARGV[1] - 1)) do
    local held = redis.call('HGET', KEYS[2], id)
    if held then redis.call('UNLINK', contentsOf(id, held)) end
    redis.call('HDEL', KEYS[2], id)
    redis.call('HDEL', KEYS[3], id)
    redis.call('ZREM', KEYS[4], id)
  end
  local left = redis.call('ZCARD', KEYS[4])
  if left == 0 then redis.call('UNLINK', KEYS[2], KEYS[3], KEYS[4], KEYS[5]) end
  return left
`,
  { runsWhenFull: true },
);
