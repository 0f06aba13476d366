/** Opens the metrics of a process if its settings serve them. Without them, their library is not loaded. */
import type { Config } from "./config/config.ts";
import { readRelease } from "./config/release.ts";
import type { ApiContext, WorkerContext } from "./context.ts";
import type { SlotReader } from "./telemetry/metrics/process-metrics.ts";
import type { ProviderCatalog } from "./providers/catalog.ts";
import { QueueStates } from "./responses/reading/queue-states.ts";
import type { Metrics, MetricSources } from "./telemetry/metrics/metrics.ts";

export async function openApiMetrics(context: ApiContext): Promise<Metrics | undefined> {
  if (!servesMetrics(context.config)) return undefined;
  const { hub, streamLimiter } = context;
  const streams = {
    openStreams: () => streamLimiter.openCount,
    followers: () => hub.followerCount,
    heldBytes: () => hub.heldBytes,
  };
  return await open({ ...sourcesOf(context), kind: "api", streams });
}

export async function openWorkerMetrics(context: WorkerContext, readSlots: SlotReader): Promise<Metrics | undefined> {
  if (!servesMetrics(context.config) || context.config.WORKER_PORT === 0) return undefined;
  return await open({ ...sourcesOf(context), kind: "worker", readSlots });
}

async function open(sources: MetricSources): Promise<Metrics> {
  const { Metrics } = await import("./telemetry/metrics/metrics.ts");
  return new Metrics(sources);
}

function servesMetrics({ METRICS_PORT, metricsTokenHash }: Config): boolean {
  return METRICS_PORT > 0 || metricsTokenHash !== undefined;
}

function sourcesOf(context: ApiContext | WorkerContext): Omit<MetricSources, "kind"> {
  const { catalog, storage, redisState, clock } = context;
  const queues = new QueueStates(context);
  return {
    release: readRelease(),
    models: knownModelsOf(catalog),
    nowMs: storage.clock.nowMs,
    clockSkewMs: clock.skewMs,
    readQueues: () => queues.read(),
    readRedis: redisState.measure,
    countReconnects: redisState.countReconnects,
  };
}

function knownModelsOf(catalog: ProviderCatalog): MetricSources["models"] {
  return {
    providers: catalog.providers.map(({ name }) => name),
    listed: catalog.list().map(({ id }) => id),
    resolve: (name) => {
      const resolved = catalog.resolve(name);
      if (resolved === undefined) return undefined;
      const { provider, model } = resolved;
      // The simulator completes calls of any name.
      return { provider: provider.name, model, canProve: provider.kind !== "simulator" };
    },
  };
}
