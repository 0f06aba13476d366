/** The API process: config → context → listen → drain. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createApp } from "./app.ts";
import { readConfig } from "./config/config.ts";
import { redirectConsole } from "./logging/redirect-console.ts";
import { type ApiContext, openApiContext } from "./context.ts";
import { createHttpServer } from "./http/server/http-server.ts";
import { createLogger } from "./logging/logger.ts";
import { listOperatorSecrets } from "./providers/operator-secrets.ts";
import { createMetricsApp } from "./metrics-app.ts";
import { openApiMetrics } from "./open-metrics.ts";
import { rejectOwnAddress } from "./providers/own-address.ts";
import { runProcess } from "./process/run-process.ts";
import { readProviderCatalog } from "./providers/catalog.ts";
import type { Metrics } from "./telemetry/metrics/metrics.ts";
import { traceFields } from "./telemetry/trace-context.ts";
import { startTracing } from "./telemetry/tracing/start-tracing.ts";
import { TRACES_LIMIT_MS, type Tracing } from "./telemetry/tracing/tracing.ts";

/** Time after the grace period for the last answers and for closing connections. */
const CLOSE_LIMIT_MS = 5_000;

await runProcess("api", async () => {
  const config = readConfig();
  const { providers } = readProviderCatalog(config);
  rejectOwnAddress(config, providers);
  const secrets = listOperatorSecrets(config, providers);
  const logger = createLogger({
    name: "api",
    level: config.LOG_LEVEL,
    pretty: config.LOG_PRETTY,
    secrets,
    fields: traceFields,
  });
  redirectConsole(logger);
  const tracing = await startTracing({ name: "api", config, providers, logger });
  const context = await openApiContext(config, logger);
  const metrics = await openApiMetrics(context);
  const app = createApp(context, config.metricsTokenHash && metrics);
  // First: a process that cannot start must not take a request.
  const metricsServer = metrics && (await serveMetricsAlone(context, metrics));
  const server = createHttpServer(app, config.HTTP_KEEP_ALIVE_MS);
  server.listen(config.PORT, config.HOST);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : config.PORT;
  logger.info({ url: `http://${config.HOST}:${port}/v1`, projects: config.apiKeys.length }, "API listening");
  const drainLimitMs = config.DRAIN_GRACE_MS + CLOSE_LIMIT_MS + TRACES_LIMIT_MS;
  const drainAll = async (): Promise<void> => {
    await drain(server, context, tracing);
    metricsServer?.close();
    metrics?.[Symbol.dispose]();
  };
  return { logger, drain: drainAll, drainLimitMs };
});

/** Undefined without a METRICS_PORT. */
async function serveMetricsAlone({ config }: ApiContext, metrics: Metrics): Promise<Server | undefined> {
  if (config.METRICS_PORT === 0) return undefined;
  const server = createServer(createMetricsApp(metrics, config.metricsTokenHash));
  server.listen(config.METRICS_PORT, config.HOST);
  await once(server, "listening");
  return server;
}

/** Time for the answers to requests that still wait when the grace period ends. */
const RESPONSE_FLUSH_MS = 500;

/**
 * Stops accepting connections, and ends streams without a terminal event so that their clients resume on another process.
 * Other requests may finish within the grace period.
 */
async function drain(server: Server, context: ApiContext, tracing: Tracing): Promise<void> {
  context.isDraining = true;
  context.hub.endResumableStreams();
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeIdleConnections();
  // Busy connections become idle one by one, and must not wait for another request.
  server.keepAliveTimeout = 1;
  server.keepAliveTimeoutBuffer = 0;
  const grace = setTimeout(() => {
    context.hub.close();
    setTimeout(() => server.closeAllConnections(), RESPONSE_FLUSH_MS).unref();
  }, context.config.DRAIN_GRACE_MS);
  await closed;
  clearTimeout(grace);
  await context[Symbol.asyncDispose]();
  await tracing.stop();
}
