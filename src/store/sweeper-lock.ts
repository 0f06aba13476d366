/** The lock that lets one process sweep at a time. It expires, so another process takes over from one that crashed. */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/*
 * KEYS  lock
 * ARGV  owner, milliseconds
 * Returns 1 if the owner now holds the lock, 0 if another process does.
 */
const holdLockScript = defineScript<0 | 1>(
  "holdSweeperLock",
  1,
  `
  local owner = redis.call('GET', KEYS[1])
  if owner and owner ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
`,
  { runsWhenFull: true },
);

export class SweeperLock {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Acquires or renews the lock. False if another process holds it. */
  async hold(owner: string, durationMs: number): Promise<boolean> {
    return (await holdLockScript(this.#redis, this.#layout.sweeperLock, owner, durationMs)) === 1;
  }
}
