/**
 * Writes large records. One script with the whole record would block Redis: 200,000 arguments take half a second, 90 MB a
 * third of a second. The server therefore stages the parts under temporary keys, with commands of limited size, and a
 * short script renames them. The staged parts of a process that crashed expire.
 */
import { randomUUID } from "node:crypto";
import { ENTRY_FIELD, ENTRY_SUFFIX, type RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { nextSlice } from "../concurrency/next-slice.ts";
import { type EncodedRecord, FIXED_FIELD_COUNT, fixedFieldsLua } from "./encoded-record.ts";

const STAGED_SECONDS = 600;
/** Redis writes this much in a few milliseconds. */
const CHUNK_CHARACTERS = 1024 * 1024;
/** Positions and ids alternate. */
const INDEX_CHUNK_ENTRIES = 2_000;

/** Whether a record must be staged. */
export function isLargeRecord({ bytes, inputIndex }: Pick<EncodedRecord, "bytes" | "inputIndex">): boolean {
  return bytes > CHUNK_CHARACTERS || inputIndex.length > INDEX_CHUNK_ENTRIES;
}

/*
 * KEYS  meta, events, request, input, input index, then the staged keys of the last four
 * ARGV  number of events, entries of the index, seconds that the index lives, then the fields of the record
 * Returns 1 if created, 0 if the id exists already. Fails if a staged part has expired.
 */
const commitScript = defineScript<0 | 1>(
  "commitStagedRecord",
  9,
  `
  if redis.call('EXISTS', KEYS[1]) == 1 then
    redis.call('UNLINK', KEYS[6], KEYS[7], KEYS[8], KEYS[9])
    return 0
  end
  local index = tonumber(ARGV[2])
  if redis.call('XLEN', KEYS[6]) ~= tonumber(ARGV[1]) or redis.call('EXISTS', KEYS[7], KEYS[8]) ~= 2
    or redis.call('ZCARD', KEYS[9]) ~= index then
    redis.call('UNLINK', KEYS[6], KEYS[7], KEYS[8], KEYS[9])
    return redis.error_reply('A staged part of the record has expired')
  end
  for i = 6, 8 do
    redis.call('RENAME', KEYS[i], KEYS[i - 4])
    redis.call('PERSIST', KEYS[i - 4])
  end
  if index > 0 then
    redis.call('RENAME', KEYS[9], KEYS[5])
    redis.call('EXPIRE', KEYS[5], ARGV[3])
  end
  redis.call('HSET', KEYS[1], 'last', ARGV[1] - 1, ${fixedFieldsLua("ARGV", "4")})
  for i = ${4 + FIXED_FIELD_COUNT}, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  return 1
`,
);

/** Creates the record in one atomic step. False if the id exists already. */
export async function writeStagedRecord(
  redis: RedisClient,
  layout: RedisLayout,
  record: EncodedRecord,
): Promise<boolean> {
  const { id, request, input, inputIndex, indexSeconds, events, fields } = record;
  const staged = layout.stagedKeysOf(id, randomUUID());
  const [stagedEvents, stagedRequest, stagedInput, stagedIndex] = staged;
  for (const [index, data] of events.entries()) {
    await nextSlice();
    // As bytes: for a string, the socket allocates three bytes per character.
    const bytes = Buffer.from(data);
    await redis.xadd(stagedEvents, `${index}${ENTRY_SUFFIX}`, ENTRY_FIELD, bytes);
    // Frees the memory now instead of at the next garbage collection.
    if (bytes.length > CHUNK_CHARACTERS) bytes.buffer.transfer(0);
    if (index === 0) await redis.expire(stagedEvents, STAGED_SECONDS);
  }
  await stageText(redis, stagedRequest, request);
  await stageText(redis, stagedInput, input);
  for (let from = 0; from < inputIndex.length; from += INDEX_CHUNK_ENTRIES) {
    await redis.call("ZADD", [stagedIndex, ...inputIndex.slice(from, from + INDEX_CHUNK_ENTRIES)]);
    if (from === 0) await redis.expire(stagedIndex, STAGED_SECONDS);
  }
  const keys = [layout.meta(id), layout.events(id), layout.request(id), layout.input(id), layout.inputIndex(id)];
  const sizes = [events.length, inputIndex.length / 2, indexSeconds];
  return (await commitScript(redis, keys, staged, sizes, fields)) === 1;
}

async function stageText(redis: RedisClient, key: string, text: string): Promise<void> {
  await redis.set(key, "", "EX", STAGED_SECONDS);
  for (let from = 0; from < text.length;) {
    const to = findChunkEnd(text, from);
    await redis.append(key, text.slice(from, to));
    from = to;
  }
}

/** Never cuts between the two halves of a surrogate pair, which would lose the character. */
function findChunkEnd(text: string, from: number): number {
  const end = from + CHUNK_CHARACTERS;
  const isInside = end < text.length && /[\udc00-\udfff]/.test(text[end]!);
  return isInside ? end - 1 : end;
}
