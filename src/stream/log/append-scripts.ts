/**
 * The two steps that grow a log: appending events under a lease, and publishing them once enough replicas have them.
 */
import { ENTRY_FIELD, ENTRY_SUFFIX, TIME_FIELD } from "../../redis/layout.ts";
import { defineScript } from "../../redis/script.ts";
import { ATTEMPT_LOG_LUA } from "./attempt-log.ts";

/**
 * `appended`; `duplicate`: the log already has this batch; `gap`: the log ends before `first`, at `last`; `fenced`:
 * another process has the right to append, or the response has ended; `gone`: there is no such response.
 */
export type AppendOutcome = { kind: "appended" | "duplicate" | "gap" | "fenced" | "gone"; last: number };

/**
 * An entry has a time if the last one is this old. An event then has the time of the last entry with a time, and is at
 * most that much later. A time costs about 12 bytes.
 */
export const STAMP_INTERVAL_MS = 100;

/*
 * KEYS  meta, events, snapshot, request, input, calls, input index
 * ARGV  lease, first, status or '', '1' if the status is terminal, snapshot or '', notify command (PUBLISH, SPUBLISH or
 * ''), channel, number of arguments of the facts, facts (field, value)…, events…
 * Without events it writes the facts alone.
 * Returns {outcome, last}
 */
const APPEND = `${ATTEMPT_LOG_LUA}
  local meta = redis.call('HMGET', KEYS[1], 'lease', 'last', 'status', 'retentionSeconds', 'bytes', 'createdAtMs',
    'stampedAtMs', 'attempts')
  if not meta[3] then return {'gone', -1} end
  local last = tonumber(meta[2])
  if meta[1] ~= ARGV[1] then return {'fenced', last} end
  local first = tonumber(ARGV[2])
  if first <= last then return {'duplicate', last} end
  local status = meta[3]
  if status ~= 'queued' and status ~= 'in_progress' then return {'fenced', last} end
  if first > last + 1 then return {'gap', last} end
  local facts = tonumber(ARGV[8])
  if facts > 0 then redis.call('HSET', KEYS[1], unpack(ARGV, 9, 8 + facts)) end
  if #ARGV == 8 + facts then return {'appended', last} end
  local bytes = tonumber(meta[5] or '0')
  local now = nowMs()
  local isStamped = now - tonumber(meta[7] or 0) >= ${STAMP_INTERVAL_MS}
  for i = 9 + facts, #ARGV do
    last = last + 1
    bytes = bytes + #ARGV[i]
    if isStamped and last == first then
      redis.call('XADD', KEYS[2], last .. '${ENTRY_SUFFIX}', '${ENTRY_FIELD}', ARGV[i],
        '${TIME_FIELD}', math.max(0, now - tonumber(meta[6] or 0)))
    else
      redis.call('XADD', KEYS[2], last .. '${ENTRY_SUFFIX}', '${ENTRY_FIELD}', ARGV[i])
    end
  end
  if isStamped then
    redis.call('HSET', KEYS[1], 'last', last, 'bytes', bytes, 'stampedAtMs', now)
  else
    redis.call('HSET', KEYS[1], 'last', last, 'bytes', bytes)
  end
  if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'status', ARGV[3]) end
  if ARGV[5] ~= '' then redis.call('SET', KEYS[3], ARGV[5]) end
  if ARGV[4] == '1' then
    redis.call('UNLINK', KEYS[3])
    redis.call('HSET', KEYS[1], 'expiresAtMs', (math.floor(now / 1000) + meta[4]) * 1000, 'endedAtMs', now)
    if tonumber(meta[8] or 0) > 0 then logAttemptEnd(KEYS[1], 'ended', '') end
    for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], meta[4]) end
  end
  if ARGV[6] ~= '' then
    redis.call('HDEL', KEYS[1], 'durable')
    redis.call(ARGV[6], ARGV[7], last)
  end
  return {'appended', last}
`;
export const appendScript = defineScript<[AppendOutcome["kind"], number]>("appendEvents", 7, APPEND);
/** Runs even in a full Redis, because it stops further writes and starts the retention period. */
export const endScript = defineScript<[AppendOutcome["kind"], number]>("appendEnd", 7, APPEND, { runsWhenFull: true });

/**
 * `shown`: readers may see the log up to the given event; `gap`: the log ends before it, at `last`, because this
 * primary was promoted without the rest; `gone`: there is no such response.
 */
export type PublishOutcome = { kind: "shown" | "gap" | "gone"; last: number };

/*
 * KEYS  meta
 * ARGV  last acknowledged sequence number, notify command (PUBLISH or SPUBLISH), channel
 * Returns {outcome, last}
 */
export const publishScript = defineScript<[PublishOutcome["kind"], number]>(
  "publishDurableEvents",
  1,
  `
  local meta = redis.call('HMGET', KEYS[1], 'durable', 'last')
  if not meta[2] then return {'gone', -1} end
  local last = tonumber(meta[2])
  if last < tonumber(ARGV[1]) then return {'gap', last} end
  if tonumber(meta[1] or '-1') < tonumber(ARGV[1]) then
    redis.call('HSET', KEYS[1], 'durable', ARGV[1])
    redis.call(ARGV[2], ARGV[3], ARGV[1])
  end
  return {'shown', last}
`,
  { runsWhenFull: true },
);
