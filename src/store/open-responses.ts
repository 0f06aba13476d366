/**
 * The set of responses that have not ended. An id enters before its record exists, so that no crash can hide it. Where
 * each project is bounded there is a set for each as well, always a part of the set of all: what is in it and not there
 * any more has been left behind by a crash, and is dropped by the sweeper.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

const COUNT_REUSE_MS = 100;

/*
 * KEYS  open, open of the project, projects
 * ARGV  response id, unix milliseconds, project, bound
 * Returns 1 if the response is in both sets now, 0 if the project has as many as it may.
 */
const addWithinScript = defineScript<0 | 1>(
  "addOpenResponseWithin",
  3,
  `
  if not redis.call('ZSCORE', KEYS[2], ARGV[1]) and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 0 end
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  redis.call('SADD', KEYS[3], ARGV[3])
  return 1
`,
);

/*
 * KEYS  open, open of the project
 * ARGV  response id
 */
const removeScript = defineScript<null>(
  "removeOpenResponse",
  2,
  `
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
`,
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
);

export class OpenResponses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  #counted = { atMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async add(id: string, acceptedAtMs: number): Promise<void> {
    await this.#redis.zadd(this.#layout.open, acceptedAtMs, id);
  }

  /** Adds the id unless `project` has `bound` of them. Exact, however many ask at once. */
  async addWithin(bound: number, project: string, id: string, acceptedAtMs: number): Promise<boolean> {
    const { open, openOf, openProjects } = this.#layout;
    const added = await addWithinScript(
      this.#redis,
      open,
      openOf(project),
      openProjects,
      id,
      acceptedAtMs,
      project,
      bound,
    );
    return added === 1;
  }

  /** Without a project, that of an id that has no record, it stays in its project's set until `reconcile`. */
  async remove(id: string, project: string | undefined): Promise<void> {
    const { open, openOf } = this.#layout;
    if (project === undefined) await this.#redis.zrem(open, id);
    else await removeScript(this.#redis, open, openOf(project), id);
  }

  /** Up to `count` ids of a project, from the oldest. */
  async listOf(project: string, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.openOf(project), "0", String(count - 1));
  }

  /** Drops from the projects' sets what is not open any more. */
  async reconcile(): Promise<void> {
    const { open, openOf, openProjects } = this.#layout;
    for (const project of await this.#redis.smembers(openProjects)) {
      await reconcileScript(this.#redis, open, openOf(project), openProjects, project);
    }
  }

  /** Ids from the oldest, `count` from place `offset`. */
  async list(offset: number, count: number): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.open, String(offset), String(offset + count - 1));
  }

  /** When the id entered, in unix milliseconds; undefined if it is not there. */
  async acceptedAtMs(id: string): Promise<number | undefined> {
    const score = await this.#redis.zscore(this.#layout.open, id);
    return score === null ? undefined : Number(score);
  }

  /** Counted at most once in 100 ms: the bound it serves is a brake, not an account. */
  async count(nowMs: number): Promise<number> {
    if (nowMs - this.#counted.atMs > COUNT_REUSE_MS) {
      this.#counted = { atMs: nowMs, count: await this.#redis.zcard(this.#layout.open) };
    }
    return this.#counted.count;
  }
}
