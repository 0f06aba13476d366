/** The scripts of upload-records.ts. */
import { MAX_PARTS } from "../../protocol/upload.ts";
import { defineScript } from "../../redis/script.ts";
import { LIST_LUA } from "../lists/list-scripts.ts";
import { COUNT_BYTES_LUA } from "../stored-bytes.ts";
import { CONDEMN_LUA } from "./blob-custody.ts";
import { RECORD_FILE_LUA } from "./file-records.ts";

/** A client that lost an answer sends a part again, so parts may have more bytes than the upload. */
export const MAX_BYTES_FACTOR = 2;

/*
 * KEYS  sums, sizes, expiries, limits of the project, upload, expiring uploads
 * ARGV  project, id, bytes, expiry, limit if the project has none of its own, time of removal, properties as JSON
 * Returns {1, sum, limit}, or {0, sum, limit} if the bytes exceed the limit.
 */
export const createScript = defineScript<[0 | 1, number, number]>(
  "createUpload",
  6,
  `${COUNT_BYTES_LUA}
  local project, id = ARGV[1], ARGV[2]
  local limit = tonumber(redis.call('HGET', KEYS[4], 'bytes') or ARGV[5])
  if not fits(KEYS, project, id, tonumber(ARGV[3]), limit) then return {0, sum(KEYS, project), limit} end
  put(KEYS, project, id, ARGV[3], ARGV[4])
  redis.call('HSET', KEYS[5], 'project', project, 'status', 'pending', 'json', ARGV[7])
  redis.call('PEXPIREAT', KEYS[5], ARGV[6])
  redis.call('ZADD', KEYS[6], ARGV[4], id)
  return {1, sum(KEYS, project), limit}
`,
);

/** `ended`: the upload is not pending. `full`: it has too many parts, or parts with too many bytes. */
export type AddPartRefusal = "ended" | "full" | "lost";

/*
 * KEYS  sums, sizes, expiries, upload, its parts, pending blobs
 * ARGV  project, id of the part, its bytes, maximum bytes of all parts, the part as JSON
 * ioredis may send it twice: the second time it changes nothing. The upload counts for its parts.
 */
export const addPartScript = defineScript<"added" | AddPartRefusal>(
  "addUploadPart",
  6,
  `${COUNT_BYTES_LUA}
  if redis.call('HEXISTS', KEYS[5], ARGV[2]) == 1 then return 'added' end
  if redis.call('HGET', KEYS[4], 'status') ~= 'pending' then return 'ended' end
  local bytes = tonumber(redis.call('HGET', KEYS[4], 'partBytes') or '0') + ARGV[3]
  if bytes > tonumber(ARGV[4]) or redis.call('HLEN', KEYS[5]) >= ${MAX_PARTS} then return 'full' end
  if redis.call('ZREM', KEYS[6], ARGV[2]) == 0 then return 'lost' end
  drop(KEYS, ARGV[1], ARGV[2])
  redis.call('HSET', KEYS[5], ARGV[2], ARGV[5])
  redis.call('HSET', KEYS[4], 'partBytes', bytes)
  return 'added'
`,
);

/*
 * KEYS  sums, sizes, expiries, root of the list of files, its entries, record of the file, expiring files, pending blobs,
 *       condemned blobs, upload, its parts, expiring uploads
 * ARGV  project, id of the file, bytes, creation time, expiry or '', tokens, keys of its blobs, JSON; id of the upload
 * Returns {'ended', keys of condemned blobs…}, or {status} if the upload is not pending. ioredis may send it twice.
 */
export const completeScript = defineScript<string[]>(
  "completeUpload",
  12,
  `${COUNT_BYTES_LUA}${LIST_LUA}${CONDEMN_LUA}${RECORD_FILE_LUA}
  local project, id, used, upload = ARGV[1], ARGV[2], ARGV[7], ARGV[9]
  local status, made = unpack(redis.call('HMGET', KEYS[10], 'status', 'fileId'))
  if made == id then return {'ended'} end
  if status ~= 'pending' then return {status or 'expired'} end
  recordFile({counted = KEYS, root = KEYS[4], record = KEYS[6], expiries = KEYS[7]}, {
    project = project, id = id, bytes = ARGV[3], createdAtMs = ARGV[4], expiry = ARGV[5], tokens = ARGV[6],
    blobs = used, json = ARGV[8],
  })
  drop(KEYS, project, upload)
  local answer, isUsed = {'ended'}, {}
  for key in string.gmatch(used, '%S+') do isUsed[key] = true end
  for _, key in ipairs(redis.call('HKEYS', KEYS[11])) do
    if not isUsed[key] then
      condemn({KEYS[8], KEYS[9]}, key)
      answer[#answer + 1] = key
    end
  end
  redis.call('DEL', KEYS[11])
  redis.call('HSET', KEYS[10], 'status', 'completed', 'fileId', id, 'partIds', used)
  redis.call('ZREM', KEYS[12], upload)
  return answer
`,
);

/*
 * KEYS  sums, sizes, expiries, upload, its parts, expiring uploads, pending blobs, condemned blobs
 * ARGV  project, id, 'cancelled' or 'expired'
 * Returns {'ended', keys of condemned blobs…}, or {status} if the upload has ended otherwise.
 */
export const endScript = defineScript<string[]>(
  "endUpload",
  8,
  `${COUNT_BYTES_LUA}${CONDEMN_LUA}
  local status = redis.call('HGET', KEYS[4], 'status')
  if status == ARGV[3] then return {'ended'} end
  if status ~= 'pending' then return {status or 'expired'} end
  drop(KEYS, ARGV[1], ARGV[2])
  local answer = {'ended'}
  for _, key in ipairs(redis.call('HKEYS', KEYS[5])) do
    condemn({KEYS[7], KEYS[8]}, key)
    answer[#answer + 1] = key
  end
  redis.call('DEL', KEYS[5])
  redis.call('HSET', KEYS[4], 'status', ARGV[3])
  redis.call('ZREM', KEYS[6], ARGV[2])
  return answer
`,
  { runsWhenFull: true },
);
