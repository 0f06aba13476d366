/**
 * Which blobs nothing refers to. A blob is **pending** while its bytes arrive, until a record refers to it, and
 * **condemned** once nothing will: the sweeper then deletes it. Each step from one state to the next is one script, so a
 * process that is lost between two steps leaves a blob that a record refers to, or one that is in a set.
 *
 *   pending   zset  keys by the time until which the process that receives the bytes holds them; it renews this time
 *   condemned zset  keys by the time from which the sweeper deletes them
 *
 * A process may be stopped for longer than it holds a blob, and write on afterwards. It cannot record the blob then, and
 * deletes it. A later deletion covers the process that is lost before it does.
 */
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";
import { COUNT_BYTES_LUA } from "../stored-bytes.ts";

/** Renewed several times within it. */
export const HOLD_MS = 60_000;
/** Far longer than a process that lost its hold takes to notice. */
const SECOND_DELETION_MS = 60 * 60_000;
const SECOND_DELETION_SUFFIX = ":again";

/*
 * KEYS  sums, sizes, expiries, limits of the project, pending
 * ARGV  project, key, bytes, milliseconds, limit if the project has none of its own, '1' if the blob is held already
 * Returns {1, sum, limit}; {0, sum, limit} if the bytes exceed the limit; {-1, 0, 0} if the hold was lost.
 */
const holdScript = defineScript<[1 | 0 | -1, number, number]>(
  "holdBlob",
  5,
  `${COUNT_BYTES_LUA}
  local project, key = ARGV[1], ARGV[2]
  if ARGV[6] == '1' and not redis.call('ZSCORE', KEYS[5], key) then return {-1, 0, 0} end
  local limit = tonumber(redis.call('HGET', KEYS[4], 'bytes') or ARGV[5])
  if not fits(KEYS, project, key, tonumber(ARGV[3]), limit) then return {0, sum(KEYS, project), limit} end
  local now = redis.call('TIME')
  local untilMs = string.format('%.0f', now[1] * 1000 + math.floor(now[2] / 1000) + ARGV[4])
  put(KEYS, project, key, ARGV[3], untilMs)
  redis.call('ZADD', KEYS[5], untilMs, key)
  return {1, sum(KEYS, project), limit}
`,
);

/*
 * For scripts that condemn blobs. `sets`: pending, condemned.
 */
export const CONDEMN_LUA = `
  local function nowMs()
    local now = redis.call('TIME')
    return now[1] * 1000 + math.floor(now[2] / 1000)
  end
  local function condemn(sets, key)
    redis.call('ZREM', sets[1], key)
    redis.call('ZADD', sets[2], string.format('%.0f', nowMs()), key)
  end
`;

/*
 * KEYS  sums, sizes, expiries, pending, condemned
 * ARGV  project, key
 * Returns 1 if the blob was pending.
 */
const abandonScript = defineScript<0 | 1>(
  "abandonBlob",
  5,
  `${COUNT_BYTES_LUA}${CONDEMN_LUA}
  if not redis.call('ZSCORE', KEYS[4], ARGV[2]) then return 0 end
  drop(KEYS, ARGV[1], ARGV[2])
  condemn({KEYS[4], KEYS[5]}, ARGV[2])
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  pending, condemned
 * ARGV  count, milliseconds until the second deletion
 * Returns the number of blobs that lost their process.
 */
const condemnLostScript = defineScript<number>(
  "condemnLostBlobs",
  2,
  `${CONDEMN_LUA}
  local now = nowMs()
  local lost = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, ARGV[1])
  for _, key in ipairs(lost) do
    condemn(KEYS, key)
    redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2]), key .. '${SECOND_DELETION_SUFFIX}')
  end
  return #lost
`,
  { runsWhenFull: true },
);

export interface HeldBlob {
  project: string;
  key: string;
}

export type HoldOutcome = { kind: "held" } | { kind: "full"; storedBytes: number; limit: number } | { kind: "lost" };

/** An entry of the set of condemned blobs. */
export interface CondemnedBlob {
  key: string;
  member: string;
}

export class BlobCustody {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Counts `bytes` for the project and announces the blob. Call it before its first byte is stored. */
  async begin(blob: HeldBlob, bytes: number, defaultLimit: number): Promise<HoldOutcome> {
    return await this.#hold(blob, bytes, defaultLimit, false);
  }

  /** Holds the blob for another while. `bytes`: its size as counted from now on. */
  async renew(blob: HeldBlob, bytes: number, defaultLimit: number): Promise<HoldOutcome> {
    return await this.#hold(blob, bytes, defaultLimit, true);
  }

  /** Condemns a pending blob. False, and nothing changes, if the blob is recorded or condemned already. */
  async abandon({ project, key }: HeldBlob): Promise<boolean> {
    const { storedBytes, blobs } = this.#layout;
    return (await abandonScript(this.#redis, [...storedBytes(project), ...blobs], project, key)) === 1;
  }

  /** Condemns blobs whose processes were lost. Returns how many. */
  async condemnLost(count: number): Promise<number> {
    return await condemnLostScript(this.#redis, this.#layout.blobs, count, SECOND_DELETION_MS);
  }

  /** Condemned blobs whose time has come. */
  async listCondemned(nowMs: number, count: number): Promise<CondemnedBlob[]> {
    const [, condemned] = this.#layout.blobs;
    const members = await this.#redis.zrangebyscore(condemned, "-inf", nowMs, "LIMIT", 0, count);
    return members.map((member) => ({ member, key: member.replace(SECOND_DELETION_SUFFIX, "") }));
  }

  /** Call it after the blobs are deleted. */
  async forget(members: readonly string[]): Promise<void> {
    const [, condemned] = this.#layout.blobs;
    if (members.length > 0) await this.#redis.zrem(condemned, [...members]);
  }

  async #hold(blob: HeldBlob, bytes: number, defaultLimit: number, isHeld: boolean): Promise<HoldOutcome> {
    const { project, key } = blob;
    const [pending] = this.#layout.blobs;
    const keys = [...this.#layout.storedBytes(project), this.#layout.organization.limitsOf(project), pending];
    const args = [project, key, bytes, HOLD_MS, defaultLimit, isHeld ? "1" : "0"];
    const [outcome, storedBytes, limit] = await holdScript(this.#redis, keys, args);
    if (outcome === 1) return { kind: "held" };
    return outcome === 0 ? { kind: "full", storedBytes, limit } : { kind: "lost" };
  }
}
