/**
 * The process of one attempt in quarantine (quarantine.ts): `quarantined-run.ts <response id>`. It reports its lease, its
 * heartbeat and the attempt's outcome. If it crashes before the outcome, only the response can be the cause.
 */
import { readConfig } from "../../src/config/config.ts";
import { redirectConsole } from "../../src/logging/redirect-console.ts";
import { openWorkerContext } from "../../src/context.ts";
import { createLogger } from "../../src/logging/logger.ts";
import { runProcess } from "../../src/process/run-process.ts";
import { readProviderCatalog } from "../../src/providers/catalog.ts";
import { listOperatorSecrets } from "../../src/providers/operator-secrets.ts";
import { relayReports } from "../../src/telemetry/relayed-reports.ts";
import { traceFields } from "../../src/telemetry/trace-context.ts";
import { startTracing } from "../../src/telemetry/tracing/start-tracing.ts";
import { type StopMessage, ALIVE_INTERVAL_MS, type RunReport } from "./quarantine.ts";
import { AttemptControl } from "../attempt/attempt.ts";
import { openDependencies } from "./run-dependencies.ts";
import { runResponse } from "../run/run-response.ts";

const STOP_LIMIT_MS = 8_000;

const report = async (message: RunReport): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  // Without a parent the callback gets an error, and the process ends anyway.
  process.send!(message, () => resolve());
  await promise;
};

await runProcess("quarantined run", async () => {
  const id = process.argv[2]!;
  const config = readConfig();
  const { providers } = readProviderCatalog(config);
  const logger = createLogger({
    name: "quarantined run",
    level: config.LOG_LEVEL,
    pretty: config.LOG_PRETTY,
    secrets: listOperatorSecrets(config, providers),
    fields: traceFields,
  });
  redirectConsole(logger);
  const context = await openWorkerContext(config, logger);
  const tracing = await startTracing({ name: "worker", config, providers, logger });
  const dependencies = openDependencies(context);
  const control = new AttemptControl();
  process.on("message", ({ stop, isUrgent }: StopMessage) => {
    if (stop === "drain" && !isUrgent) control.requestHandOver();
    else control.stop(stop);
  });
  const relayed = relayReports((message) => void report({ kind: "relayed", report: message }));
  const alive = setInterval(() => void report({ kind: "alive" }), ALIVE_INTERVAL_MS);
  await report({ kind: "alive" });

  const close = async (): Promise<void> => {
    clearInterval(alive);
    await dependencies.close();
    await context[Symbol.asyncDispose]();
    await tracing.stop();
  };
  const running = runResponse(dependencies.run, id, control, (lease) => void report({ kind: "lease", lease }));
  const ended = running.finally(relayed.flush).then(
    async (outcome) => await report({ kind: "outcome", outcome }),
    async (error: unknown) => await report({ kind: "failed", message: String(error) }),
  );
  void ended.then(close).then(() => process.exit(0));

  return {
    logger,
    drainLimitMs: STOP_LIMIT_MS,
    drain: async () => {
      control.stop("drain");
      await ended;
    },
  };
});
