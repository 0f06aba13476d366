/** The worker process: config → context → start → drain. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { createHealthApp } from "../src/worker-health-app.ts";
import { readConfig, replicaWaitMsOf } from "../src/config/config.ts";
import { readRelease } from "../src/config/release.ts";
import { redirectConsole } from "../src/logging/redirect-console.ts";
import { openWorkerContext, type WorkerContext } from "../src/context.ts";
import { openWorkerMetrics } from "../src/open-metrics.ts";
import { sweepFiles } from "../src/files/sweep-files.ts";
import { createLogger } from "../src/logging/logger.ts";
import { listOperatorSecrets } from "../src/providers/operator-secrets.ts";
import { runProcess } from "../src/process/run-process.ts";
import { readProviderCatalog } from "../src/providers/catalog.ts";
import { traceFields } from "../src/telemetry/trace-context.ts";
import { startTracing } from "../src/telemetry/tracing/start-tracing.ts";
import { TRACES_LIMIT_MS } from "../src/telemetry/tracing/tracing.ts";
import { ResponseSweeper } from "./jobs/response-sweeper.ts";
import { HAND_OVER_MS, ResponseWorker } from "./jobs/response-worker.ts";
import { WorkerHeartbeat } from "./jobs/worker-heartbeat.ts";
import { WebhookWorker } from "./jobs/webhook-worker.ts";

const CLOSE_LIMIT_MS = 3_000;

async function startHeartbeat(
  { config, logger, storage }: WorkerContext,
  worker: ResponseWorker,
): Promise<WorkerHeartbeat> {
  const version = readRelease();
  const startedAtMs = storage.clock.nowMs();
  const readDetails = () => ({ version, startedAtMs, queues: worker.slots });
  const heartbeat = new WorkerHeartbeat({ registry: storage.workers, id: config.processName, readDetails, logger });
  await heartbeat.start();
  return heartbeat;
}

await runProcess("worker", async () => {
  const config = readConfig();
  const { providers } = readProviderCatalog(config);
  const secrets = listOperatorSecrets(config, providers);
  const logger = createLogger({
    name: "worker",
    level: config.LOG_LEVEL,
    pretty: config.LOG_PRETTY,
    secrets,
    fields: traceFields,
  });
  redirectConsole(logger);
  const tracing = await startTracing({ name: "worker", config, providers, logger });
  const context = await openWorkerContext(config, logger);
  let workers: { responses: ResponseWorker; webhooks: WebhookWorker } | undefined;
  const metrics = await openWorkerMetrics(context, () => workers?.responses.slots);
  // Before the first job: a worker that cannot start must not take one.
  const health = config.WORKER_PORT > 0 ? await serveHealth(config.WORKER_PORT, config.HOST) : undefined;
  workers = { responses: await ResponseWorker.start(context), webhooks: await WebhookWorker.start(context) };
  const { responses: worker, webhooks: webhookWorker } = workers;
  const sweeper = new ResponseSweeper(context, {
    intervalMs: config.SWEEP_INTERVAL_MS,
    maxAttempts: config.MAX_ATTEMPTS,
    owner: config.processName,
    sweepUpstreams: () => worker.remoteRuns.sweep(),
    sweepFiles: () => sweepFiles(context),
  });
  sweeper.start();
  const heartbeat = await startHeartbeat(context, worker);
  logger.info({ health: health?.address() }, "Worker taking jobs");

  async function serveHealth(port: number, host: string): Promise<Server> {
    const checks = {
      redis: () => context.storage.ping(),
      queue: () => context.queue.check(),
      connections: () => context.isConnected(),
      writes: () => context.storage.log.checkWrites(),
      worker: () => workers?.responses.isRunning === true && workers.webhooks.isRunning,
    };
    const health = createHealthApp(checks, {
      redis: context,
      replicaWaitMs: replicaWaitMsOf(config),
      metrics: metrics && { source: metrics, tokenHash: config.metricsTokenHash },
    });
    const server = createServer(health);
    server.listen(port, host);
    await once(server, "listening");
    return server;
  }

  return {
    logger,
    drainLimitMs: config.DRAIN_GRACE_MS + HAND_OVER_MS + CLOSE_LIMIT_MS + TRACES_LIMIT_MS,
    drain: async () => {
      await Promise.all([heartbeat.stop(), sweeper.stop(), worker.drain(config.DRAIN_GRACE_MS)]);
      await Promise.all([
        sweeper.stop(),
        worker.drain(config.DRAIN_GRACE_MS),
        webhookWorker.drain(config.DRAIN_GRACE_MS, HAND_OVER_MS),
      ]);
      health?.close();
      await context[Symbol.asyncDispose]();
      await tracing.stop();
    },
  };
});
