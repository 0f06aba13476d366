/** How far Redis is: for whoever waits for one command after another. */
import type { RedisClient } from "./script.ts";

const SAMPLES = 5;

/** Milliseconds. The shortest of a few, since a busy process makes single ones long. */
export async function measureRoundTrip(redis: RedisClient): Promise<number> {
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < SAMPLES; i += 1) {
    const startMs = performance.now();
    await redis.ping();
    shortestMs = Math.min(shortestMs, performance.now() - startMs);
  }
  return shortestMs;
}
