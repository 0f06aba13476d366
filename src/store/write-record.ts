/** Writes a record and its opening events in one step. With this step the response is accepted. */
import { ENTRY_FIELD, ENTRY_SUFFIX, type RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { type EncodedRecord, FIXED_FIELD_COUNT, fixedFieldsLua } from "./encoded-record.ts";
import { isLargeRecord, writeStagedRecord } from "./staged-record.ts";

/*
 * For scripts that write a record. `keys`: meta, events, snapshot, request, input, calls, input index.
 * `args` from index `first`: request, input, number of events, length of the index, seconds that the index lives, events…,
 * index…, then the fields of the record.
 * `create` returns 1 if created, 0 if the id exists already (the same admission, sent again).
 */
export const CREATE_RECORD_LUA = `
  local function create(keys, args, first)
    if redis.call('EXISTS', keys[1]) == 1 then return 0 end
    local count = tonumber(args[first + 2])
    local events = first + 5
    local index = events + count
    local fields = index + tonumber(args[first + 3])
    for i = 0, count - 1 do
      redis.call('XADD', keys[2], i .. '${ENTRY_SUFFIX}', '${ENTRY_FIELD}', args[events + i])
    end
    for i = index, fields - 1, 2 do redis.call('ZADD', keys[7], args[i], args[i + 1]) end
    if fields > index then redis.call('EXPIRE', keys[7], args[first + 4]) end
    redis.call('SET', keys[4], args[first])
    redis.call('SET', keys[5], args[first + 1])
    redis.call('HSET', keys[1], 'last', count - 1, ${fixedFieldsLua("args", "fields")},
      unpack(args, fields + ${FIXED_FIELD_COUNT}))
    return 1
  end
`;
/** Number of `keys`. */
export const CREATE_RECORD_KEY_COUNT = 7;

/** The `args` of `create`. */
export function createRecordArgs(record: EncodedRecord): (string | number)[] {
  const { request, input, inputIndex, indexSeconds, events, fields } = record;
  const sizes = [events.length, inputIndex.length, indexSeconds];
  return [request, input, ...sizes, ...events, ...inputIndex, ...fields];
}

/*
 * KEYS, ARGV and result as for `create`.
 */
const createRecordScript = defineScript<0 | 1>(
  "createResponseRecord",
  CREATE_RECORD_KEY_COUNT,
  `${CREATE_RECORD_LUA}
  return create(KEYS, ARGV, 1)
`,
);

/** False if the id exists already. */
export async function writeRecord(redis: RedisClient, layout: RedisLayout, record: EncodedRecord): Promise<boolean> {
  if (isLargeRecord(record)) return await writeStagedRecord(redis, layout, record);
  return (await createRecordScript(redis, layout.keysOf(record.id), createRecordArgs(record))) === 1;
}
