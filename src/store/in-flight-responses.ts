/**
 * The in-flight set: all responses that have not ended. Admission adds an id before or together with its record, so no
 * crash can hide a response from the sweeper. Each project also has a set, always a subset of the first. A crash can leave an id in the project's set only; the sweeper removes it.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import {
  PROJECT_LIMITS_LUA,
  type ProjectLimits,
  type RequestRate,
  toRequestRate,
} from "./organization/project-limits.ts";
import { monthOf } from "./organization/usage-periods.ts";
import { COUNT_BYTES_LUA } from "./stored-bytes.ts";

const COUNT_REUSE_MS = 100;

/*
 * For scripts that add a response. `keys`: in flight, in flight of the project, projects, sums, sizes, expiries, and those
 * of PROJECT_LIMITS_LUA. `args`: response id, unix milliseconds, project, limit of responses, bytes, limit of bytes, and
 * those of PROJECT_LIMITS_LUA. The limits are the settings'; those of the project's own replace them.
 * `addInFlight` returns {'entered'} if the response is added and counted; else {'full', limit}, {'storage', limit, stored
 * bytes} or what `findExceeded` returns; and as a second value what `rateOf` returns. A response that is in flight already is
 * no further request.
 */
export const ADD_IN_FLIGHT_LUA = `${COUNT_BYTES_LUA}${PROJECT_LIMITS_LUA}
  local function addInFlight(keys, args)
    local id, project = args[1], args[3]
    local stored, limited = {keys[4], keys[5], keys[6]}, {keys[7], keys[8], keys[9], keys[10]}
    local own = limitsOf(limited[1])
    local maxOpen, maxBytes = tonumber(own.open or args[4]), tonumber(own.bytes or args[6])
    local maxRequests = tonumber(own.requests or args[7])
    local isNew = not redis.call('ZSCORE', keys[1], id)
    local exceeded = isNew and findExceeded(limited, {args[7], args[8], args[9]}, own)
    if not exceeded and maxOpen > 0 and not redis.call('ZSCORE', keys[2], id) and redis.call('ZCARD', keys[2]) >= maxOpen then
      exceeded = {'full', maxOpen}
    end
    if not exceeded and not fits(stored, project, id, args[5], maxBytes) then
      exceeded = {'storage', maxBytes, sum(stored, project)}
    end
    if exceeded then return exceeded, rateOf(limited[2], maxRequests) end
    put(stored, project, id, args[5], '+inf')
    redis.call('ZADD', keys[1], args[2], id)
    redis.call('ZADD', keys[2], args[2], id)
    redis.call('SADD', keys[3], project)
    if isNew and maxRequests > 0 then countIn(limited[2], 1) end
    return {'entered'}, rateOf(limited[2], maxRequests)
  end
`;
/** Numbers of `keys` and `args`. */
export const ADD_IN_FLIGHT_KEY_COUNT = 10;
export const ADD_IN_FLIGHT_ARG_COUNT = 9;

export type RateReply = [limit: number, used: number, resetMs: number];
export type ExceededReply =
  | ["full", limit: number]
  | ["storage", limit: number, storedBytes: number]
  | ["spend", cents: string]
  | ["requests"]
  | ["tokens", limit: number, resetMs: number];

/** The project is at one of its limits. */
export type LimitExceeded =
  | { kind: "full"; limit: number }
  | { kind: "storage"; limit: number; storedBytes: number }
  | { kind: "spend"; cents: number }
  | { kind: "requests"; rate: RequestRate | undefined }
  | { kind: "tokens"; limit: number; resetSeconds: number };

/*
 * KEYS and ARGV as for `addInFlight`. Returns both of its values.
 */
const addInFlightScript = defineScript<[["entered"] | ExceededReply, RateReply]>(
  "enterOpenResponses",
  ADD_IN_FLIGHT_KEY_COUNT,
  `${ADD_IN_FLIGHT_LUA}
  local outcome, rate = addInFlight(KEYS, ARGV)
  return {outcome, rate}
`,
);

export function toLimitExceeded(reply: ExceededReply, rate: RateReply): LimitExceeded {
  switch (reply[0]) {
    case "full":
      return { kind: "full", limit: reply[1] };
    case "storage":
      return { kind: "storage", limit: reply[1], storedBytes: reply[2] };
    case "spend":
      return { kind: "spend", cents: Number(reply[1]) };
    case "requests":
      return { kind: "requests", rate: toRequestRate(rate) };
    case "tokens":
      return { kind: "tokens", limit: reply[1], resetSeconds: Math.max(1, Math.ceil(reply[2] / 1000)) };
  }
}

/*
 * KEYS  in flight, in flight of the project, sums, sizes, expiries, and the record if the script must check it
 * ARGV  response id, project or '', bytes, expiry (both '' if nothing is retained), '1' if replicas are required
 * Returns 1, or 0 if the response stays because its record has no end that readers may see. A deleted response is in neither
 * set and not counted, so the late step of a worker must not count it again.
 */
const removeScript = defineScript<0 | 1>(
  "removeOpenResponse",
  "any",
  `${COUNT_BYTES_LUA}
  local id, project = ARGV[1], ARGV[2]
  local stored = {KEYS[3], KEYS[4], KEYS[5]}
  if KEYS[6] then
    local meta = redis.call('HMGET', KEYS[6], 'status', 'last', 'durable')
    if meta[1] == 'queued' or meta[1] == 'in_progress' then return 0 end
    if ARGV[5] == '1' and meta[3] and tonumber(meta[3]) < tonumber(meta[2]) then return 0 end
  end
  local wasInFlight = redis.call('ZREM', KEYS[1], id) == 1
  if project == '' then return 1 end
  if ARGV[3] == '' then
    drop(stored, project, id)
  elseif wasInFlight or redis.call('HEXISTS', KEYS[4], id) == 1 then
    put(stored, project, id, ARGV[3], ARGV[4])
  end
  redis.call('ZREM', KEYS[2], id)
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  in flight, in flight of the project, projects
 * ARGV  project
 * Returns how many ids were removed from the project's set because the in-flight set lacks them.
 */
const reconcileScript = defineScript<number>(
  "reconcileOpenResponses",
  3,
  `
  local dropped = 0
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if not redis.call('ZSCORE', KEYS[1], id) then dropped = dropped + redis.call('ZREM', KEYS[2], id) end
  end
  if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
  return dropped
`,
  { runsWhenFull: true },
);

export interface InFlightAddition {
  id: string;
  project: string;
  nowMs: number;
  /** Size at acceptance. */
  bytes: number;
}

/** The bytes that an ended response keeps stored, and their expiry. */
export interface RetainedSize {
  bytes: number;
  expiresAtMs: number;
}

export type InFlightAddOutcome = ({ kind: "entered" } | LimitExceeded) & { rate: RequestRate | undefined };

/** The `keys` of `addInFlight`. */
export function addInFlightKeys(layout: RedisLayout, project: string): string[] {
  const { limitsOf, requestsOf, tokensOf, spendOf } = layout.organization;
  const stored = layout.storedBytes(project);
  const limited = [limitsOf(project), requestsOf(project), tokensOf(project), spendOf(project)];
  return [layout.inFlight, layout.inFlightOf(project), layout.inFlightProjects, ...stored, ...limited];
}

/** The `args` of `addInFlight`. */
export function addInFlightArgs(
  { id, project, nowMs, bytes }: InFlightAddition,
  { maxOpen, maxStoredBytes, maxRequestsPerMinute, maxTokensPerMinute }: ProjectLimits,
): (string | number)[] {
  const limits = [maxRequestsPerMinute, maxTokensPerMinute, monthOf(nowMs)];
  return [id, nowMs, project, maxOpen, bytes, maxStoredBytes, ...limits];
}

export class InFlightResponses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #requiresReplicas: boolean;
  #lastCount = { atMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(redis: RedisClient, layout: RedisLayout, { minReplicasAcked }: { minReplicasAcked: number }) {
    this.#redis = redis;
    this.#layout = layout;
    this.#requiresReplicas = minReplicasAcked > 0;
  }

  /** Adds the id without checking limits. False if it is in the set already. */
  async add(id: string, acceptedAtMs: number): Promise<boolean> {
    return (await this.#redis.zadd(this.#layout.inFlight, "NX", acceptedAtMs, id)) === 1;
  }

  /** Adds the id and counts its bytes, unless its project is at a limit. Exact under concurrency. */
  async addWithinLimits(addition: InFlightAddition, limits: ProjectLimits): Promise<InFlightAddOutcome> {
    const keys = addInFlightKeys(this.#layout, addition.project);
    const [reply, rate] = await addInFlightScript(this.#redis, keys, addInFlightArgs(addition, limits));
    const outcome = reply[0] === "entered" ? { kind: reply[0] } : toLimitExceeded(reply, rate);
    return { ...outcome, rate: toRequestRate(rate) };
  }

  /**
   * Removes an id whose response has a visible end or no record. The script checks the record again, because a failover may
   * have undone the end since the caller read it. False if the id stays. In Redis Cluster the record is on another node and
   * is not checked. Without a project (for an id without a record) the id stays in its project's set until `reconcile`.
   */
  async removeEnded(id: string, project: string | undefined, retained?: RetainedSize): Promise<boolean> {
    const records = this.#layout.sharded ? [] : [this.#layout.meta(id)];
    return await this.#remove(id, project, records, retained);
  }

  /** Removes an id without checking its record. */
  async forceRemove(id: string, project: string | undefined): Promise<void> {
    await this.#remove(id, project, []);
  }

  async #remove(id: string, project: string | undefined, records: string[], retained?: RetainedSize): Promise<boolean> {
    const { inFlight, inFlightOf, storedBytes } = this.#layout;
    const keys = [inFlight, inFlightOf(project ?? ""), ...storedBytes(project ?? ""), ...records];
    const size = [retained?.bytes ?? "", retained?.expiresAtMs ?? ""];
    const replicas = this.#requiresReplicas ? "1" : "";
    return (await removeScript(this.#redis, keys.length, keys, id, project ?? "", size, replicas)) === 1;
  }

  /** Up to `count` ids of a project, oldest first. */
  async listOfProject(project: string, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.inFlightOf(project), "0", String(count - 1));
  }

  /** Removes leftover ids from the projects' sets. */
  async reconcile(): Promise<void> {
    const { inFlight, inFlightOf, inFlightProjects } = this.#layout;
    for (const project of await this.#redis.smembers(inFlightProjects)) {
      await reconcileScript(this.#redis, inFlight, inFlightOf(project), inFlightProjects, project);
    }
  }

  /** Up to `count` ids from position `offset`, oldest first. */
  async list(offset: number, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.inFlight, String(offset), String(offset + count - 1));
  }

  /** The time at which the id was added, in Unix milliseconds. Undefined if it is not in the set. */
  async acceptedAtMs(id: string): Promise<number | undefined> {
    const score = await this.#redis.zscore(this.#layout.inFlight, id);
    return score === null ? undefined : Number(score);
  }

  /** Cached for 100 ms: the server-wide limit needs no exact count. */
  async count(): Promise<number> {
    const nowMs = performance.now();
    if (nowMs - this.#lastCount.atMs > COUNT_REUSE_MS) {
      this.#lastCount = { atMs: nowMs, count: await this.#redis.zcard(this.#layout.inFlight) };
    }
    return this.#lastCount.count;
  }
}
