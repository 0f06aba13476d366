/**
 * The in-flight set: all responses that have not ended. Admission adds an id before or together with its record, so no
 * crash can hide a response from the sweeper. Where projects have limits, each project also has a set, always a subset of
 * the first. A crash can leave an id in the project's set only; the sweeper removes it.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { type EndedResponse, type RemovalOutcome, removeInFlight } from "./remove-in-flight.ts";
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
   * Removes an id whose response has a visible end or no record, and puts its event into the outbox. The script checks the
   * record again, because a failover may have undone the end since the caller read it. In Redis Cluster the record is on
   * another node and is not checked. Without a project (for an id without a record) the id stays in its project's set until
   * `reconcile`.
   */
  async removeEnded(id: string, project: string | undefined, ended: EndedResponse = {}): Promise<RemovalOutcome> {
    const records = this.#layout.sharded ? [] : [this.#layout.meta(id)];
    return await this.#remove(id, project, records, ended);
  }

  /** Removes an id without checking its record. */
  async forceRemove(id: string, project: string | undefined, ended: EndedResponse = {}): Promise<RemovalOutcome> {
    return await this.#remove(id, project, [], ended);
  }

  async #remove(
    id: string,
    project: string | undefined,
    records: string[],
    ended: EndedResponse,
  ): Promise<RemovalOutcome> {
    return await removeInFlight(this.#redis, this.#layout, { id, project, records, ended }, this.#requiresReplicas);
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
