/** The scripts of conversations.ts. Each is one atomic change. */
import { defineScript } from "../redis/script.ts";
import { COUNT_CALLS_LUA } from "./conversation-calls.ts";

/** Overhead of an item beside its text: its id, stored three times, and its entry in the item index. */
export const ITEM_BYTES = 350;

/*
 * KEYS  conversation, order, items, calls, unanswered
 * ARGV  item id, item, mark of its call, …
 * Appends items. An item that exists already stays unchanged.
 */
const ADD_ITEMS_LUA = `
  ${COUNT_CALLS_LUA}
  local function add(from)
    local position = tonumber(redis.call('HGET', KEYS[1], 'added') or '0')
    local bytes = 0
    for i = from, #ARGV, 3 do
      if redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[i + 1]) == 1 then
        position = position + 1
        redis.call('ZADD', KEYS[2], position, ARGV[i])
        bytes = bytes + #ARGV[i + 1] + ${ITEM_BYTES}
        countCall(KEYS[4], KEYS[5], ARGV[i + 2], position)
      end
    end
    redis.call('HSET', KEYS[1], 'added', position)
    redis.call('HINCRBY', KEYS[1], 'bytes', bytes)
  end
`;

/*
 * KEYS  conversation, order, items, calls, unanswered
 * ARGV  project, unix seconds, metadata, unix milliseconds, item id, item, mark, …
 * Creates the conversation together with its first items.
 */
export const createScript = defineScript<null>(
  "createConversation",
  5,
  `${ADD_ITEMS_LUA}
  redis.call('HSET', KEYS[1], 'project', ARGV[1], 'createdAt', ARGV[2], 'metadata', ARGV[3], 'lock', '', 'added', 0,
    'knowsCalls', '1', 'createdAtMs', ARGV[4])
  add(5)
`,
);

/*
 * KEYS  conversation, order, items, calls, unanswered
 * ARGV  item id, item, mark, …
 * Adds all items or none. Returns {'added'} | {'locked'} | {'gone'} | {'exists', index of the first existing item}
 */
export const addItemsScript = defineScript<["added"] | ["locked"] | ["gone"] | ["exists", number]>(
  "addConversationItems",
  5,
  `${ADD_ITEMS_LUA}
  local lock = redis.call('HGET', KEYS[1], 'lock')
  if not lock then return {'gone'} end
  if lock ~= '' then return {'locked'} end
  for i = 1, #ARGV, 3 do
    if redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1 then return {'exists', (i - 1) / 3} end
  end
  add(1)
  return {'added'}
`,
);

/*
 * KEYS  conversation, order, items, staged order, staged marks
 * ARGV  response id, item id, item, mark, …
 * Stages a part of a long turn. Staged items are not in the order, so readers do not see them. Items that an earlier attempt
 * staged stay. Returns 1, or 0 if the response does not hold the lock.
 */
export const stageItemsScript = defineScript<0 | 1>(
  "stageConversationTurn",
  5,
  `
  local head = redis.call('HMGET', KEYS[1], 'lock', 'added')
  if head[1] ~= ARGV[1] then return 0 end
  local position = tonumber(head[2]) + redis.call('ZCARD', KEYS[4])
  local bytes = 0
  for i = 2, #ARGV, 3 do
    local id = ARGV[i]
    if redis.call('HSETNX', KEYS[3], id, ARGV[i + 1]) == 1 then
      position = position + 1
      redis.call('ZADD', KEYS[4], position, id)
      if ARGV[i + 2] ~= '' then redis.call('HSET', KEYS[5], position, ARGV[i + 2]) end
      bytes = bytes + #ARGV[i + 1] + ${ITEM_BYTES}
    end
  end
  redis.call('HINCRBY', KEYS[1], 'stagedBytes', bytes)
  return 1
`,
);

/*
 * KEYS  conversation, order, items, calls, unanswered, staged order, staged marks
 * ARGV  response id, '1' to add the staged items ('0' discards them), item id, item, mark, …
 * Adds the response's turn and releases its lock. Returns 1, or 0 if the response does not hold the lock.
 */
export const appendAndUnlockScript = defineScript<0 | 1>(
  "endConversationTurn",
  7,
  `${ADD_ITEMS_LUA}
  if redis.call('HGET', KEYS[1], 'lock') ~= ARGV[1] then return 0 end
  local staged = redis.call('ZCARD', KEYS[6])
  if staged > 0 and ARGV[2] == '1' then
    redis.call('ZUNIONSTORE', KEYS[2], 2, KEYS[2], KEYS[6])
    local marks = redis.call('HGETALL', KEYS[7])
    for i = 1, #marks, 2 do countCall(KEYS[4], KEYS[5], marks[i + 1], marks[i]) end
    redis.call('HINCRBY', KEYS[1], 'added', staged)
    redis.call('HINCRBY', KEYS[1], 'bytes', redis.call('HGET', KEYS[1], 'stagedBytes'))
  elseif staged > 0 then
    for _, id in ipairs(redis.call('ZRANGE', KEYS[6], 0, -1)) do redis.call('HDEL', KEYS[3], id) end
  end
  redis.call('UNLINK', KEYS[6], KEYS[7])
  redis.call('HDEL', KEYS[1], 'stagedBytes')
  add(3)
  redis.call('HSET', KEYS[1], 'lock', '')
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  conversation, order, items, calls, unanswered
 * ARGV  response id
 * Returns {'held'} | {'busy', holder} | {'gone'}. A locked conversation does not expire.
 */
export const lockScript = defineScript<["held"] | ["busy", string] | ["gone"]>(
  "lockConversation",
  5,
  `
  local lock = redis.call('HGET', KEYS[1], 'lock')
  if not lock then return {'gone'} end
  if lock ~= '' and lock ~= ARGV[1] then return {'busy', lock} end
  redis.call('HSET', KEYS[1], 'lock', ARGV[1])
  for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
  return {'held'}
`,
);

/*
 * KEYS  conversation, order, items, calls, unanswered
 * ARGV  seconds to live unless it is locked; 0 = until it is deleted
 * Returns {project, bytes, expiry in unix milliseconds or 0}, or {} if the conversation is gone.
 */
export const updateUsageScript = defineScript<[] | [project: string, bytes: number, expiresAtMs: number]>(
  "settleConversation",
  5,
  `
  local held = redis.call('HMGET', KEYS[1], 'project', 'bytes', 'lock')
  if not held[1] then return {} end
  local seconds = tonumber(ARGV[1])
  if held[3] ~= '' then seconds = 0 end
  for _, key in ipairs(KEYS) do
    if seconds > 0 then redis.call('EXPIRE', key, seconds) else redis.call('PERSIST', key) end
  end
  local expires = 0
  if seconds > 0 then expires = (redis.call('TIME')[1] + seconds) * 1000 end
  return {held[1], tonumber(held[2] or '0'), expires}
`,
);

/*
 * KEYS  conversation, order, items, calls, unanswered
 * ARGV  item id, mark of its call
 * Returns 'removed', 'locked' or 'unknown'
 */
export const removeItemScript = defineScript<"removed" | "locked" | "unknown">(
  "removeConversationItem",
  5,
  `${COUNT_CALLS_LUA}
  local lock = redis.call('HGET', KEYS[1], 'lock')
  if lock and lock ~= '' then return 'locked' end
  local length = redis.call('HSTRLEN', KEYS[3], ARGV[1])
  if not lock or redis.call('HDEL', KEYS[3], ARGV[1]) == 0 then return 'unknown' end
  -- The count may be too low if an older release created the conversation.
  local bytes = tonumber(redis.call('HGET', KEYS[1], 'bytes') or '0') - length - ${ITEM_BYTES}
  redis.call('HSET', KEYS[1], 'bytes', math.max(0, bytes))
  redis.call('ZREM', KEYS[2], ARGV[1])
  uncountCall(KEYS[4], KEYS[5], ARGV[2], redis.call('HGET', KEYS[1], 'added'))
  return 'removed'
`,
);

/*
 * KEYS  conversation
 * ARGV  metadata
 * Returns 1 if set, 0 if the conversation is gone: a write must not recreate a part of it.
 */
export const setMetadataScript = defineScript<0 | 1>(
  "setConversationMetadata",
  1,
  `
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], 'metadata', ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'revision', 1)
  return 1
`,
);
