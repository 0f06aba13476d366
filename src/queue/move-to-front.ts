/**
 * Lets projects with few running jobs overtake projects with many, by moving their jobs to where a worker looks first.
 */
import { defineScript } from "../redis/script.ts";

/*
 * KEYS  wait (list, taken from its end), prioritized (zset), both of BullMQ
 * ARGV  prefix of a job's key, maximum jobs, projects to skip
 * Moves the first waiting jobs of other projects to the front. Each job keeps its priority for later requeues.
 * Returns the number of jobs now in front.
 */
export const moveToFrontScript = defineScript<number>(
  "bringForward",
  2,
  `
  local passed = {}
  for i = 3, #ARGV do passed[ARGV[i]] = true end
  local found = {}
  local function look(ids, from, to, step, isListed)
    for i = from, to, step do
      if #found == tonumber(ARGV[2]) then return end
      local project = redis.call('HGET', ARGV[1] .. ids[i], 'name')
      if project and not passed[project] then table.insert(found, {ids[i], isListed}) end
    end
  end
  local page = 1000
  local function lookThrough(count, read)
    local at = 0
    while at < count and #found < tonumber(ARGV[2]) do
      read(at, math.min(at + page, count) - 1)
      at = at + page
    end
  end
  lookThrough(redis.call('LLEN', KEYS[1]), function (first, last)
    local ids = redis.call('LRANGE', KEYS[1], -last - 1, -first - 1)
    look(ids, #ids, 1, -1, true)
  end)
  lookThrough(redis.call('ZCARD', KEYS[2]), function (first, last)
    local ids = redis.call('ZRANGE', KEYS[2], first, last)
    look(ids, 1, #ids, 1, false)
  end)
  for i = #found, 1, -1 do
    if found[i][2] then redis.call('LREM', KEYS[1], -1, found[i][1]) else redis.call('ZREM', KEYS[2], found[i][1]) end
    redis.call('RPUSH', KEYS[1], found[i][1])
  end
  return #found
`,
);
