/**
 * Finds the next ids of a list. A list has filters, each a set of alternative tokens. The filter with the fewest ids drives
 * the search, and the entries of its ids decide about the other filters. Open ids are in a set of their own and are searched
 * beside. A call examines a limited number of ids, so that Redis serves others between two calls.
 */
import { TERMINAL_STATUSES } from "../../protocol/response.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import { APPROVAL_TOKEN, LIST_LUA, listKeys } from "./list-scripts.ts";

/** Expired ids that a call removes, so that lists pass them even if no sweeper runs. */
const TRIM_COUNT = 100;
/** Tokens that no open id has. */
const END_TOKENS = [...TERMINAL_STATUSES, APPROVAL_TOKEN];

/*
 * KEYS  root, entries of the first project
 * ARGV  '1' for newest first, {projects, filters} as JSON, maximum ids returned, ids examined per set, start time, start id,
 *       stop time, stop id: both exclusive, '' for none
 * Returns {1 if nothing follows, '', '', id, creation time, …}, or else {0, the last examined id, its creation time, id,
 * creation time, …}
 */
const pageScript = defineScript<string[]>(
  "readListPage",
  2,
  `${LIST_LUA}
  local root, isDescending, scope = KEYS[1], ARGV[1] == '1', cjson.decode(ARGV[2])
  local most, perSet = tonumber(ARGV[3]), tonumber(ARGV[4])
  -- Redis orders ids of one time by bytes, whatever the locale.
  local function isIdBefore(a, b)
    for i = 1, math.min(#a, #b) do
      local x, y = string.byte(a, i), string.byte(b, i)
      if x ~= y then return x < y end
    end
    return #a < #b
  end
  local function isBefore(a, b)
    if isDescending then a, b = b, a end
    if a.time ~= b.time then return a.time < b.time end
    return isIdBefore(a.id, b.id)
  end
  local start = ARGV[5] ~= '' and {time = tonumber(ARGV[5]), id = ARGV[6]}
  local stop = ARGV[7] ~= '' and {time = tonumber(ARGV[7]), id = ARGV[8]}

  local OPEN_SETS = {open = true, ending = true}
  local END_TOKENS = {${END_TOKENS.map((token) => `${token} = true`).join(", ")}}
  local function countOf(project, filter)
    local count = 0
    for _, token in ipairs(filter) do
      if not isIndexed(token) then return math.huge end
      if not OPEN_SETS[token] then count = count + redis.call('ZCARD', listKey(root, token, project)) end
    end
    return count
  end
  -- The set that has every open id that a filter lets through, if any does.
  local function openSetOf(filters)
    local set = 'open'
    for _, filter in ipairs(filters) do
      local own
      for _, token in ipairs(filter) do
        if token == 'ending' then own = own or token elseif not END_TOKENS[token] then own = 'open' end
      end
      if own ~= 'open' then set = own end
      if not set then return nil end
    end
    return set
  end
  local openSet = openSetOf(scope.filters)
  local function chooseDriver(project)
    local driver, fewest = {'all'}, redis.call('ZCARD', listKey(root, 'all', project))
    for _, filter in ipairs(scope.filters) do
      local count = countOf(project, filter)
      if count < fewest then driver, fewest = filter, count end
    end
    local sets = {openSet}
    for _, token in ipairs(driver) do
      if not OPEN_SETS[token] then sets[#sets + 1] = token end
    end
    return sets
  end

  -- A set that was cut may have more ids behind its last candidate. 'bound' is the first of these candidates.
  local candidates, bound = {}, nil
  local function collect(project, token)
    local key = listKey(root, token, project)
    local from = 0
    if start and isDescending then from = redis.call('ZCOUNT', key, '(' .. ARGV[5], '+inf') end
    if start and not isDescending then from = redis.call('ZCOUNT', key, '-inf', '(' .. ARGV[5]) end
    local found, isOver = 0, false
    -- More than one round only if many ids have the time of the start.
    while found == 0 and not isOver do
      local ids = redis.call(isDescending and 'ZREVRANGE' or 'ZRANGE', key, from, from + perSet - 1, 'WITHSCORES')
      isOver = #ids < 2 * perSet
      for i = 1, #ids, 2 do
        local candidate = {id = ids[i], time = tonumber(ids[i + 1]), text = ids[i + 1], project = project}
        if stop and not isBefore(candidate, stop) then
          isOver = true
          break
        end
        if not start or isBefore(start, candidate) then
          candidates[#candidates + 1] = candidate
          found = found + 1
        end
      end
      from = from + perSet
    end
    local last = candidates[#candidates]
    if not isOver and (not bound or isBefore(last, bound)) then bound = last end
  end
  local sets = 0
  for _, project in ipairs(scope.projects) do
    trimList(root, project, ${TRIM_COUNT})
    for _, token in ipairs(chooseDriver(project)) do
      collect(project, token)
      sets = sets + 1
    end
  end
  if sets > 1 then table.sort(candidates, isBefore) end

  local function matches(candidate, entry, filter)
    for _, token in ipairs(filter) do
      if string.find(entry, ' ' .. token .. ' ', 1, true) then return true end
      if token == 'ending' and redis.call('ZSCORE', listKey(root, token, candidate.project), candidate.id) then
        return true
      end
    end
    return false
  end
  local function matchesAll(candidate)
    if #scope.filters == 0 then return true end
    local entry = redis.call('HGET', listKey(root, 'entries', candidate.project), candidate.id)
    if not entry then return false end
    for _, filter in ipairs(scope.filters) do
      if not matches(candidate, entry, filter) then return false end
    end
    return true
  end
  -- The first three entries say where the next call continues.
  local page, examined = {'1', '', ''}, 0
  while examined < #candidates and #page < 3 + 2 * most do
    local candidate = candidates[examined + 1]
    if bound and isBefore(bound, candidate) then break end
    examined = examined + 1
    if matchesAll(candidate) then
      page[#page + 1] = candidate.id
      page[#page + 1] = candidate.text
    end
  end
  local last = candidates[examined]
  if last and (examined < #candidates or bound) then page[1], page[2], page[3] = '0', last.id, last.text end
  return page
`,
  // What it removes has expired.
  { runsWhenFull: true },
);

/** Where something is in a list: lists are ordered by creation time, and by id within the same millisecond. */
export interface ListPosition {
  createdAtMs: number;
  id: string;
}

export interface ListScan {
  projects: readonly string[];
  /** Each a set of alternatives; an object matches if it has a token of every set. */
  filters: readonly (readonly string[])[];
  order: "asc" | "desc";
  /** Both exclusive. */
  start: ListPosition | undefined;
  stop: ListPosition | undefined;
}

export interface ListChunk {
  found: ListPosition[];
  /** Where the scan continues. Undefined if nothing follows. */
  next: ListPosition | undefined;
}

/** Returns up to `most` positions, and may return fewer although more follow. */
export async function readListChunk(
  redis: RedisClient,
  root: string,
  { projects, filters, order, start, stop }: ListScan,
  most: number,
  perSet: number,
): Promise<ListChunk> {
  const scope = JSON.stringify({ projects, filters });
  const positions = [start, stop].flatMap((position) => [position?.createdAtMs ?? "", position?.id ?? ""]);
  const answer = await pageScript(
    redis,
    listKeys(root, projects[0]!),
    order === "desc" ? "1" : "0",
    scope,
    most,
    perSet,
    positions,
  );
  const [isOver, lastId, lastTime, ...page] = answer;
  const found: ListPosition[] = [];
  for (let i = 0; i < page.length; i += 2) found.push({ id: page[i]!, createdAtMs: Number(page[i + 1]) });
  return { found, next: isOver === "1" ? undefined : { id: lastId!, createdAtMs: Number(lastTime) } };
}
