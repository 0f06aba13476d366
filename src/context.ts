/** The resources of each kind of process: opened once at its start, disposed once at its end. */
import type { Logger } from "pino";
import type { BlobStore } from "./blobs/blob-store.ts";
import { openBlobs } from "./blobs/open-blobs.ts";
import type { Config } from "./config/config.ts";
import { checkWebhookSecrets } from "./config/webhooks-file.ts";
import { checkMcpVariables } from "./context/mcp-variables.ts";
import { openSharedResources, type RedisStateSource, type SharedResources } from "./context/shared-resources.ts";
import { Embedder } from "./embeddings/embedder.ts";
import { resolveEmbeddingModel, TextEmbedder } from "./embeddings/text-embedder.ts";
import { ExactIndex } from "./knowledge/exact-index.ts";
import type { SearchIndex } from "./knowledge/search-index.ts";
import type { PromptCatalog } from "./prompts/prompt-catalog.ts";
import { readPrompts } from "./prompts/read-prompts.ts";
import { type ProviderCatalog, readProviderCatalog, type ResolvedModel } from "./providers/catalog.ts";
import { WorkerControl } from "./queue/worker-control.ts";
import type { Preflight } from "./redis/preflight.ts";
import type { RedisClient } from "./redis/script.ts";
import { Admission } from "./responses/admission/admission.ts";
import { type AdmissionLimits, admissionLimitsOf } from "./responses/admission/admission-limits.ts";
import { repairInBackground } from "./responses/reading/publish-durable-end.ts";
import type { ResponseContext, Storage } from "./responses/storage.ts";
import { ResponseRecords } from "./store/response-records.ts";
import { NotificationListener } from "./stream/fan-out/notification-listener.ts";
import { StreamHub } from "./stream/fan-out/stream-hub.ts";
import type { RedisClock } from "./redis/redis-clock.ts";
import { WorkerWatch } from "./responses/reading/worker-watch.ts";
import { StreamLimiter } from "./stream/fan-out/stream-limiter.ts";
import { logRuns } from "./telemetry/log-runs.ts";
import { EventLogReader } from "./stream/log/event-log-reader.ts";

interface ProcessContext extends ResponseContext, AsyncDisposable {
  readonly config: Config;
  readonly catalog: ProviderCatalog;
  readonly embedder: Embedder;
  /** With the model of EMBEDDING_MODEL. Undefined without one. */
  readonly textEmbedder: TextEmbedder | undefined;
  readonly searchIndex: SearchIndex;
  /** The bytes of files. */
  readonly blobs: BlobStore;
  /** Whether Redis answers on every connection of this process, as far as the process knows. */
  readonly isConnected: () => boolean;
  readonly preflight: Preflight;
  readonly redisState: RedisStateSource;
  readonly clock: RedisClock;
}

export interface ApiContext extends ProcessContext {
  readonly prompts: PromptCatalog;
  readonly limits: AdmissionLimits;
  readonly admission: Admission;
  readonly hub: StreamHub;
  readonly streamLimiter: StreamLimiter;
  /** Counts the files that arrive. */
  readonly uploadLimiter: StreamLimiter;
  /** Set when the process drains: streams that end now were ended by this process, not by their clients. */
  isDraining: boolean;
}

export interface WorkerContext extends ProcessContext {
  /** BullMQ's workers derive their blocking connection from it. */
  readonly queueRedis: RedisClient;
  /** The prefix of BullMQ's keys. */
  readonly queuePrefix: string;
  /** Calls `onAbort` for each response that must stop running, in any worker. */
  readonly listenForAborts: (onAbort: (id: string) => void) => Promise<void>;
}

export async function openApiContext(config: Config, logger: Logger): Promise<ApiContext> {
  // Before Redis is contacted, so that a configuration error is reported at once.
  const catalog = readProviderCatalog(config);
  const prompts = readPrompts(config, catalog);
  const embeddingModel = resolveEmbeddingModel(config, catalog);
  const limits = admissionLimitsOf(config);
  const shared = await openSharedResources(config, logger, {
    purpose: "request",
    name: "request",
    hasQueueConnection: false,
  });
  const { connections, storage, queue, preflight } = shared;
  const stopLogging = logRuns(logger);
  const workerWatch = new WorkerWatch(storage, logger);
  const hub = await openHub(config, logger, shared);
  return {
    config,
    logger,
    storage,
    queue,
    hub,
    streamLimiter: new StreamLimiter(config.MAX_STREAMS_PER_PROJECT),
    uploadLimiter: new StreamLimiter(config.MAX_UPLOADS_PER_PROJECT),
    blobs: await openBlobs(config),
    catalog,
    ...openKnowledge(config, logger, storage, embeddingModel),
    prompts,
    limits,
    admission: new Admission({ storage, queue, logger, config, catalog, prompts, limits }),
    isConnected: connections.areAllAnswering,
    preflight,
    redisState: shared.redisState,
    clock: shared.clock,
    isDraining: false,
    async [Symbol.asyncDispose]() {
      workerWatch[Symbol.dispose]();
      hub.close();
      stopLogging();
      await shared.close();
    },
  };
}

function openKnowledge(
  config: Config,
  logger: Logger,
  { searchIndexes, embeddingCache: cache }: Storage,
  resolved: ResolvedModel | undefined,
): Pick<ProcessContext, "embedder" | "textEmbedder" | "searchIndex"> {
  const embedder = new Embedder(config);
  return {
    embedder,
    textEmbedder: resolved && new TextEmbedder({ resolved, embedder, cache, settings: config, logger }),
    searchIndex: new ExactIndex(searchIndexes, config.SEARCH_INDEX_CACHE_BYTES),
  };
}

async function openHub(
  config: Config,
  logger: Logger,
  { connections, layout, storage }: SharedResources,
): Promise<StreamHub> {
  const streamRedis = await connections.open("patient", "stream");
  const notifierRedis = await connections.open("patient", "notifier");
  const records = new ResponseRecords(streamRedis, layout, streamRedis);
  const hub = new StreamHub({
    reader: new EventLogReader(streamRedis, layout, { minReplicasAcked: config.REDIS_MIN_REPLICAS_ACKED }),
    logger,
    exists: async (id) => {
      const record = await records.readIncludingDeleted(id);
      if (record !== undefined) repairInBackground(storage, id, record, logger);
      return record !== undefined;
    },
    heartbeatMs: config.STREAM_HEARTBEAT_MS,
  });
  hub.setNotifier(new NotificationListener(notifierRedis, layout, () => hub.readAllLogs()));
  return hub;
}

export async function openWorkerContext(config: Config, logger: Logger): Promise<WorkerContext> {
  const catalog = readProviderCatalog(config);
  const embeddingModel = resolveEmbeddingModel(config, catalog);
  checkMcpVariables(config);
  checkWebhookSecrets(config.operatorWebhooks, config.environment);
  const shared = await openSharedResources(config, logger, {
    purpose: "patient",
    name: "worker",
    hasQueueConnection: true,
  });
  const { connections, layout, storage, queue, queueRedis, preflight } = shared;
  const stopLogging = logRuns(logger);
  const controlRedis = await connections.open("patient", "control");
  return {
    config,
    logger,
    catalog,
    ...openKnowledge(config, logger, storage, embeddingModel),
    blobs: await openBlobs(config),
    storage,
    queue,
    queueRedis,
    queuePrefix: layout.queuePrefix,
    listenForAborts: (onAbort) => WorkerControl.listen(controlRedis, layout, onAbort),
    isConnected: connections.areAllAnswering,
    preflight,
    redisState: shared.redisState,
    clock: shared.clock,
    async [Symbol.asyncDispose]() {
      stopLogging();
      await shared.close();
    },
  };
}
