/** The HTTP server of a worker: only its health checks. */
import express, { type Express } from "express";
import { checkRedis, healthRoutes, type ReadinessChecks } from "./http/endpoints/health.ts";
import { assignRequestIds } from "./http/middleware/request-id.ts";
import type { Preflight } from "./redis/preflight.ts";

export function createHealthApp(
  checks: ReadinessChecks,
  { preflight, replicaWaitMs }: { preflight?: Preflight; replicaWaitMs?: number } = {},
): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(assignRequestIds);
  const redis = preflight && checkRedis(preflight);
  app.use(
    healthRoutes(redis === undefined ? checks : { ...checks, setup: redis.isUsable }, {
      ...(replicaWaitMs !== undefined && { replicaWaitMs }),
      ...(redis !== undefined && { warnings: redis.listWarnings }),
    }),
  );
  return app;
}
