/** The only place that opens shared resources. Each process opens its own kind of context and disposes it once. */
import type { Logger } from "pino";
import type { Config } from "./config/config.ts";
import { ConfigurationError } from "./config/configuration-error.ts";
import type { PromptCatalog } from "./prompts/prompt-catalog.ts";
import { readPrompts } from "./prompts/read-prompts.ts";
import { type ProviderCatalog, readProviderCatalog } from "./providers/catalog.ts";
import { ResponseQueue } from "./queue/response-queue.ts";
import { WorkerControl } from "./queue/worker-control.ts";
import { AddressWatch } from "./redis/address-watch.ts";
import { connect, type ConnectionPurpose, NoSuchDatabaseError, UnsuitableRedisError } from "./redis/connect.ts";
import { checkDataVersion, DataVersionError } from "./redis/data-version.ts";
import { RedisLayout } from "./redis/layout.ts";
import { isAnswering } from "./redis/liveness.ts";
import { retryUntilAvailable } from "./redis/retry-until-available.ts";
import { Preflight } from "./redis/preflight.ts";
import { RedisClock } from "./redis/redis-clock.ts";
import type { RedisClient } from "./redis/script.ts";
import type { AdmissionLimits } from "./responses/admission/admit-response.ts";
import { repairInBackground } from "./responses/reading/publish-end.ts";
import { openStorage, type ResponseContext } from "./responses/storage.ts";
import { openSealer } from "./sealing/open-sealer.ts";
import { Notifier } from "./stream/fan-out/notifier.ts";
import { EventLogReader } from "./stream/log/event-log-reader.ts";
import { StreamLimiter } from "./stream/fan-out/stream-limiter.ts";
import type { ReplicaRequirement } from "./stream/log/replica-acknowledgement.ts";
import { StreamHub } from "./stream/fan-out/stream-hub.ts";
import { ResponseRecords } from "./store/response-records.ts";

export interface ApiContext extends ResponseContext, AsyncDisposable {
  readonly config: Config;
  readonly catalog: ProviderCatalog;
  readonly prompts: PromptCatalog;
  readonly limits: AdmissionLimits;
  readonly hub: StreamHub;
  readonly streamLimiter: StreamLimiter;
  /** Whether Redis answers on every connection of this process, as far as anybody knows yet. */
  readonly isConnected: () => boolean;
  /** What is to be said of this Redis. */
  readonly preflight: Preflight;
  /** Set when the process is going away: streams that end now were ended by it, not by their clients. */
  isDraining: boolean;
}

export interface WorkerContext extends ResponseContext, AsyncDisposable {
  readonly config: Config;
  readonly catalog: ProviderCatalog;
  /** For BullMQ's workers, which make their own blocking connection from it. */
  readonly queueRedis: RedisClient;
  /** The prefix of BullMQ's keys. */
  readonly queuePrefix: string;
  /** Calls `onAbort` for each response that must stop running, in any worker. */
  readonly listenForAborts: (onAbort: (id: string) => void) => Promise<void>;
  readonly isConnected: () => boolean;
  /** What is to be said of this Redis. */
  readonly preflight: Preflight;
}

/** Requests would be sent to the operator's server without what opens it. Only workers send them. */
function checkMcpVariables({ mcpServers, environment }: Config): void {
  for (const list of ["servers", "connectors"] as const) {
    for (const [name, server] of Object.entries(mcpServers[list])) {
      const variables = "headers_env" in server ? Object.values(server.headers_env) : [];
      const missing = variables.find((variable) => (environment[variable] ?? "").trim() === "");
      if (missing === undefined) continue;
      throw new ConfigurationError(
        `MCP_SERVERS_FILE: ${list}.${name}.headers_env: the variable ${missing} is not set.`,
      );
    }
  }
}

function asConfigurationError(error: unknown): never {
  const isOperators = error instanceof NoSuchDatabaseError || error instanceof UnsuitableRedisError;
  throw isOperators ? new ConfigurationError(`REDIS_URL: ${error.message}`) : error;
}

/** A start waits for a Redis that takes no writes at the moment, and ends for one that this server must not use. */
async function inspectRedis(redis: RedisClient, layout: RedisLayout, logger: Logger): Promise<Preflight> {
  const preflight = new Preflight(redis, layout, logger);
  await preflight.waitUntilUsable().catch(asConfigurationError);
  return preflight;
}

/** Redis may take no writes again right behind the preflight. */
async function openSealerWhenAvailable(config: Config, redis: RedisClient, layout: RedisLayout, logger: Logger) {
  return await retryUntilAvailable(
    () => openSealer(redis, layout, config.encryptionKeys, logger),
    new AbortController().signal,
  );
}

/** Opens connections by name and closes all of them together. */
class Connections {
  readonly #addressWatch: AddressWatch;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #clients: RedisClient[] = [];

  constructor(config: Config, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
    this.#addressWatch = new AddressWatch(logger);
  }

  get replicas(): ReplicaRequirement {
    const { REDIS_MIN_REPLICAS_ACKED: minReplicasAcked, REDIS_WAIT_TIMEOUT_MS: replicaWaitMs } = this.#config;
    return { minReplicasAcked, replicaWaitMs, onReplicasMissing: () => this.#addressWatch.startWatching() };
  }

  async open(purpose: ConnectionPurpose, name: string): Promise<RedisClient> {
    const { REDIS_URL: url, REDIS_CLUSTER: cluster, redisTls: tls } = this.#config;
    const settings = { url, cluster, tls };
    const connected = connect(
      settings,
      purpose,
      `${this.#config.processName}:${name}`,
      this.#logger,
      this.#addressWatch,
    );
    const client = await connected.catch(asConfigurationError);
    this.#clients.push(client);
    return client;
  }

  readonly areAllAnswering = (): boolean => this.#clients.every(isAnswering);

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

function layoutOf(config: Config): RedisLayout {
  return new RedisLayout(config.KEY_PREFIX, { sharded: config.REDIS_CLUSTER });
}

/** Before anything is read or written: the data may be of a release that this one does not understand. */
async function checkStoredDataVersion(
  redis: RedisClient,
  layout: RedisLayout,
  connections: Connections,
  logger: Logger,
): Promise<void> {
  await checkDataVersion(redis, layout.dataVersion, logger).catch((error: unknown) => {
    connections.close();
    throw error instanceof DataVersionError ? new ConfigurationError(error.message) : error;
  });
}

function idleSecondsOf(config: Config) {
  const { CONTAINER_IDLE_SECONDS: containerIdleSeconds, CONVERSATION_IDLE_SECONDS: conversationIdleSeconds } = config;
  return { containerIdleSeconds, conversationIdleSeconds };
}

/** With replicas configured an append WAITs, and must not make other commands wait with it. */
async function openLogConnection(
  config: Config,
  connections: Connections,
  shared: RedisClient,
  purpose: ConnectionPurpose,
) {
  return config.REDIS_MIN_REPLICAS_ACKED === 0 ? shared : await connections.open(purpose, "log");
}

export async function openApiContext(config: Config, logger: Logger): Promise<ApiContext> {
  // First what can be wrong in the configuration: nobody should have to wait for Redis to be told.
  const catalog = readProviderCatalog(config);
  const prompts = readPrompts(config, catalog);
  const connections = new Connections(config, logger);
  const layout = layoutOf(config);
  const minReplicasAcked = config.REDIS_MIN_REPLICAS_ACKED;
  const redis = await connections.open("request", "request");
  const preflight = await inspectRedis(redis, layout, logger);
  await checkStoredDataVersion(redis, layout, connections, logger);
  const logRedis = await openLogConnection(config, connections, redis, "request");
  const streamRedis = await connections.open("patient", "stream");
  const notifierRedis = await connections.open("patient", "bell");

  const queue = new ResponseQueue(redis, layout.queuePrefix, logger);
  const sealer = await openSealerWhenAvailable(config, redis, layout, logger);
  const clock = await RedisClock.start(redis, layout.inFlight, logger);
  const storage = openStorage({
    ...idleSecondsOf(config),
    ...connections.replicas,
    redis,
    logRedis,
    layout,
    queue,
    clock,
    sealer,
  });
  const streamRecords = new ResponseRecords(streamRedis, layout, streamRedis);
  const hub = new StreamHub({
    reader: new EventLogReader(streamRedis, layout, { minReplicasAcked }),
    logger,
    exists: async (id) => {
      const record = await streamRecords.readIncludingDeleted(id);
      if (record !== undefined) repairInBackground(storage, id, record, logger);
      return record !== undefined;
    },
    heartbeatMs: config.STREAM_HEARTBEAT_MS,
  });
  hub.setNotifier(new Notifier(notifierRedis, layout, () => hub.readAllLogs()));

  return {
    config,
    logger,
    storage,
    queue,
    hub,
    streamLimiter: new StreamLimiter(config.MAX_STREAMS_PER_PROJECT),
    catalog,
    prompts,
    limits: {
      maxBodyBytes: config.MAX_BODY_BYTES,
      maxOpenResponses: config.MAX_OPEN_RESPONSES,
      maxOpenPerProject: config.RATE_LIMIT_OPEN_RESPONSES_PER_PROJECT,
      maxStoredBytesPerProject: config.MAX_STORED_BYTES_PER_PROJECT,
      retentionSeconds: config.RETENTION_SECONDS,
      unstoredRetentionSeconds: config.UNSTORED_RETENTION_SECONDS,
      deadlineSeconds: config.RESPONSE_DEADLINE_SECONDS,
      windowReserveSeconds: config.COMPLETION_WINDOW_RESERVE_SECONDS,
      flexMaxWaitSeconds: config.FLEX_MAX_WAIT_SECONDS,
    },
    isConnected: connections.areAllAnswering,
    preflight,
    isDraining: false,
    async [Symbol.asyncDispose]() {
      hub.close();
      clock[Symbol.dispose]();
      await queue.close();
      connections.close();
    },
  };
}

export async function openWorkerContext(config: Config, logger: Logger): Promise<WorkerContext> {
  const catalog = readProviderCatalog(config);
  checkMcpVariables(config);
  const connections = new Connections(config, logger);
  const layout = layoutOf(config);
  const redis = await connections.open("patient", "worker");
  const preflight = await inspectRedis(redis, layout, logger);
  await checkStoredDataVersion(redis, layout, connections, logger);
  const logRedis = await openLogConnection(config, connections, redis, "patient");
  const queueRedis = await connections.open("queue", "queue");
  const controlRedis = await connections.open("patient", "control");
  const queue = new ResponseQueue(queueRedis, layout.queuePrefix, logger);
  const sealer = await openSealerWhenAvailable(config, redis, layout, logger);
  const clock = await RedisClock.start(redis, layout.inFlight, logger);
  return {
    config,
    logger,
    catalog,
    storage: openStorage({
      ...idleSecondsOf(config),
      ...connections.replicas,
      redis,
      logRedis,
      layout,
      queue,
      clock,
      sealer,
    }),
    queueRedis,
    queuePrefix: layout.queuePrefix,
    queue,
    listenForAborts: (onAbort) => WorkerControl.listen(controlRedis, layout, onAbort),
    isConnected: connections.areAllAnswering,
    preflight,
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await queue.close();
      connections.close();
    },
  };
}
