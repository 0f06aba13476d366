/** Measures the distance to Redis, for callers that send one command after another. */
import type { RedisClient } from "./script.ts";

const SAMPLES = 5;

/** In milliseconds. The shortest of a few, because a busy process delays some. */
export async function measureRoundTrip(redis: RedisClient): Promise<number> {
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i += 1) {
    const startMs = performance.now();
    await redis.ping();
    shortestMs = Math.min(shortestMs, performance.now() - startMs);
  }
  return shortestMs;
}
