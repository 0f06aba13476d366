/** The HTTP server of METRICS_PORT: only the metrics of an API process. */
import express, { type Express } from "express";
import { serveMetrics } from "./http/endpoints/metrics.ts";
import { assignRequestIds } from "./http/middleware/request-id.ts";
import type { Metrics } from "./telemetry/metrics/metrics.ts";

export function createMetricsApp(metrics: Metrics, tokenHash: Buffer | undefined): Express {
  const app = express();
  app.disable("x-powered-by");
  app.use(assignRequestIds);
  app.get("/metrics", serveMetrics(metrics, tokenHash));
  return app;
}
