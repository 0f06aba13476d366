/** Reads when the events of a log were recorded, without reading the events to a client. */
import { ENTRY_SUFFIX, TIME_FIELD } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

/** A script call looks at no more than this, to hold Redis for about a millisecond. */
const SCAN_EVENTS = 1_000;
const SCAN_BYTES = 512 * 1024;

/*
 * KEYS  events
 * ARGV  first sequence number, id of the last visible entry or '+', maximum number of times
 * Returns {sequence number from which to continue, or -1 at the end, {sequence number, milliseconds since acceptance}…}
 */
const timesScript = defineScript<[next: number, times: number[]]>(
  "readLogTimes",
  1,
  `
  local next, times, scanned, bytes = tonumber(ARGV[1]), {}, 0, 0
  while true do
    local entries = redis.call('XRANGE', KEYS[1], next .. '${ENTRY_SUFFIX}', ARGV[2], 'COUNT', 50)
    for _, entry in ipairs(entries) do
      local number = tonumber(string.match(entry[1], '^%d+'))
      next = number + 1
      bytes = bytes + #entry[2][2]
      if entry[2][3] == '${TIME_FIELD}' then
        times[#times + 1] = number
        times[#times + 1] = tonumber(entry[2][4])
      end
      if #times >= 2 * tonumber(ARGV[3]) then return {next, times} end
    end
    scanned = scanned + #entries
    if #entries < 50 then return {-1, times} end
    if scanned >= ${SCAN_EVENTS} or bytes >= ${SCAN_BYTES} then return {next, times} end
  end
`,
);

export interface RecordedTime {
  sequenceNumber: number;
  /** Milliseconds since the response was accepted. */
  sinceAcceptedMs: number;
}

export interface TimePage {
  times: RecordedTime[];
  hasMore: boolean;
}

/** Up to `limit` times of events from sequence number `from` on. `end` is the id of the last visible entry. */
export async function readLogTimes(
  redis: RedisClient,
  key: string,
  { from, end, limit }: { from: number; end: string; limit: number },
): Promise<TimePage> {
  const times: RecordedTime[] = [];
  let next = from;
  while (next >= 0 && times.length < limit) {
    const [continued, found] = await timesScript(redis, key, next, end, limit - times.length);
    for (let i = 0; i < found.length; i += 2) {
      times.push({ sequenceNumber: found[i]!, sinceAcceptedMs: found[i + 1]! });
    }
    next = continued;
  }
  return { times, hasMore: next >= 0 };
}
