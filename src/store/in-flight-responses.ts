/**
 * The set of responses that have not ended. An id enters before its record exists, so that no crash can hide it. Where
 * each project is bounded there is a set for each as well, always a part of the set of all: what is in it and not there
 * any more has been left behind by a crash, and is dropped by the sweeper.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { COUNT_BYTES_LUA } from "./stored-bytes.ts";

const COUNT_REUSE_MS = 100;

/*
 * For scripts that let a response enter. `keys` are open, open of the project, projects, sums, sizes, expiries; `args` are
 * response id, unix milliseconds, project, bound of open ones, bytes, bound of bytes. A bound of 0 is none.
 * `enter` returns nil if the response is open and counted now; else {'full'} or {'storage', bytes that the project keeps}.
 */
export const ADD_IN_FLIGHT_LUA = `${COUNT_BYTES_LUA}
  local function enter(keys, args)
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
/** Of `keys`, and of `args`. */
export const ADD_IN_FLIGHT_KEY_COUNT = 6;
export const ADD_IN_FLIGHT_ARG_COUNT = 6;

/** A script that refuses answers this. */
export type LimitExceeded = { kind: "full" } | { kind: "storage"; kept: number };

/*
 * KEYS and ARGV as `enter` takes them. Returns {'entered'}, or the refusal.
 */
const addInFlightScript = defineScript<["entered" | "full"] | ["storage", number]>(
  "enterOpenResponses",
  ADD_IN_FLIGHT_KEY_COUNT,
  `${ADD_IN_FLIGHT_LUA}
  return enter(KEYS, ARGV) or {'entered'}
`,
);

/*
 * KEYS  open, open of the project, sums, sizes, expiries, record if it is to be asked
 * ARGV  response id, project or '', bytes, expiry; both '' if nothing of it is kept; '1' if replicas are required
 * Returns 1, or 0 if the response stays: its record here has no end, or one that may not be shown yet. A response that was
 * deleted is neither open nor counted: a worker that leaves it late must not count it again.
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
  local wasOpen = redis.call('ZREM', KEYS[1], id) == 1
  if project == '' then return 1 end
  if ARGV[3] == '' then
    drop(stored, project, id)
  elseif wasOpen or redis.call('HEXISTS', KEYS[4], id) == 1 then
    put(stored, project, id, ARGV[3], ARGV[4])
  end
  redis.call('ZREM', KEYS[2], id)
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  open, open of the project, projects
 * ARGV  project
 * Returns how many were dropped from the project's set because they are not in the set of all.
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
  /** What it is accepted with. */
  bytes: number;
}

/** Of a project. 0 is no bound. */
export interface ProjectLimits {
  maxOpen: number;
  maxStoredBytes: number;
}

/** What is left of a response that has ended. */
export interface RetainedSize {
  bytes: number;
  expiresAtMs: number;
}

export type InFlightAddOutcome = { kind: "entered" } | LimitExceeded;

/** The arguments of `enter` in ENTERING. */
export function addInFlightKeys(layout: RedisLayout, project: string): string[] {
  return [layout.inFlight, layout.inFlightOf(project), layout.inFlightProjects, ...layout.storedBytes(project)];
}

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

  /** False if it is there already. */
  async add(id: string, readAcceptedAtMs: number): Promise<boolean> {
    return (await this.#redis.zadd(this.#layout.inFlight, "NX", readAcceptedAtMs, id)) === 1;
  }

  /** Adds the id and counts its bytes, unless its project is at a bound. Exact, however many ask at once. */
  async addWithinLimits(addition: InFlightAddition, limits: ProjectLimits): Promise<InFlightAddOutcome> {
    const keys = addInFlightKeys(this.#layout, addition.project);
    const [kind, kept] = await addInFlightScript(this.#redis, keys, addInFlightArgs(addition, limits));
    return kind === "storage" ? { kind, kept } : { kind };
  }

  /**
   * Takes out an id whose response has an end that may be shown, or no record, on this very server: what another one said,
   * a primary before a failover, may be lost. False if it stays. (In Redis Cluster the record lies on another node, and is
   * not asked here.) Without a project, that of an id that has no record, it stays in its project's set until `reconcile`.
   * `kept` is what is left of it, and until when.
   */
  async removeEnded(id: string, project: string | undefined, kept?: RetainedSize): Promise<boolean> {
    const records = this.#layout.sharded ? [] : [this.#layout.meta(id)];
    return await this.#remove(id, project, records, kept);
  }

  /** Takes out an id whatever its record says. */
  async forceRemove(id: string, project: string | undefined): Promise<void> {
    await this.#remove(id, project, []);
  }

  async #remove(id: string, project: string | undefined, records: string[], kept?: RetainedSize): Promise<boolean> {
    const { inFlight, inFlightOf, storedBytes } = this.#layout;
    const keys = [inFlight, inFlightOf(project ?? ""), ...storedBytes(project ?? ""), ...records];
    const retained = [kept?.bytes ?? "", kept?.expiresAtMs ?? ""];
    const replicas = this.#requiresReplicas ? "1" : "";
    return (await removeScript(this.#redis, keys.length, keys, id, project ?? "", retained, replicas)) === 1;
  }

  /** Up to `count` ids of a project, from the oldest. */
  async listOfProject(project: string, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.inFlightOf(project), "0", String(count - 1));
  }

  /** Drops from the projects' sets what is not open any more. */
  async reconcile(): Promise<void> {
    const { inFlight, inFlightOf, inFlightProjects } = this.#layout;
    for (const project of await this.#redis.smembers(inFlightProjects)) {
      await reconcileScript(this.#redis, inFlight, inFlightOf(project), inFlightProjects, project);
    }
  }

  /** Ids from the oldest, `count` from place `offset`. */
  async list(offset: number, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.inFlight, String(offset), String(offset + count - 1));
  }

  /** When the id entered, in unix milliseconds; undefined if it is not there. */
  async acceptedAtMs(id: string): Promise<number | undefined> {
    const score = await this.#redis.zscore(this.#layout.inFlight, id);
    return score === null ? undefined : Number(score);
  }

  /** Counted at most once in 100 ms: the bound it serves is a brake, not an account. */
  async count(): Promise<number> {
    const nowMs = performance.now();
    if (nowMs - this.#lastCount.atMs > COUNT_REUSE_MS) {
      this.#lastCount = { atMs: nowMs, count: await this.#redis.zcard(this.#layout.inFlight) };
    }
    return this.#lastCount.count;
  }
}
