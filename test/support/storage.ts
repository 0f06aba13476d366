/** The storage of a process, on the run's Redis and under its own prefix. */
import { pino } from "pino";
import { ResponseQueue } from "../../src/queue/response-queue.ts";
import { WebhookQueue } from "../../src/queue/webhook-queue.ts";
import { connect } from "../../src/redis/connect.ts";
import { RedisLayout } from "../../src/redis/layout.ts";
import { RedisClock } from "../../src/redis/redis-clock.ts";
import type { RedisClient } from "../../src/redis/script.ts";
import { openStorage, type ResponseContext, type Storage } from "../../src/responses/storage.ts";
import { openSealer } from "../../src/sealing/open-sealer.ts";
import { testRedisUrl, uniquePrefix } from "./redis.ts";

/** Containers for an hour after their last use, conversations until they are deleted. */
export const IDLE_SECONDS = { containerIdleSeconds: 3_600, conversationIdleSeconds: 0 };
export const ACCOUNTING = { usageRetentionDays: 400, auditLogMaxEntries: 1_000 };

/** Also a process's context, as operations take it, and the connection and keys beneath it. */
export interface TestStorage extends Storage, ResponseContext, AsyncDisposable {
  readonly redis: RedisClient;
  readonly layout: RedisLayout;
}

export const silentLogger = pino({ level: "silent" });

/** What the storage needs for webhooks: retries for a minute, no endpoints of the operator. */
export function openTestWebhooks(redis: RedisClient, layout: RedisLayout) {
  const queue = new WebhookQueue(redis, layout.queuePrefix, silentLogger);
  return { queue, operatorEndpoints: [], environment: {}, retrySeconds: 60, logger: silentLogger };
}

export async function openTestStorage(
  prefix = uniquePrefix(),
  url = testRedisUrl(),
  cluster = false,
): Promise<TestStorage> {
  const redis = await connect({ url, cluster }, "patient", "test", silentLogger);
  const layout = new RedisLayout(prefix, { sharded: cluster });
  const queue = new ResponseQueue(redis, layout.queuePrefix, silentLogger);
  const webhooks = openTestWebhooks(redis, layout);
  const sealer = await openSealer(redis, layout, [], silentLogger);
  const clock = await RedisClock.start(redis, layout.inFlight, silentLogger);
  const shared = { redis, logRedis: redis, layout, queue, clock, sealer, minReplicasAcked: 0 };
  const storage = openStorage({ ...shared, ...IDLE_SECONDS, accounting: ACCOUNTING, webhooks });
  return {
    ...storage,
    storage,
    queue,
    logger: silentLogger,
    redis,
    layout,
    async [Symbol.asyncDispose]() {
      clock[Symbol.dispose]();
      await storage.webhooks.relay.close();
      await Promise.all([queue.close(), webhooks.queue.close()]);
      redis.disconnect();
    },
  };
}

/** A response in Redis, and the lease that a worker would hold on it. */
export async function createLeasedResponse(
  storage: Storage,
  record: Parameters<Storage["records"]["create"]>[0],
): Promise<{ id: string; lease: string; last: number }> {
  await storage.inFlight.add(record.id, record.createdAtMs);
  await storage.records.create(record);
  const acquired = await storage.leases.acquire(record.id, Date.now(), 5, "test");
  if (acquired.kind !== "held") throw new Error(`The lease is ${acquired.kind}.`);
  return { id: record.id, lease: acquired.lease, last: acquired.last };
}
