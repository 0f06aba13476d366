/**
 * The in-flight set: all responses that have not ended. Admission adds an id before or together with its record, so no
 * crash can hide a response from the sweeper. Each project also has a set, always a subset of the first. A crash can leave
 * an id in the project's set only; the sweeper removes it. The scripts that add and remove a response also change the index
 * of `GET /responses` (lists/response-list.ts).
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import {
  ADD_IN_FLIGHT_KEY_COUNT,
  ADD_IN_FLIGHT_LUA,
  addInFlightArgs,
  addInFlightKeys,
  type ExceededReply,
  type InFlightAddition,
  type LimitExceeded,
  type RateReply,
  toLimitExceeded,
} from "./add-in-flight-script.ts";
import { listKey } from "./lists/list-scripts.ts";
import { type ProjectLimits, type RequestRate, toRequestRate } from "./organization/project-limits.ts";
import type { AccountingSettings } from "./organization/usage-counts.ts";
import { type EndedResponse, type RemovalOutcome, removeInFlight } from "./remove-in-flight.ts";
import { COUNT_BYTES_LUA } from "./stored-bytes.ts";

const COUNT_REUSE_MS = 100;

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

/*
 * KEYS  in flight, in flight of the project, projects, sums, sizes, expiries, open ids of the list
 * ARGV  project
 * Returns how many ids were removed from the project's set because the in-flight set lacks them. Their bytes stay counted only
 * if they have ended. The list of responses also needs the projects.
 */
const reconcileScript = defineScript<number>(
  "reconcileOpenResponses",
  7,
  `${COUNT_BYTES_LUA}
  local dropped, stored = 0, {KEYS[4], KEYS[5], KEYS[6]}
  for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if not redis.call('ZSCORE', KEYS[1], id) then
      dropped = dropped + redis.call('ZREM', KEYS[2], id)
      if not redis.call('ZSCORE', stored[3], id) then drop(stored, ARGV[1], id) end
    end
  end
  if redis.call('EXISTS', KEYS[2], KEYS[7]) == 0 then redis.call('SREM', KEYS[3], ARGV[1]) end
  return dropped
`,
  { runsWhenFull: true },
);

export type InFlightAddOutcome = ({ kind: "entered" } | LimitExceeded) & { rate: RequestRate | undefined };

export class InFlightResponses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #requiresReplicas: boolean;
  readonly #accounting: AccountingSettings;
  #lastCount = { atMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(
    redis: RedisClient,
    layout: RedisLayout,
    { minReplicasAcked, accounting }: { minReplicasAcked: number; accounting: AccountingSettings },
  ) {
    this.#accounting = accounting;
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
   * Removes an id whose response has a visible end or no record, counts what it used, and puts its event into the outbox.
   * The script checks the record again, because a failover may have undone the end since the caller read it. In Redis
   * Cluster the record is on another node and is not checked. Without a project (for an id without a record) the id stays in
   * its project's set until `reconcile`.
   */
  async removeEnded(id: string, project: string | undefined, ended?: EndedResponse): Promise<RemovalOutcome> {
    const records = this.#layout.sharded ? [] : [this.#layout.meta(id)];
    return await this.#remove(id, project, records, ended);
  }

  /** Removes an id without checking its record. */
  async forceRemove(id: string, project: string | undefined, ended?: EndedResponse): Promise<RemovalOutcome> {
    return await this.#remove(id, project, [], ended);
  }

  async #remove(
    id: string,
    project: string | undefined,
    records: string[],
    ended?: EndedResponse,
  ): Promise<RemovalOutcome> {
    const settings = { requiresReplicas: this.#requiresReplicas, accounting: this.#accounting };
    return await removeInFlight(this.#redis, this.#layout, { id, project, records, ended }, settings);
  }

  /** Up to `count` ids of a project, oldest first. */
  async listOfProject(project: string, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.inFlightOf(project), "0", String(count - 1));
  }

  /** Removes leftover ids from the projects' sets, with their bytes. */
  async reconcile(): Promise<void> {
    const { inFlight, inFlightOf, inFlightProjects, storedBytes, responseList } = this.#layout;
    for (const project of await this.#redis.smembers(inFlightProjects)) {
      const open = listKey(responseList, "open", project);
      const keys = [inFlight, inFlightOf(project), inFlightProjects, ...storedBytes(project), open];
      await reconcileScript(this.#redis, keys, project);
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
