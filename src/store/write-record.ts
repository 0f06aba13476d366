/** A record and its opening events, written in one step: that step is the response's acceptance. */
import { ENTRY_FIELD, ENTRY_SUFFIX, type RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import type { EncodedRecord } from "./encoded-record.ts";
import { isLarge, writeStaged } from "./staged-record.ts";

/*
 * KEYS  meta, events, snapshot, request, input, calls, index of the input
 * ARGV  request, input, number of events, length of the index, seconds for which it lives, events…, index…, then
 *       field, value… of the record
 * Returns 1 if created, 0 if the id was there already (the same admission, sent again).
 */
const createRecordScript = defineScript<0 | 1>(
  "createResponseRecord",
  7,
  `
  if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
  local count = tonumber(ARGV[3])
  for i = 1, count do
    redis.call('XADD', KEYS[2], (i - 1) .. '${ENTRY_SUFFIX}', '${ENTRY_FIELD}', ARGV[5 + i])
  end
  local fields = 6 + count + tonumber(ARGV[4])
  for i = 6 + count, fields - 1, 2 do redis.call('ZADD', KEYS[7], ARGV[i], ARGV[i + 1]) end
  if fields > 6 + count then redis.call('EXPIRE', KEYS[7], ARGV[5]) end
  redis.call('SET', KEYS[4], ARGV[1])
  redis.call('SET', KEYS[5], ARGV[2])
  redis.call('HSET', KEYS[1], 'last', count - 1, unpack(ARGV, fields))
  return 1
`,
);

/** False if the id was there already. */
export async function writeRecord(redis: RedisClient, layout: RedisLayout, record: EncodedRecord): Promise<boolean> {
  if (isLarge(record)) return await writeStaged(redis, layout, record);
  const { id, request, input, inputIndex, indexSeconds, events, fields } = record;
  const created = await createRecordScript(
    redis,
    layout.keysOf(id),
    request,
    input,
    events.length,
    inputIndex.length,
    indexSeconds,
    events,
    inputIndex,
    Object.entries(fields).flat(),
  );
  return created === 1;
}
