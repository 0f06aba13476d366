/**
 * Counts the bytes that each project stores: the size and the expiry of every response, conversation and container. Sizes
 * are set, never incremented, so a step repeated after a crash counts nothing twice. Expired entries are removed when the
 * sum is read. All keys share the slot of the in-flight set: the script that adds a response to the set, or removes it,
 * also counts it. While a response runs, its size is that at acceptance, or that at the last sweep, and its expiry is
 * missing or '+inf'.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** The expiry of an entry without one: the last date in JavaScript. */
export const NEVER_EXPIRES_MS = 8_640_000_000_000_000;
/** Maximum expired entries that one step removes; more for a project at its limit. */
export const TRIM_COUNT = 100;
const TRIM_COUNT_OVER_LIMIT = 5_000;

/*
 * For scripts that count. `keys`: sums, sizes, expiries (RedisLayout.storedBytes). `putOpen` counts a response that starts to
 * run. `fits` returns whether `id` may have the size `bytes` within the project's limit; a limit of 0 means none.
 */
export const COUNT_BYTES_LUA = `
  local function put(keys, project, id, bytes, expiry)
    local before = tonumber(redis.call('HGET', keys[2], id) or '0')
    redis.call('HSET', keys[2], id, bytes)
    redis.call('ZADD', keys[3], expiry, id)
    redis.call('HINCRBY', keys[1], project, bytes - before)
  end
  local function putOpen(keys, project, id, bytes)
    if redis.call('HSETNX', keys[2], id, bytes) == 1 then
      redis.call('HINCRBY', keys[1], project, bytes)
    else
      put(keys, project, id, bytes, '+inf')
    end
  end
  local function drop(keys, project, id)
    local before = redis.call('HGET', keys[2], id)
    if not before then return end
    redis.call('HDEL', keys[2], id)
    redis.call('ZREM', keys[3], id)
    -- The negative of 0 is -0, which Redis rejects as an integer.
    redis.call('HINCRBY', keys[1], project, 0 - before)
  end
  local function trim(keys, project, count)
    local now = redis.call('TIME')[1] .. '000'
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', keys[3], '-inf', now, 'LIMIT', 0, count)) do
      drop(keys, project, id)
    end
  end
  local function sum(keys, project)
    return tonumber(redis.call('HGET', keys[1], project) or '0')
  end
  local function fits(keys, project, id, bytes, limit)
    if limit == 0 then return true end
    local more = bytes - tonumber(redis.call('HGET', keys[2], id) or '0')
    if more <= 0 or sum(keys, project) + more <= limit then return true end
    trim(keys, project, ${TRIM_COUNT_OVER_LIMIT})
    return sum(keys, project) + more <= limit
  end
`;

/*
 * KEYS  sums, sizes, expiries, limits of the project
 * ARGV  project, id, added bytes, expiry, limit if the project has none of its own
 * Returns {1, sum, limit}, or {0, sum, limit} if the bytes exceed the limit and are not counted.
 */
const addWithinScript = defineScript<[0 | 1, number, number]>(
  "addStoredBytesWithin",
  4,
  `${COUNT_BYTES_LUA}
  local project, id = ARGV[1], ARGV[2]
  local limit = tonumber(redis.call('HGET', KEYS[4], 'bytes') or ARGV[5])
  local bytes = tonumber(redis.call('HGET', KEYS[2], id) or '0') + ARGV[3]
  trim(KEYS, project, ${TRIM_COUNT})
  if not fits(KEYS, project, id, bytes, limit) then return {0, sum(KEYS, project), limit} end
  put(KEYS, project, id, bytes, ARGV[4])
  return {1, sum(KEYS, project), limit}
`,
);

/*
 * KEYS  sums, sizes, expiries
 * ARGV  project, id, bytes, expiry
 */
const setScript = defineScript<null>(
  "setStoredBytes",
  3,
  `${COUNT_BYTES_LUA}
  put(KEYS, ARGV[1], ARGV[2], ARGV[3], ARGV[4])
`,
  { runsWhenFull: true },
);

/*
 * KEYS  sums, sizes, expiries
 * ARGV  project, id
 */
const removeScript = defineScript<null>(
  "removeStoredBytes",
  3,
  `${COUNT_BYTES_LUA}
  drop(KEYS, ARGV[1], ARGV[2])
`,
  { runsWhenFull: true },
);

/*
 * KEYS  sums, sizes, expiries
 * ARGV  project
 * Returns the stored bytes of the project.
 */
const readScript = defineScript<number>(
  "readStoredBytes",
  3,
  `${COUNT_BYTES_LUA}
  trim(KEYS, ARGV[1], ${TRIM_COUNT_OVER_LIMIT})
  return sum(KEYS, ARGV[1])
`,
);

/*
 * KEYS  sums, sizes, expiries, in flight
 * ARGV  project, id, bytes, …
 * Skips responses that have ended meanwhile.
 */
const updateInFlightScript = defineScript<null>(
  "updateStoredBytesOfOpen",
  4,
  `${COUNT_BYTES_LUA}
  for i = 2, #ARGV, 2 do
    if redis.call('ZSCORE', KEYS[4], ARGV[i]) then put(KEYS, ARGV[1], ARGV[i], ARGV[i + 1], '+inf') end
  end
`,
  { runsWhenFull: true },
);

/*
 * KEYS  sums, sizes, expiries, in flight
 * ARGV  project
 * Removes expired entries, and running ones that have an expiry and are not in flight: a crash during admission can leave
 * them. `InFlightResponses.reconcile` removes those without an expiry.
 */
const reconcileScript = defineScript<null>(
  "reconcileStoredBytes",
  4,
  `${COUNT_BYTES_LUA}
  trim(KEYS, ARGV[1], ${TRIM_COUNT_OVER_LIMIT})
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '+inf', '+inf')) do
    if not redis.call('ZSCORE', KEYS[4], id) then drop(KEYS, ARGV[1], id) end
  end
  if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('HDEL', KEYS[1], ARGV[1]) end
`,
  { runsWhenFull: true },
);

export interface RunningResponseSize {
  id: string;
  project: string;
  bytes: number;
}

export class StoredBytes {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /**
   * Adds `bytes` to the size of `id` unless the project would exceed its limit: its own, or `defaultLimit` (0 = none). Exact
   * under concurrency.
   */
  async addWithinLimit(
    defaultLimit: number,
    project: string,
    id: string,
    bytes: number,
    expiresAtMs = NEVER_EXPIRES_MS,
  ): Promise<{ isAdded: boolean; storedBytes: number; limit: number }> {
    const keys = [...this.#layout.storedBytes(project), this.#layout.organization.limitsOf(project)];
    const args = [project, id, bytes, expiresAtMs, defaultLimit];
    const [added, storedBytes, limit] = await addWithinScript(this.#redis, keys, args);
    return { isAdded: added === 1, storedBytes, limit };
  }

  async set(project: string, id: string, bytes: number, expiresAtMs = NEVER_EXPIRES_MS): Promise<void> {
    await setScript(this.#redis, this.#layout.storedBytes(project), project, id, bytes, expiresAtMs);
  }

  async remove(project: string, id: string): Promise<void> {
    await removeScript(this.#redis, this.#layout.storedBytes(project), project, id);
  }

  async read(project: string): Promise<number> {
    return await readScript(this.#redis, this.#layout.storedBytes(project), project);
  }

  /** Sets the current sizes of running responses. */
  async updateInFlight(responses: readonly RunningResponseSize[]): Promise<void> {
    const { inFlight, storedBytes } = this.#layout;
    for (const [project, ofProject] of Map.groupBy(responses, (each) => each.project)) {
      const sizes = ofProject.flatMap(({ id, bytes }) => [id, bytes]);
      await updateInFlightScript(this.#redis, storedBytes(project), inFlight, project, sizes);
    }
  }

  /** Removes expired and leftover entries of every project. */
  async reconcile(): Promise<void> {
    const { inFlight, storedSums, storedBytes } = this.#layout;
    for (const project of await this.#redis.hkeys(storedSums)) {
      await reconcileScript(this.#redis, storedBytes(project), inFlight, project);
    }
  }
}
