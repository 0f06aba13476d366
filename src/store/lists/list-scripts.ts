/**
 * A list index: the ids of one kind of object, by creation time, for each project and each property that a list filters by.
 * All its keys share the slot of the in-flight set, so the script that adds a response to that set, or removes it, also
 * changes the index. Keys are `<root>:<kind>:<project>`:
 *
 *   entries   hash  id → `<creation time in ms> <revision> <token> … `; without tokens once the object is removed
 *   open      zset  ids with the token `open`, by creation time. Of the other sets, such an id is at most in `ending`, so that
 *                   accepting a response writes little.
 *   expiries  zset  ids by the time at which their object expires; `+inf` without an expiry
 *   removed   zset  ids of removed objects by the time of removal: a page may still start after one of them
 *   <token>   zset  ids with this token, by creation time
 *
 * and `<root>:projects` is the set of projects, but for some with open ids only. A token that begins with a dot is only in the
 * entry.
 *
 * A script finds most keys by itself. Every script names the root, which is never a key, and another key in KEYS: Redis
 * Cluster then runs none of them while it moves the slot, when a part of the keys is on each of two nodes.
 */

/** A list may continue after a removed object for this long, for the latest this many of them. */
const REMOVED_KEPT_MS = 60 * 60_000;
const MAX_REMOVED = 10_000;

/** Responses that ask for an approval. */
export const APPROVAL_TOKEN = "approval";

export const listKey = (root: string, kind: string, project: string): string => `${root}:${kind}:${project}`;

/** The KEYS of scripts for one project. */
export function listKeys(root: string, project: string): [root: string, entries: string] {
  return [root, listKey(root, "entries", project)];
}

/*
 * For scripts that add an open object that has an entry and nothing else. Kept apart because each call of a script creates all
 * its functions.
 */
export const INDEX_OPEN_LUA = `
  local function listKey(root, kind, project) return root .. ':' .. kind .. ':' .. project end
  local function indexOpen(root, project, id, createdAtMs)
    redis.call('ZADD', listKey(root, 'open', project), createdAtMs, id)
  end
`;

/*
 * For scripts that change an index. `index` adds an object that has an entry and nothing else. `enlist` leaves a newer revision alone. `delist` keeps the position, for lists that
 * continue after it, with the revision given, if any; `forget` keeps nothing. `trimList` removes what has expired.
 */
export const LIST_LUA = `${INDEX_OPEN_LUA}
  local function isIndexed(token) return string.sub(token, 1, 1) ~= '.' end
  local function isOpen(entry) return string.find(' ' .. entry .. ' ', ' open ', 1, true) ~= nil end
  local function index(root, project, id, createdAtMs, tokens, expiry)
    redis.call('SADD', root .. ':projects', project)
    if isOpen(tokens) then return indexOpen(root, project, id, createdAtMs) end
    redis.call('ZADD', listKey(root, 'expiries', project), expiry, id)
    for token in string.gmatch(tokens, '%S+') do
      if isIndexed(token) then redis.call('ZADD', listKey(root, token, project), createdAtMs, id) end
    end
  end
  local function splitEntry(entry) return string.match(entry, '^(%S+) (%S+) (.*)$') end
  local function unindex(root, project, id, tokens)
    for token in string.gmatch(tokens, '%S+') do
      if isIndexed(token) then
        redis.call('ZREM', listKey(root, token, project), id)
      elseif string.sub(token, 1, 5) == '.ask:' then
        redis.call('HDEL', listKey(root, 'asks', project), string.sub(token, 6))
      end
      if token == 'open' then redis.call('ZREM', listKey(root, 'ending', project), id) end
    end
  end
  local function enlist(root, project, id, createdAtMs, revision, tokens, expiry)
    local entries = listKey(root, 'entries', project)
    local before = redis.call('HGET', entries, id)
    if before then
      local _, known, knownTokens = splitEntry(before)
      if tonumber(known) > tonumber(revision) then return end
      unindex(root, project, id, knownTokens)
      redis.call('ZREM', listKey(root, 'removed', project), id)
    end
    redis.call('HSET', entries, id, createdAtMs .. ' ' .. revision .. ' ' .. tokens .. ' ')
    index(root, project, id, createdAtMs, tokens, expiry)
  end
  local function forget(root, project, id)
    local entries = listKey(root, 'entries', project)
    local entry = redis.call('HGET', entries, id)
    if not entry then return end
    local _, _, tokens = splitEntry(entry)
    unindex(root, project, id, tokens)
    redis.call('ZREM', listKey(root, 'expiries', project), id)
    redis.call('ZREM', listKey(root, 'removed', project), id)
    redis.call('HDEL', entries, id)
  end
  local function delist(root, project, id, finalRevision)
    local entries = listKey(root, 'entries', project)
    local entry = redis.call('HGET', entries, id)
    if not entry then return end
    local createdAtMs, revision, tokens = splitEntry(entry)
    if tokens == '' then return end
    unindex(root, project, id, tokens)
    redis.call('ZREM', listKey(root, 'expiries', project), id)
    redis.call('HSET', entries, id, createdAtMs .. ' ' .. (finalRevision or revision) .. ' ')
    local removed = listKey(root, 'removed', project)
    redis.call('ZADD', removed, redis.call('TIME')[1] .. '000', id)
    for _ = 1, redis.call('ZCARD', removed) - ${MAX_REMOVED} do
      redis.call('HDEL', entries, redis.call('ZPOPMIN', removed)[1])
    end
  end
  local function trimList(root, project, count)
    local now = redis.call('TIME')[1] * 1000
    local expired = redis.call('ZRANGEBYSCORE', listKey(root, 'expiries', project), '-inf',
      string.format('%.0f', now), 'LIMIT', 0, count)
    for _, id in ipairs(expired) do delist(root, project, id) end
    local old = redis.call('ZRANGEBYSCORE', listKey(root, 'removed', project), '-inf',
      string.format('%.0f', now - ${REMOVED_KEPT_MS}), 'LIMIT', 0, count)
    for _, id in ipairs(old) do forget(root, project, id) end
    return #expired + #old
  end
`;
