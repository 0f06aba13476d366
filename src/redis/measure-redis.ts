/** What a process sees of its Redis: how fast it answers, and how full it is. */
import { Redis } from "ioredis";
import type { RedisClient } from "./script.ts";

export interface RedisMeasurement {
  /** Host and port; in a cluster one primary of several. */
  node: string;
  pingMs: number;
  usedMemoryBytes: number;
  /** 0 = no limit. */
  maxMemoryBytes: number;
}

/** Measures a single server, or every primary of a cluster. Rejects if one does not answer. */
export async function measureRedis(redis: RedisClient): Promise<RedisMeasurement[]> {
  const nodes = redis instanceof Redis ? [redis] : redis.nodes("master");
  return await Promise.all(nodes.map(measureNode));
}

async function measureNode(node: Redis): Promise<RedisMeasurement> {
  const startedMs = performance.now();
  await node.ping();
  const pingMs = performance.now() - startedMs;
  const memory = await node.info("memory");
  const { host = "", port = 0 } = node.options;
  return {
    node: `${host}:${port}`,
    pingMs,
    usedMemoryBytes: numberIn(memory, "used_memory"),
    maxMemoryBytes: numberIn(memory, "maxmemory"),
  };
}

function numberIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
}
