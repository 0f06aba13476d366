/** What an operator wants to know of the configured Redis before a process uses it. Writes nothing. */
import { createLogger } from "../logging/logger.ts";
import type { Config } from "../config/config.ts";
import { RedisLayout } from "../redis/layout.ts";
import { Preflight, type RedisFindings } from "../redis/preflight.ts";
import { RedisClock } from "../redis/redis-clock.ts";
import { WorkerRegistry } from "../store/worker-registry.ts";
import { Connections } from "./connections.ts";

export interface ExaminedRedis {
  findings: RedisFindings;
  /** How far this machine's clock is ahead of Redis's. */
  clockSkewMs: number;
  /** Live workers that serve each queue. */
  workers: { foreground: number; background: number };
}

/**
 * Throws a ConfigurationError for a Redis that no process may use. Waits for a Redis that is away until the signal
 * aborts, and throws its reason.
 */
export async function examineRedis(config: Config, signal: AbortSignal): Promise<ExaminedRedis> {
  const logger = createLogger({ name: "doctor", level: "silent", pretty: false });
  const connections = new Connections(config, logger);
  const layout = new RedisLayout(config.KEY_PREFIX, { sharded: config.REDIS_CLUSTER });
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([aborted, examine()]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    connections.close();
  }

  async function examine(): Promise<ExaminedRedis> {
    const redis = await connections.open("request", "doctor");
    const findings = await new Preflight(redis, layout, logger).check();
    using clock = await RedisClock.start(redis, layout.inFlight, logger);
    const clockSkewMs = clock.skewMs();
    const workers = await new WorkerRegistry(redis, layout, clock).countAll();
    return { findings, clockSkewMs, workers };
  }
}
