/**
 * The in-flight set: all responses that have not ended. Admission adds an id before or together with its record, so no
 * crash can hide a response from the sweeper. Where projects have limits, each project also has a set, always a subset of
 * the first. A crash can leave an id in the project's set only; the sweeper removes it.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { COUNT_BYTES_LUA } from "./stored-bytes.ts";

const COUNT_REUSE_MS = 100;

/*
 * For scripts that add a response. `keys`: in flight, in flight of the project, projects, sums, sizes, expiries. `args`:
 * response id, unix milliseconds, project, limit of responses, bytes, limit of bytes. A limit of 0 means none.
 * `addInFlight` returns nil if the response is added and counted; else {'full'} or {'storage', stored bytes of the project}.
 */
export const ADD_IN_FLIGHT_LUA = `${COUNT_BYTES_LUA}
  local function addInFlight(keys, args)
    local id, project, bound = args[1], args[3], tonumber(args[4])
    local stored = {keys[4], keys[5], keys[6]}
    if bound > 0 and not redis.call('ZSCORE', keys[2], id) and redis.call('ZCARD', keys[2]) >= bound then
      return {'full'}
    end
    if not fits(stored, project, id, args[5], tonumber(args[6])) then return {'storage', sum(stored, project)} end
    put(stored, project, id, args[5], '+inf')
    redis.call('ZADD', keys[1], args[2], id)
    if bound > 0 then
      redis.call('ZADD', keys[2], args[2], id)
      redis.call('SADD', keys[3], project)
    end
  end
`;
/** Numbers of `keys` and `args`. */
export const ADD_IN_FLIGHT_KEY_COUNT = 6;
export const ADD_IN_FLIGHT_ARG_COUNT = 6;

/** The project is at a limit: of responses in flight, or of stored bytes. */
export type LimitExceeded = { kind: "full" } | { kind: "storage"; storedBytes: number };

/*
 * KEYS and ARGV as for `addInFlight`. Returns {'entered'} or its rejection.
 */
const addInFlightScript = defineScript<["entered" | "full"] | ["storage", number]>(
  "enterOpenResponses",
  ADD_IN_FLIGHT_KEY_COUNT,
  `${ADD_IN_FLIGHT_LUA}
  return addInFlight(KEYS, ARGV) or {'entered'}
`,
);

/*
 * KEYS  in flight, in flight of the project, sums, sizes, expiries, and the record if the script must check it
 * ARGV  response id, project or '', bytes, expiry (both '' if nothing is retained), '1' if replicas are required
 * Returns 2 if the response was in flight, 1 if it was not, or 0 if it stays because its record has no end that readers may see. A deleted response is in neither
 * set and not counted, so the late step of a worker must not count it again.
 */
const removeScript = defineScript<0 | 1 | 2>(
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
  local result = wasInFlight and 2 or 1
  if project == '' then return result end
  if ARGV[3] == '' then
    drop(stored, project, id)
  elseif wasInFlight or redis.call('HEXISTS', KEYS[4], id) == 1 then
    put(stored, project, id, ARGV[3], ARGV[4])
  end
  redis.call('ZREM', KEYS[2], id)
  return result
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

/** Limits per project; 0 means none. */
export interface ProjectLimits {
  maxOpen: number;
  maxStoredBytes: number;
}

/** The bytes that an ended response keeps stored, and their expiry. */
export interface RetainedSize {
  bytes: number;
  expiresAtMs: number;
}

/** `removed`: by this call, once per response. `absent`: it was not in flight. `kept`: it runs. */
export type RemoveOutcome = "removed" | "absent" | "kept";
const REMOVE_OUTCOMES = { 2: "removed", 1: "absent", 0: "kept" } as const;

export type InFlightAddOutcome = { kind: "entered" } | LimitExceeded;

/** The `keys` of `addInFlight`. */
export function addInFlightKeys(layout: RedisLayout, project: string): string[] {
  return [layout.inFlight, layout.inFlightOf(project), layout.inFlightProjects, ...layout.storedBytes(project)];
}

/** The `args` of `addInFlight`. */
export function addInFlightArgs(
  { id, project, nowMs, bytes }: InFlightAddition,
  { maxOpen, maxStoredBytes }: ProjectLimits,
): (string | number)[] {
  return [id, nowMs, project, maxOpen, bytes, maxStoredBytes];
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
    const [kind, storedBytes] = await addInFlightScript(this.#redis, keys, addInFlightArgs(addition, limits));
    return kind === "storage" ? { kind, storedBytes } : { kind };
  }

  /**
   * Removes an id whose response has a visible end or no record. The script checks the record again, because a failover may
   * have undone the end since the caller read it. In Redis Cluster the record is on another node and
   * is not checked. Without a project (for an id without a record) the id stays in its project's set until `reconcile`.
   */
  async removeEnded(id: string, project: string | undefined, retained?: RetainedSize): Promise<RemoveOutcome> {
    const records = this.#layout.sharded ? [] : [this.#layout.meta(id)];
    return await this.#remove(id, project, records, retained);
  }

  /** Removes an id without checking its record. */
  async forceRemove(id: string, project: string | undefined): Promise<void> {
    await this.#remove(id, project, []);
  }

  async #remove(
    id: string,
    project: string | undefined,
    records: string[],
    retained?: RetainedSize,
  ): Promise<RemoveOutcome> {
    const { inFlight, inFlightOf, storedBytes } = this.#layout;
    const keys = [inFlight, inFlightOf(project ?? ""), ...storedBytes(project ?? ""), ...records];
    const size = [retained?.bytes ?? "", retained?.expiresAtMs ?? ""];
    const replicas = this.#requiresReplicas ? "1" : "";
    return REMOVE_OUTCOMES[await removeScript(this.#redis, keys.length, keys, id, project ?? "", size, replicas)];
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
