/**
 * What is special about the index of responses: a response is `open` until it ends, and it may then ask for approvals.
 *
 *   ending    zset  open ids whose terminal event is being appended, by creation time
 *   asks      hash  pending approval request → id of the response that asks
 *   answered  zset  approval requests that were answered before their response was known to ask, by the time of the answer
 */
import { defineScript } from "../../redis/script.ts";
import { LIST_LUA } from "./list-scripts.ts";

/** An answer can arrive this much before the end of the asking response is settled: a sweep settles it in seconds. */
const ANSWERED_KEPT_MS = 60 * 60_000;
const MAX_ANSWERED = 10_000;

/*
 * For scripts that end a response. `asks` and `answers` are lists of approval requests, separated by spaces. `conclude` is true
 * once per response: if the list had it open.
 */
export const RESPONSE_LIST_LUA = `${LIST_LUA}
  local function replaceToken(entry, token, replacement)
    local from, to = string.find(entry, ' ' .. token .. ' ', 1, true)
    if not from then return entry end
    return string.sub(entry, 1, from) .. replacement .. string.sub(entry, to + (replacement == '' and 1 or 0))
  end
  local function conclude(root, project, id, status, asks, expiry)
    local entries = listKey(root, 'entries', project)
    local entry = redis.call('HGET', entries, id)
    if not entry or not isOpen(entry) then return false end
    local tokens = status
    for ask in string.gmatch(asks, '%S+') do
      if not redis.call('ZSCORE', listKey(root, 'answered', project), ask) then
        redis.call('HSET', listKey(root, 'asks', project), ask, id)
        tokens = tokens .. ' .ask:' .. ask
      end
    end
    if tokens ~= status then tokens = tokens .. ' approval' end
    redis.call('ZREM', listKey(root, 'open', project), id)
    redis.call('ZREM', listKey(root, 'ending', project), id)
    entry = replaceToken(entry, 'open', tokens)
    redis.call('HSET', entries, id, entry)
    local createdAtMs, _, all = splitEntry(entry)
    index(root, project, id, createdAtMs, all, expiry)
    return true
  end
  local function answer(root, project, answers)
    local now = redis.call('TIME')[1] * 1000
    local answered = listKey(root, 'answered', project)
    for ask in string.gmatch(answers, '%S+') do
      local id = redis.call('HGET', listKey(root, 'asks', project), ask)
      local entry = id and redis.call('HGET', listKey(root, 'entries', project), id)
      if entry then
        redis.call('HDEL', listKey(root, 'asks', project), ask)
        entry = replaceToken(entry, '.ask:' .. ask, '')
        if not string.find(entry, ' .ask:', 1, true) then
          entry = replaceToken(entry, 'approval', '')
          redis.call('ZREM', listKey(root, 'approval', project), id)
        end
        redis.call('HSET', listKey(root, 'entries', project), id, entry)
      else
        redis.call('ZADD', answered, string.format('%.0f', now), ask)
      end
    end
    redis.call('ZREMRANGEBYSCORE', answered, '-inf', string.format('%.0f', now - ${ANSWERED_KEPT_MS}))
    redis.call('ZREMRANGEBYRANK', answered, 0, -${MAX_ANSWERED + 1})
  end
`;

/*
 * KEYS  root, entries
 * ARGV  project, id
 */
export const markEndingScript = defineScript<null>(
  "markListedEnding",
  2,
  `${LIST_LUA}
  local entry = redis.call('HGET', listKey(KEYS[1], 'entries', ARGV[1]), ARGV[2])
  if not entry or not isOpen(entry) then return end
  local createdAtMs = splitEntry(entry)
  redis.call('ZADD', listKey(KEYS[1], 'ending', ARGV[1]), createdAtMs, ARGV[2])
`,
  { runsWhenFull: true },
);

/*
 * KEYS  root, entries
 * ARGV  project, answered approval requests
 */
export const answerScript = defineScript<null>(
  "answerApprovals",
  2,
  `${RESPONSE_LIST_LUA}
  answer(KEYS[1], ARGV[1], ARGV[2])
`,
);

/*
 * KEYS  root, entries, in flight
 * ARGV  project, id, creation time, tokens
 * Enlists a response in flight that the index lacks, or has as ended. Returns 1 if it is in flight.
 */
export const enlistOpenScript = defineScript<0 | 1>(
  "enlistOpenResponse",
  3,
  `${LIST_LUA}
  if not redis.call('ZSCORE', KEYS[3], ARGV[2]) then return 0 end
  enlist(KEYS[1], ARGV[1], ARGV[2], ARGV[3], 0, ARGV[4], '+inf')
  return 1
`,
);

/*
 * KEYS  root, entries
 * ARGV  project, id…
 * Returns the ids that the index lacks, or has as ended.
 */
export const findUnlistedScript = defineScript<string[]>(
  "findUnlistedResponses",
  2,
  `${LIST_LUA}
  local found = {}
  for i = 2, #ARGV do
    local entry = redis.call('HGET', listKey(KEYS[1], 'entries', ARGV[1]), ARGV[i])
    if not entry or not isOpen(entry) then found[#found + 1] = ARGV[i] end
  end
  return found
`,
);

/*
 * KEYS  root, entries, in flight
 * ARGV  project, offset, count
 * Returns {1 if more may follow, ids that are open in the index but not in flight…}. An older release, which does not know
 * the index, ended them.
 */
export const findLeftOpenScript = defineScript<[0 | 1, ...string[]]>(
  "findLeftOpenResponses",
  3,
  `${LIST_LUA}
  local open = redis.call('ZRANGE', listKey(KEYS[1], 'open', ARGV[1]), ARGV[2], ARGV[2] + ARGV[3] - 1)
  local found = {#open == tonumber(ARGV[3]) and 1 or 0}
  for _, id in ipairs(open) do
    if not redis.call('ZSCORE', KEYS[3], id) then found[#found + 1] = id end
  end
  return found
`,
);
