/** The HTTP server of a worker: its health checks and its metrics. */
import express, { type Express } from "express";
import { checkRedis, healthRoutes, type ReadinessChecks } from "./http/endpoints/health.ts";
import { serveMetrics } from "./http/endpoints/metrics.ts";
import { assignRequestIds } from "./http/middleware/request-id.ts";
import type { Metrics } from "./telemetry/metrics/metrics.ts";

interface HealthAppOptions {
  /** Its preflight and its clock. */
  redis?: Parameters<typeof checkRedis>[0];
  replicaWaitMs?: number;
  /** Absent if this worker serves no metrics. */
  metrics?: { source: Metrics; tokenHash: Buffer | undefined } | undefined;
}

export function createHealthApp(
  checks: ReadinessChecks,
  { redis: examined, replicaWaitMs, metrics }: HealthAppOptions = {},
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(assignRequestIds);
  const redis = examined && checkRedis(examined);
  app.use(
    healthRoutes(redis === undefined ? checks : { ...checks, setup: redis.isUsable }, {
      ...(replicaWaitMs !== undefined && { replicaWaitMs }),
      ...(redis !== undefined && { warnings: redis.listWarnings }),
    }),
  );
  if (metrics !== undefined) app.get("/metrics", serveMetrics(metrics.source, metrics.tokenHash));
  return app;
}
