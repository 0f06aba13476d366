/**
 * Related responses with a completion window: same project, same `continuation_id` (contract.md#completion-windows). While
 * one runs, and for a short time after, the provider has their common prefix in its cache, so the next one that waits moves
 * forward. Each response that starts moves one forward. After `MAX_CONSECUTIVE` in a row, the next must reach its turn by
 * itself. Other responses are overtaken by at most that many, and never beyond their own latest start.
 *
 * This is a hint: without these keys, responses run in their normal order.
 */
import { createHash } from "node:crypto";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** Time after a run for which its prefix counts as cached: providers cache for 5 minutes or longer. */
const WARM_MS = 10 * 60_000;
const MAX_CONSECUTIVE = 16;
/** A response this close to its promotion stays: promoted responses are ahead of those moved forward. */
const PROMOTION_MARGIN_MS = 60_000;

/*
 * For both scripts: `moveForward` picks the next response.
 * KEYS  waiting (zset: id by latest start), warm (zset: id by the time until which its prefix is cached), consecutive moves
 * ARGV  …, now in ms, earliest latest start, maximum of consecutive moves
 * Returns the id of the response to move forward, or ''.
 */
const TAKE_NEXT_LUA = `
  local function keepUntilLast(key)
    local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
    if last[2] then redis.call('PEXPIREAT', key, last[2]) end
    return last[2]
  end
  local function moveForward(now, from, max)
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    local warmUntil = keepUntilLast(KEYS[2])
    keepUntilLast(KEYS[1])
    if not warmUntil or tonumber(redis.call('GET', KEYS[3]) or 0) >= tonumber(max) then return '' end
    local id = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'LIMIT', 0, 1)[1]
    if not id then return '' end
    redis.call('ZREM', KEYS[1], id)
    redis.call('INCR', KEYS[3])
    redis.call('PEXPIREAT', KEYS[3], warmUntil)
    return id
  end
`;

/*
 * KEYS  waiting, warm, consecutive moves
 * ARGV  id, its latest start, now, earliest latest start, maximum of consecutive moves
 * Returns the id of the response to move forward, which may be this one, or ''.
 */
const joinScript = defineScript<string>(
  "joinContinuation",
  3,
  `${TAKE_NEXT_LUA}
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  return moveForward(ARGV[3], ARGV[4], ARGV[5])
`,
);

/*
 * KEYS  waiting, warm, consecutive moves
 * ARGV  id, its deadline, now, earliest latest start, maximum of consecutive moves
 * Returns the id of the response to move forward, or ''.
 */
const beginScript = defineScript<string>(
  "beginInContinuation",
  3,
  `${TAKE_NEXT_LUA}
  -- It was not moved forward, so counting starts again.
  if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then redis.call('DEL', KEYS[3]) end
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  return moveForward(ARGV[3], ARGV[4], ARGV[5])
`,
);

/*
 * KEYS  waiting, warm
 * ARGV  id, until when its prefix counts as cached
 */
const leaveScript = defineScript<null>(
  "leaveContinuation",
  2,
  `
  redis.call('ZREM', KEYS[1], ARGV[1])
  -- Only if it has started.
  redis.call('ZADD', KEYS[2], 'XX', ARGV[2], ARGV[1])
  local last = redis.call('ZRANGE', KEYS[2], -1, -1, 'WITHSCORES')
  if last[2] then redis.call('PEXPIREAT', KEYS[2], last[2]) end
`,
);

/** A response that names a continuation. */
export interface ContinuationMember {
  id: string;
  project: string;
  continuationId: string;
}

export class RelatedResponses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Returns the id of the response to move forward now, if any. It may be this one. */
  async addWaiting(response: ContinuationMember, latestStartMs: number, nowMs: number): Promise<string | undefined> {
    const from = nowMs + PROMOTION_MARGIN_MS;
    const keys = this.#keysOf(response);
    const next = await joinScript(this.#redis, keys, response.id, latestStartMs, nowMs, from, MAX_CONSECUTIVE);
    return next === "" ? undefined : next;
  }

  /** Returns the id of the response to move forward now, if any. */
  async markRunning(response: ContinuationMember, deadlineMs: number, nowMs: number): Promise<string | undefined> {
    const from = nowMs + PROMOTION_MARGIN_MS;
    const keys = this.#keysOf(response);
    const next = await beginScript(this.#redis, keys, response.id, deadlineMs, nowMs, from, MAX_CONSECUTIVE);
    return next === "" ? undefined : next;
  }

  async markEnded(response: ContinuationMember, nowMs: number): Promise<void> {
    const [waiting, warm] = this.#keysOf(response);
    await leaveScript(this.#redis, waiting, warm, response.id, nowMs + WARM_MS);
  }

  /** Hashed: the client's text is arbitrary, and projects must not share keys. */
  #keysOf({ project, continuationId }: ContinuationMember): [waiting: string, warm: string, consecutive: string] {
    const digest = createHash("sha256")
      .update(JSON.stringify([project, continuationId]))
      .digest("hex");
    return this.#layout.continuation(digest);
  }
}
