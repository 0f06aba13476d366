/**
 * Which responses with a window are related, by their project and `continuation_id` (contract.md#completion-windows): while one is being run,
 * or was a short while ago, the next one that waits is brought forward, because a provider has their common prefix in its
 * cache. Each that begins brings one, and at most `LONGEST_ROW` are brought one after the other before one of them has to
 * come by its own place: whoever else waits is passed by that many, and never beyond its own latest start.
 *
 * It is a hint: if it is lost, or its keys expire, responses run in their places.
 */
import { createHash } from "node:crypto";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** For so long after a run its prefix is taken to be in a provider's cache: they keep one for 5 minutes or longer. */
const WARM_MS = 10 * 60_000;
const MAX_CONSECUTIVE = 16;
/** One that is to be promoted so soon is left alone: what is brought forward is behind those that are promoted. */
const PROMOTION_MARGIN_MS = 60_000;

/*
 * The end of both scripts: brings one forward.
 * KEYS  waiting (zset: id by latest start), warm (zset: id by the time until which it keeps the continuation warm), row
 * ARGV  …, now in ms, earliest latest start, longest row
 * Returns the id, or ''.
 */
const TAKE_NEXT_LUA = `
  local function keepUntilLast(key)
    local last = redis.call('ZRANGE', key, -1, -1, 'WITHSCORES')
    if last[2] then redis.call('PEXPIREAT', key, last[2]) end
    return last[2]
  end
  local function bringForward(now, from, longest)
    redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
    local warmUntil = keepUntilLast(KEYS[2])
    keepUntilLast(KEYS[1])
    if not warmUntil or tonumber(redis.call('GET', KEYS[3]) or 0) >= tonumber(longest) then return '' end
    local id = redis.call('ZRANGEBYSCORE', KEYS[1], from, '+inf', 'LIMIT', 0, 1)[1]
    if not id then return '' end
    redis.call('ZREM', KEYS[1], id)
    redis.call('INCR', KEYS[3])
    redis.call('PEXPIREAT', KEYS[3], warmUntil)
    return id
  end
`;

/*
 * KEYS  waiting, warm, row
 * ARGV  id, its latest start, now, earliest latest start, longest row
 * Returns the id of the one to bring forward, which may be the same, or ''.
 */
const joinScript = defineScript<string>(
  "joinContinuation",
  3,
  `${TAKE_NEXT_LUA}
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  return bringForward(ARGV[3], ARGV[4], ARGV[5])
`,
);

/*
 * KEYS  waiting, warm, row
 * ARGV  id, until when it runs at the longest, now, earliest latest start, longest row
 * Returns the id of the one to bring forward, or ''.
 */
const beginScript = defineScript<string>(
  "beginInContinuation",
  3,
  `${TAKE_NEXT_LUA}
  -- It came by its own place, so a new row begins.
  if redis.call('ZREM', KEYS[1], ARGV[1]) == 1 then redis.call('DEL', KEYS[3]) end
  redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
  return bringForward(ARGV[3], ARGV[4], ARGV[5])
`,
);

/*
 * KEYS  waiting, warm
 * ARGV  id, until when it keeps the continuation warm
 */
const leaveScript = defineScript<null>(
  "leaveContinuation",
  2,
  `
  redis.call('ZREM', KEYS[1], ARGV[1])
  -- Only if it has begun.
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

export class Continuations {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** It waits. Returns the id of the response that is to be brought forward now, if any: it may be this one. */
  async addWaiting(response: ContinuationMember, latestStartMs: number, nowMs: number): Promise<string | undefined> {
    const from = nowMs + PROMOTION_MARGIN_MS;
    const keys = this.#keysOf(response);
    const next = await joinScript(this.#redis, keys, response.id, latestStartMs, nowMs, from, MAX_CONSECUTIVE);
    return next === "" ? undefined : next;
  }

  /** It is being run, until `deadlineMs` at the longest. Returns the id of the response to bring forward, if any. */
  async markRunning(response: ContinuationMember, deadlineMs: number, nowMs: number): Promise<string | undefined> {
    const from = nowMs + PROMOTION_MARGIN_MS;
    const keys = this.#keysOf(response);
    const next = await beginScript(this.#redis, keys, response.id, deadlineMs, nowMs, from, MAX_CONSECUTIVE);
    return next === "" ? undefined : next;
  }

  /** It is over. */
  async markEnded(response: ContinuationMember, nowMs: number): Promise<void> {
    const [waiting, warm] = this.#keysOf(response);
    await leaveScript(this.#redis, waiting, warm, response.id, nowMs + WARM_MS);
  }

  /** By a digest: the client's text may be anything, and no other project's may be the same. */
  #keysOf({ project, continuationId }: ContinuationMember): [waiting: string, warm: string, row: string] {
    const digest = createHash("sha256")
      .update(JSON.stringify([project, continuationId]))
      .digest("hex");
    return this.#layout.continuation(digest);
  }
}
