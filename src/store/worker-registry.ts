/**
 * The live workers of an installation. Each worker announces itself every few seconds; one that stops or dies vanishes by
 * Redis's clock. A set per queue answers "does anything serve it" with one count, and a hash has what people see.
 */
import { z } from "zod";
import { type QueueName, QUEUE_NAMES, queueSlotsSchema } from "../protocol/organization-queue.ts";
import type { RedisLayout } from "../redis/layout.ts";
import type { Clock } from "../redis/redis-clock.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** Interval at which a worker announces itself. */
export const ANNOUNCE_INTERVAL_MS = 2_000;
/** Time after its last announcement at which a worker counts as dead. */
const LIFETIME_MS = 4 * ANNOUNCE_INTERVAL_MS;
/** Far more than one Redis can serve. Further workers run and are not listed. */
const MAX_WORKERS = 1_000;
const DEAD_PER_ANNOUNCEMENT = 100;

/*
 * KEYS  details (hash), then one set (zset by the time until which a worker counts) per queue
 * ARGV  worker, details as JSON, lifetime in ms, maximum workers, then '1' per queue that it serves, or ''
 * Removes dead workers, and lists this one. Returns 0 if the registry is full.
 */
const announceScript = defineScript<0 | 1>(
  "announceWorker",
  "any",
  `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  for i = 2, #KEYS do
    for _, dead in ipairs(redis.call('ZRANGE', KEYS[i], '-inf', now, 'BYSCORE', 'LIMIT', 0, ${DEAD_PER_ANNOUNCEMENT})) do
      redis.call('ZREM', KEYS[i], dead)
      redis.call('HDEL', KEYS[1], dead)
    end
  end
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  for i = 2, #KEYS do
    if ARGV[i + 3] == '1' then
      redis.call('ZADD', KEYS[i], now + ARGV[3], ARGV[1])
      redis.call('PEXPIRE', KEYS[i], ARGV[3])
    end
  end
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  as above
 * ARGV  worker
 */
const removeScript = defineScript<number>(
  "removeWorker",
  "any",
  `
  for i = 2, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
  return redis.call('HDEL', KEYS[1], ARGV[1])
`,
  { runsWhenFull: true },
);

const detailsSchema = z.object({
  version: z.string(),
  startedAtMs: z.number(),
  queues: z.object({ foreground: queueSlotsSchema, background: queueSlotsSchema }),
});
export type WorkerDetails = z.infer<typeof detailsSchema>;

export interface LiveWorker extends WorkerDetails {
  /** The name of its process. */
  id: string;
  seenAtMs: number;
}

export class WorkerRegistry {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #clock: Clock;

  constructor(redis: RedisClient, layout: RedisLayout, clock: Clock) {
    this.#redis = redis;
    this.#layout = layout;
    this.#clock = clock;
  }

  /** Lists the worker for the next seconds. False if `MAX_WORKERS` others are listed. */
  async announce(id: string, details: WorkerDetails): Promise<boolean> {
    const serves = QUEUE_NAMES.map((name) => (details.queues[name].slots > 0 ? "1" : ""));
    const values = [id, JSON.stringify(details), LIFETIME_MS, MAX_WORKERS, ...serves];
    return (await announceScript(this.#redis, this.#keys.length, this.#keys, values)) === 1;
  }

  async remove(id: string): Promise<void> {
    await removeScript(this.#redis, this.#keys.length, this.#keys, id);
  }

  /** Number of live workers that serve the queue. */
  async count(name: QueueName): Promise<number> {
    return await this.#redis.zcount(this.#layout.workersOf(name), `(${this.#clock.nowMs()}`, "+inf");
  }

  async countAll(): Promise<Record<QueueName, number>> {
    const [foreground, background] = await Promise.all([this.count("foreground"), this.count("background")]);
    return { foreground, background };
  }

  /** The live workers, by name. */
  async list(): Promise<LiveWorker[]> {
    const [details, ...sets] = await Promise.all([
      this.#redis.hgetall(this.#layout.workers),
      ...QUEUE_NAMES.map(async (name) => await this.#listServing(name)),
    ]);
    const aliveUntil = new Map(sets.flat());
    return Object.entries(details)
      .flatMap(([id, json]) => {
        const untilMs = aliveUntil.get(id);
        const parsed = parseDetails(json);
        if (untilMs === undefined || parsed === undefined) return [];
        return [{ id, seenAtMs: untilMs - LIFETIME_MS, ...parsed }];
      })
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  async #listServing(name: QueueName): Promise<[id: string, aliveUntilMs: number][]> {
    const from = `(${this.#clock.nowMs()}`;
    const flat = await this.#redis.zrangebyscore(this.#layout.workersOf(name), from, "+inf", "WITHSCORES");
    return Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, Number(flat[2 * i + 1])]);
  }

  get #keys(): string[] {
    return [this.#layout.workers, ...QUEUE_NAMES.map(this.#layout.workersOf)];
  }
}

/** Undefined for details that another release wrote in another form. */
function parseDetails(json: string): WorkerDetails | undefined {
  try {
    return detailsSchema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
