/**
 * Reads a page of a log, limited in bytes: a subscriber holds one page at a time, and an event may have 50 bytes or
 * several megabytes. XRANGE limits only the number of entries, and a count learned from earlier sizes would fail at the
 * first page with larger events, so a script adds up sizes inside Redis. It returns only the events' data, which costs
 * the client less than entries with ids and field names; Redis spends about one microsecond more per event.
 */
import { ENTRY_SUFFIX } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

const PAGE_EVENTS = 1_000;
/** Half of the mebibyte that a subscriber may cost, because its connection may still hold part of the previous page. */
export const PAGE_BYTES = 512 * 1024;
/** Minimum overhead of a frame (src/stream/fan-out/frame.ts) around the event's JSON: `id`, `event`, padding. */
const FRAME_BYTES = 128;

/*
 * KEYS  events
 * ARGV  first sequence number, id of the last visible entry or '+', maximum events, maximum bytes
 * Returns {1 if there may be more, sequence number of the first event or '', {data…}}: contiguous events, as many as
 * fit, and at least one if there is any
 * The script first requests a few entries, then as many as will probably fit; copies of
 * entries that do not fit are wasted.
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

/** Reads from sequence number `from`, or from the next existing event; `end` is the last entry's id. */
export async function readLogPage(redis: RedisClient, key: string, from: number, end: string): Promise<LogPage> {
  const [more, first, data] = await pageScript(redis, key, from, end, PAGE_EVENTS, PAGE_BYTES);
  return { first: Number(first), data, hasMore: more === 1 };
}
