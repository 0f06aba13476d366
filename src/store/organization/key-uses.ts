/** When keys were last used. */
import { LRUCache } from "lru-cache";
import type { RedisLayout } from "../../redis/layout.ts";
import { defineScript, type RedisClient } from "../../redis/script.ts";

/*
 * KEYS  keys of the project
 * ARGV  key id, Unix seconds
 */
const noteUseScript = defineScript<null>(
  "noteKeyUse",
  1,
  `
  local key = redis.call('HGET', KEYS[1], ARGV[1])
  if not key then return end
  key = cjson.decode(key)
  key.last_used_at = tonumber(ARGV[2])
  redis.call('HSET', KEYS[1], ARGV[1], cjson.encode(key))
`,
);

/** A process notes the use of a key this often at most, and no request waits for it. */
const NOTE_INTERVAL_MS = 60_000;
/** Keys whose last note a process remembers. */
const MAX_NOTED_KEYS = 10_000;

export class KeyUses {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  /** When this process noted the use of a key, by its id. */
  readonly #notedAtMs = new LRUCache<string, number>({ max: MAX_NOTED_KEYS });

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Returns at once. */
  note(project: string, id: string, nowMs: number): void {
    if (nowMs - (this.#notedAtMs.get(id) ?? -NOTE_INTERVAL_MS) < NOTE_INTERVAL_MS) return;
    this.#notedAtMs.set(id, nowMs);
    const { keysOf } = this.#layout.organization;
    // A Redis that is full or away rejects it, and the next minute has another chance.
    noteUseScript(this.#redis, keysOf(project), id, Math.floor(nowMs / 1_000)).catch(() => {});
  }
}
