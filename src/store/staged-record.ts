/**
 * Large records on their way into Redis. A script that is given them holds up everybody else of that Redis: 200,000
 * arguments for half a second, 90 MB for a third of one. So their parts are written beforehand, by commands of bounded
 * length, under names that nobody reads; the step that makes the record only gives them their names, and takes as long for
 * large ones as for small ones. Whatever is left there by a process that died expires.
 */
import { randomUUID } from "node:crypto";
import { ENTRY_FIELD, ENTRY_SUFFIX, type RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { nextSlice } from "../concurrency/next-slice.ts";
import { type EncodedRecord, NEW_RECORD_FIELDS } from "./encoded-record.ts";

const STAGED_SECONDS = 600;
/** Some milliseconds of anybody's time. */
const CHUNK_CHARACTERS = 1024 * 1024;
/** Places and ids, in turns. */
const INDEX_CHUNK_ENTRIES = 2_000;

/** Whether a record is so large that it has to be staged. */
export function isLargeRecord({ bytes, inputIndex }: Pick<EncodedRecord, "bytes" | "inputIndex">): boolean {
  return bytes > CHUNK_CHARACTERS || inputIndex.length > INDEX_CHUNK_ENTRIES;
}

/*
 * KEYS  meta, events, request, input, index of the input, and the last four as they are staged
 * ARGV  number of events, length of the index, seconds for which it lives, then field, value… of the record
 * Returns 1 if created, 0 if the id was there already. A part that has expired meanwhile is an error.
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
    return redis.error_reply('A part of the record has expired before it was made')
  end
  for i = 6, 8 do
    redis.call('RENAME', KEYS[i], KEYS[i - 4])
    redis.call('PERSIST', KEYS[i - 4])
  end
  if index > 0 then
    redis.call('RENAME', KEYS[9], KEYS[5])
    redis.call('EXPIRE', KEYS[5], ARGV[3])
  end
  redis.call('HSET', KEYS[1], 'last', ARGV[1] - 1, ${NEW_RECORD_FIELDS})
  for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
  return 1
`,
);

/** Writes the record in one step, as `ResponseRecords.write` does. False if the id was there already. */
export async function writeStagedRecord(
  redis: RedisClient,
  layout: RedisLayout,
  record: EncodedRecord,
): Promise<boolean> {
  const { id, request, input, inputIndex, indexSeconds, events, fields } = record;
  const staged = layout.stagedKeysOf(id, randomUUID());
  const [stagedEvents, stagedRequest, stagedInput, stagedIndex] = staged;
  for (const [place, data] of events.entries()) {
    await nextSlice();
    // As bytes: of a string, the socket would set aside three times as many as it has characters.
    const bytes = Buffer.from(data);
    await redis.xadd(stagedEvents, `${place}${ENTRY_SUFFIX}`, ENTRY_FIELD, bytes);
    // A collector that has no reason to run would keep them until the record is made.
    if (bytes.length > CHUNK_CHARACTERS) bytes.buffer.transfer(0);
    if (place === 0) await redis.expire(stagedEvents, STAGED_SECONDS);
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

/** A cut between the two halves of one character would lose it. */
function findChunkEnd(text: string, from: number): number {
  const end = from + CHUNK_CHARACTERS;
  const isInside = end < text.length && /[\udc00-\udfff]/.test(text[end]!);
  return isInside ? end - 1 : end;
}
