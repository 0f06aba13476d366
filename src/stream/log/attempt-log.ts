/**
 * The attempts of a response, for people who ask what became of them: when each started, on which worker, and how it
 * ended. The scripts that start and end attempts keep them in one field of the record, as lines of JSON. While no worker can
 * run the response, an attempt is made every second: equal ones in a row are one entry with a count.
 */
import { z } from "zod";
import { attemptEndSchema, type RunAttempt } from "../../protocol/run.ts";

/** Above this size the oldest lines are dropped. */
const MAX_BYTES = 8_192;
const KEPT_BYTES = 6_144;
/** Maximum length of a reason in Lua bytes. */
const REASON_BYTES = 300;

/*
 * For scripts that start or end an attempt. `key`: the record. Times are Unix milliseconds of Redis.
 */
export const ATTEMPT_LOG_LUA = `
  local function nowMs()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
  end
  local function addAttemptLine(key, line)
    local log = redis.call('HGET', key, 'attemptLog') or ''
    if #log > ${MAX_BYTES} then
      local cut = string.find(log, '\\n', #log - ${KEPT_BYTES}, true)
      log = cut and string.sub(log, cut + 1) or ''
    end
    redis.call('HSET', key, 'attemptLog', log .. cjson.encode(line) .. '\\n')
  end
  local function logAttemptStart(key, attempt, worker)
    addAttemptLine(key, {attempt = attempt, worker = worker, at = nowMs()})
  end
  local function logAttemptEnd(key, ending, reason)
    addAttemptLine(key, {ending = ending, reason = string.sub(reason, 1, ${REASON_BYTES}), at = nowMs()})
  end
  local function joinLeftAttempts(key)
    local log = redis.call('HGET', key, 'attemptLog') or ''
    local head, before, ended = string.match(log, '^(.*)\\n([^\\n]+)\\n[^\\n]+\\n([^\\n]+)\\n$')
    if not head then return end
    local isLine, earlier = pcall(cjson.decode, before)
    local latest = cjson.decode(ended)
    if not isLine or earlier.ending ~= latest.ending or earlier.reason ~= latest.reason then return end
    latest.count = (earlier.count or 1) + 1
    redis.call('HSET', key, 'attemptLog', head .. '\\n' .. cjson.encode(latest) .. '\\n')
  end
`;

const lineSchema = z.union([
  z.object({ attempt: z.number(), worker: z.string(), at: z.number() }),
  z.object({ ending: attemptEndSchema, reason: z.string(), at: z.number(), count: z.number().int().default(1) }),
]);

/** The attempts that the log still has, oldest first. */
export function parseAttemptLog(log: string): RunAttempt[] {
  const attempts: RunAttempt[] = [];
  for (const text of log.split("\n")) {
    const line = parseLine(text);
    if (line === undefined) continue;
    const open = attempts.at(-1);
    if ("attempt" in line) {
      const { attempt, worker, at } = line;
      attempts.push({ attempt, worker, started_at_ms: at, ended_at_ms: null, end: null, reason: null, count: 1 });
    } else if (open !== undefined && open.end === null) {
      open.ended_at_ms = line.at;
      open.end = line.ending;
      open.reason = line.reason === "" ? null : line.reason;
      open.count = line.count;
    }
  }
  return attempts;
}

/** A cut may split a character of a reason, and then the line is not valid JSON. */
function parseLine(text: string): z.infer<typeof lineSchema> | undefined {
  if (text === "") return undefined;
  try {
    return lineSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
