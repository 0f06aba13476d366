/** What waits in a queue, by class: one script whose cost does not depend on the length of the queue. */
import type { QueueName, WaitingClass } from "../protocol/organization-queue.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { PRIORITIES } from "./queue-class.ts";

/** BullMQ's score of a prioritized job: the priority times this, plus a counter. */
const PRIORITY_FACTOR = 0x1_0000_0000;

/*
 * KEYS  wait (list, taken from its end), prioritized (zset), delayed (zset), active (list), all of BullMQ
 * ARGV  the lowest score of each class, lowest first
 * Returns {delayed, active, waiting in the list, its next job or ''}, then {count, next job or ''} per class
 */
const readDepthScript = defineScript<(string | number)[]>(
  "readQueueDepth",
  4,
  `
  local found = {redis.call('ZCARD', KEYS[3]), redis.call('LLEN', KEYS[4]), redis.call('LLEN', KEYS[1]),
    redis.call('LINDEX', KEYS[1], -1) or ''}
  for i = 1, #ARGV do
    local to = ARGV[i + 1] and '(' .. ARGV[i + 1] or '+inf'
    table.insert(found, redis.call('ZCOUNT', KEYS[2], ARGV[i], to))
    table.insert(found, redis.call('ZRANGE', KEYS[2], ARGV[i], to, 'BYSCORE', 'LIMIT', 0, 1)[1] or '')
  end
  return found
`,
);

export interface WaitingResponses {
  count: number;
  /** The response that starts next; undefined if none waits. */
  nextId: string | undefined;
}

export interface QueueDepth {
  delayed: number;
  active: number;
  waiting: Record<WaitingClass, WaitingResponses>;
}

const { priority, default: ordinary, flex, related, windowed } = PRIORITIES;
const LOWEST_SCORES = [priority, ordinary, flex, related, windowed].map((each) => each * PRIORITY_FACTOR);
const NONE: WaitingResponses = { count: 0, nextId: undefined };

export async function readQueueDepth(redis: RedisClient, prefix: string, name: QueueName): Promise<QueueDepth> {
  const keys = ["wait", "prioritized", "delayed", "active"].map((list) => `${prefix}:${name}:${list}`);
  const found = await readDepthScript(redis, keys, LOWEST_SCORES);
  const at = (i: number): WaitingResponses => ({ count: Number(found[i]), nextId: String(found[i + 1]) || undefined });
  const listed = at(2);
  const prioritized = { priority: at(4), default: at(6), flex: at(8), related: at(10), window: at(12) };
  const waiting =
    name === "foreground" ? { ...prioritized, first: NONE, default: listed } : { ...prioritized, first: listed };
  return { delayed: Number(found[0]), active: Number(found[1]), waiting };
}
