/**
 * Limits of a project. An admin's limit replaces the setting's for one project, and is read by the script that adds a
 * response, so it applies at once on every process and costs no round trip. 0 means unlimited, except for the spend.
 */
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

const WINDOW_MS = 60_000;

/** Limits of one project; 0 means none. */
export interface ProjectLimits {
  maxOpen: number;
  maxStoredBytes: number;
  maxRequestsPerMinute: number;
  maxTokensPerMinute: number;
}

const FIELDS = {
  maxOpen: "open",
  maxStoredBytes: "bytes",
  maxRequestsPerMinute: "requests",
  maxTokensPerMinute: "tokens",
} as const satisfies Record<keyof ProjectLimits, string>;
const FIELD_ENTRIES = Object.entries(FIELDS) as [keyof ProjectLimits, string][];
const SPEND_FIELD = "spend";

/** Responses created in the current minute, of those that the project may create. */
export interface RequestRate {
  limit: number;
  remaining: number;
  resetSeconds: number;
}

/*
 * For scripts that add a response. `keys`: limits, requests, tokens, spend of the project. `args`: default limits of
 * requests and tokens, month. `rateOf` returns {limit, used, milliseconds to the next minute}.
 * `findExceeded` returns nil or {'spend', cents}, {'requests'} or {'tokens', limit, milliseconds to the next minute}.
 */
export const PROJECT_LIMITS_LUA = `
  local function ttlOf(key)
    local ttl = redis.call('PTTL', key)
    return ttl > 0 and ttl or ${WINDOW_MS}
  end
  local function rateOf(key, limit)
    if limit == 0 then return {0, 0, 0} end
    return {limit, tonumber(redis.call('GET', key) or '0'), ttlOf(key)}
  end
  local function findExceeded(keys, args, own)
    if own.spend then
      local spent = tonumber(redis.call('HGET', keys[4], args[3]) or '0')
      if spent >= tonumber(own.spend) * 1e7 then return {'spend', own.spend} end
    end
    local requests, tokens = tonumber(own.requests or args[1]), tonumber(own.tokens or args[2])
    if requests > 0 and tonumber(redis.call('GET', keys[2]) or '0') >= requests then return {'requests'} end
    if tokens > 0 and tonumber(redis.call('GET', keys[3]) or '0') >= tokens then
      return {'tokens', tokens, ttlOf(keys[3])}
    end
  end
  local function countIn(key, amount)
    if redis.call('INCRBY', key, amount) == tonumber(amount) then redis.call('PEXPIRE', key, ${WINDOW_MS}) end
  end
  local function limitsOf(key)
    local own = redis.call('HMGET', key, 'requests', 'tokens', 'open', 'bytes', 'spend')
    return {requests = own[1], tokens = own[2], open = own[3], bytes = own[4], spend = own[5]}
  end
`;

/*
 * KEYS  limits, requests
 * ARGV  default limit of requests
 * Returns {limit, used, milliseconds to the next minute}.
 */
const readRateScript = defineScript<[number, number, number]>(
  "readRequestRate",
  2,
  `${PROJECT_LIMITS_LUA}
  return rateOf(KEYS[2], tonumber(limitsOf(KEYS[1]).requests or ARGV[1]))
`,
);

/*
 * KEYS  requests
 */
const releaseScript = defineScript<null>(
  "releaseRequest",
  1,
  `
  if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
`,
  { runsWhenFull: true },
);

/** Undefined if requests are unlimited. */
export function toRequestRate([limit, used, resetMs]: readonly [number, number, number]): RequestRate | undefined {
  if (limit === 0) return undefined;
  return { limit, remaining: Math.max(0, limit - used), resetSeconds: Math.max(1, Math.ceil(resetMs / 1000)) };
}

export class ProjectLimitStore {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** The limits that an admin has set. */
  async read(project: string): Promise<Partial<ProjectLimits>> {
    const own = await this.#redis.hgetall(this.#layout.organization.limitsOf(project));
    const set = FIELD_ENTRIES.filter(([, field]) => own[field] !== undefined);
    return Object.fromEntries(set.map(([name, field]) => [name, Number(own[field])]));
  }

  /** Sets the given limits. A limit of null is the setting's again. */
  async update(project: string, limits: { [Name in keyof ProjectLimits]?: number | null | undefined }): Promise<void> {
    const key = this.#layout.organization.limitsOf(project);
    const set = FIELD_ENTRIES.flatMap(([name, field]) =>
      limits[name] == null ? [] : [[field, limits[name]] as const],
    );
    const unset = FIELD_ENTRIES.flatMap(([name, field]) => (limits[name] === null ? [field] : []));
    const transaction = this.#redis.multi();
    for (const [field, limit] of set) transaction.hset(key, field, limit);
    for (const field of unset) transaction.hdel(key, field);
    const outcomes = await transaction.exec();
    for (const [error] of outcomes ?? []) if (error !== null) throw error;
  }

  /** In cents a month. Undefined without a limit. */
  async readSpendLimit(project: string): Promise<number | undefined> {
    const cents = await this.#redis.hget(this.#layout.organization.limitsOf(project), SPEND_FIELD);
    return cents === null ? undefined : Number(cents);
  }

  async setSpendLimit(project: string, cents: number): Promise<void> {
    await this.#redis.hset(this.#layout.organization.limitsOf(project), SPEND_FIELD, cents);
  }

  /** False if there was none. */
  async removeSpendLimit(project: string): Promise<boolean> {
    return (await this.#redis.hdel(this.#layout.organization.limitsOf(project), SPEND_FIELD)) === 1;
  }

  /** Undefined if the project's requests are unlimited. `perMinute`: the setting's limit. */
  async readRequestRate(project: string, perMinute: number): Promise<RequestRate | undefined> {
    const { limitsOf, requestsOf } = this.#layout.organization;
    return toRequestRate(await readRateScript(this.#redis, limitsOf(project), requestsOf(project), perMinute));
  }

  /** Returns the right to create a response that was not created. */
  async releaseRequest(project: string): Promise<void> {
    await releaseScript(this.#redis, this.#layout.organization.requestsOf(project));
  }
}
