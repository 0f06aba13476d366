/**
 * A page of a log, bounded in bytes: whoever follows a log holds one page at a time, and an event may be of 50 bytes or of
 * megabytes. XRANGE bounds only the number of entries. A count learnt from the sizes seen so far would fail at the first
 * page whose events are larger than those before, so a script adds up sizes where the log lies. Its answer has the texts
 * alone, which costs the client less than entries with ids and field names; Redis spends about a microsecond more an event.
 */
import { ENTRY_SUFFIX } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

const PAGE_EVENTS = 1_000;
/** Half of the mebibyte that a subscriber may cost: its connection may still hold a little of the page before. */
export const PAGE_BYTES = 512 * 1024;
/** At least what a frame has around the event's JSON (frame.ts): `id`, `event`, the padding of a delta. */
const FRAME_BYTES = 128;

/*
 * KEYS  events
 * ARGV  first sequence number, id of the last entry that may be shown or '+', most events, most bytes
 * Returns {1 if there may be more, sequence number of the first event or '', {data…}}: events without a gap between them,
 * as many as fit, and at least one if there is one
 *
 * It asks for few entries first, and then for as many as will probably fit: those that do not are copied for nothing.
 */
const pageScript = defineScript<[more: 0 | 1, first: string, data: string[]]>(
  "readLogPage",
  1,
  `
  local key, from, stop, most, room = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
  local first, page, count, used, ask = '', {}, 0, 0, 4
  while true do
    local entries = redis.call('XRANGE', key, from .. '${ENTRY_SUFFIX}', stop, 'COUNT', ask)
    local got = #entries
    if got == 0 then return {0, first, page} end
    if count == 0 then first = string.match(entries[1][1], '^%d+') end
    local next = first + count
    -- Numbers grow: if the last is as far on as there are entries, none is missing between.
    local isWhole = entries[got][1] == string.format('%d${ENTRY_SUFFIX}', next + got - 1)
    for i = 1, got do
      local data = entries[i][2][2]
      used = used + #data + ${FRAME_BYTES}
      local isMissing = not isWhole and entries[i][1] ~= string.format('%d${ENTRY_SUFFIX}', first + count)
      if isMissing or (count > 0 and used > room) then return {1, first, page} end
      count = count + 1
      page[count] = data
    end
    if got < ask then return {0, first, page} end
    if count == most or used >= room then return {1, first, page} end
    from = string.format('%d', first + count)
    ask = math.max(1, math.min(128, most - count, math.floor((room - used) / (used / count))))
  end
`,
);

export interface LogPage {
  /** Sequence number of the first event. */
  first: number;
  data: string[];
  hasMore: boolean;
}

/** From sequence number `from` on, or from the next event that there is; `end` is the last entry's id. */
export async function readLogPage(redis: RedisClient, key: string, from: number, end: string): Promise<LogPage> {
  const [more, first, data] = await pageScript(redis, key, from, end, PAGE_EVENTS, PAGE_BYTES);
  return { first: Number(first), data, hasMore: more === 1 };
}
