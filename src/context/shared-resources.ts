/** The resources that API processes and workers have in common: a checked Redis, and the storage on it. */
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import { ResponseQueue } from "../queue/response-queue.ts";
import { WebhookQueue } from "../queue/webhook-queue.ts";
import type { ConnectionPurpose } from "../redis/connect.ts";
import { checkDataVersion, DataVersionError } from "../redis/data-version.ts";
import { RedisLayout } from "../redis/layout.ts";
import { measureRedis, type RedisMeasurement } from "../redis/measure-redis.ts";
import { Preflight } from "../redis/preflight.ts";
import { RedisClock } from "../redis/redis-clock.ts";
import { retryUntilAvailable } from "../redis/retry-until-available.ts";
import type { RedisClient } from "../redis/script.ts";
import { openStorage, type Storage } from "../responses/storage.ts";
import { openSealer } from "../sealing/open-sealer.ts";
import { asConfigurationError, Connections } from "./connections.ts";

export interface SharedResources {
  readonly connections: Connections;
  readonly layout: RedisLayout;
  readonly preflight: Preflight;
  readonly storage: Storage;
  readonly queue: ResponseQueue;
  readonly queueRedis: RedisClient;
  readonly redisState: RedisStateSource;
  readonly clock: RedisClock;
  /** Closes the clock, the queue and every connection. */
  close(): Promise<void>;
}

/** What this process sees of its Redis. */
export interface RedisStateSource {
  /** Rejects if Redis does not answer. */
  measure: () => Promise<RedisMeasurement[]>;
  /** Times that a connection was lost and came back. */
  countReconnects: () => number;
}

export interface MainConnection {
  purpose: ConnectionPurpose;
  name: string;
  /** BullMQ's workers need a connection of their own. */
  hasQueueConnection: boolean;
}

export async function openSharedResources(
  config: Config,
  logger: Logger,
  { purpose, name, hasQueueConnection }: MainConnection,
): Promise<SharedResources> {
  const connections = new Connections(config, logger);
  const layout = new RedisLayout(config.KEY_PREFIX, { sharded: config.REDIS_CLUSTER });
  const redis = await connections.open(purpose, name);
  const preflight = await waitUntilUsable(redis, layout, logger);
  await checkStoredDataVersion(redis, layout, connections, logger);
  // With replicas configured an append WAITs, and would delay other commands of its connection.
  const logRedis = config.REDIS_MIN_REPLICAS_ACKED === 0 ? redis : await connections.open(purpose, "log");
  const queueRedis = hasQueueConnection ? await connections.open("queue", "queue") : redis;
  const queue = new ResponseQueue(queueRedis, layout.queuePrefix, logger);
  // Redis may reject writes again after the preflight.
  const openWhenAvailable = () => openSealer(redis, layout, config.encryptionKeys, logger);
  const sealer = await retryUntilAvailable(openWhenAvailable, new AbortController().signal);
  const clock = await RedisClock.start(redis, layout.inFlight, logger);
  const webhookQueue = new WebhookQueue(queueRedis, layout.queuePrefix, logger);
  const storage = openStorage({
    ...connections.replicas,
    redis,
    logRedis,
    layout,
    queue,
    clock,
    sealer,
    containerIdleSeconds: config.CONTAINER_IDLE_SECONDS,
    conversationIdleSeconds: config.CONVERSATION_IDLE_SECONDS,
    accounting: {
      usageRetentionDays: config.USAGE_RETENTION_DAYS,
      auditLogMaxEntries: config.AUDIT_LOG_MAX_ENTRIES,
    },
    webhooks: {
      queue: webhookQueue,
      operatorEndpoints: config.operatorWebhooks,
      environment: config.environment,
      retrySeconds: config.WEBHOOK_RETRY_SECONDS,
      logger,
    },
  });
  return {
    connections,
    layout,
    clock,
    preflight,
    storage,
    queue,
    queueRedis,
    redisState: { measure: () => measureRedis(redis), countReconnects: connections.countReconnects },
    async close() {
      clock[Symbol.dispose]();
      await storage.webhooks.relay.close();
      await Promise.all([queue.close(), webhookQueue.close()]);
      connections.close();
    },
  };
}

/** Waits for a Redis that temporarily rejects writes. Throws for one that this server must not use. */
async function waitUntilUsable(redis: RedisClient, layout: RedisLayout, logger: Logger): Promise<Preflight> {
  const preflight = new Preflight(redis, layout, logger);
  await preflight.waitUntilUsable().catch(asConfigurationError);
  return preflight;
}

/** Runs before anything else is read or written: the data may be of a release that this one does not understand. */
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
