/**
 * Connections by purpose. They differ in what happens to a command while Redis is unavailable.
 *
 * `request`: fails at once, so that an HTTP request gets 503 instead of hanging. Many requests share its writes.
 * `patient`: waits and retries after the reconnect. For workers and stream readers, whose commands are idempotent and
 * whose waits end with their own signals.
 * `queue`: patient, for BullMQ's workers.
 */
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Logger } from "pino";
import type { AddressWatch } from "./address-watch.ts";
import { BatchingRedis } from "./batching-redis.ts";
import { parseSettings, type RedisSettings } from "./connection-options.ts";
import { watchLiveness } from "./liveness.ts";
import { useRunningTimeout } from "./running-timeout.ts";
import type { RedisClient } from "./script.ts";

export { isRedisUnavailable } from "./is-redis-unavailable.ts";

/** Commands to its nodes pass through it. */
class RunningTimeCluster extends Cluster {
  override sendCommand(...parameters: Parameters<Cluster["sendCommand"]>): unknown {
    const [command, stream, node] = parameters;
    useRunningTimeout(command);
    return super.sendCommand(command, stream, node);
  }
}

export type ConnectionPurpose = "request" | "patient" | "queue";

export type { RedisSettings };

/** The Redis of `REDIS_URL` does not have this database. */
export class NoSuchDatabaseError extends Error {
  override readonly name = "NoSuchDatabaseError";

  constructor(db: number, cause: Error) {
    super(`Redis has no database ${db}.`, { cause });
  }
}

/** Redis answers, but this server cannot or must not use it. The message names the remedy. */
export class UnsuitableRedisError extends Error {
  override readonly name = "UnsuitableRedisError";
}

export const MAX_RECONNECT_DELAY_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const BLOCKING_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Idle time before the kernel probes a connection. The kernel notices some failures sooner than liveness.ts does. */
const KEEP_ALIVE_MS = 5_000;

export const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 6), MAX_RECONNECT_DELAY_MS);

const OPTIONS = {
  request: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: REQUEST_TIMEOUT_MS },
  /** BullMQ copies these options for its blocking reads, which must not wait forever on a dead connection. */
  queue: { enableOfflineQueue: true, maxRetriesPerRequest: null, blockingTimeout: BLOCKING_TIMEOUT_MS },
  patient: { enableOfflineQueue: true, maxRetriesPerRequest: null },
} as const satisfies Record<ConnectionPurpose, RedisOptions>;

/**
 * After a failover the former primary becomes a replica and keeps its connections, on which no write can succeed, while
 * its address may already lead to the new primary, so the client reconnects. This is the minimum interval, because a
 * Redis may also be read-only for good. The caller retries rejected commands.
 */
const RECONNECT_INTERVAL_MS = 1_000;

function createReadOnlyCheck(watch: AddressWatch | undefined): (error: Error) => boolean {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (error) => {
    const { message } = error;
    watch?.checkError(error);
    if (!message.startsWith("READONLY") || performance.now() - lastMs < RECONNECT_INTERVAL_MS) return false;
    lastMs = performance.now();
    return true;
  };
}

/**
 * Opens a connection and resolves when it is ready, however long Redis takes. Logs an error once per outage instead of
 * once per attempt.
 */
export async function connect(
  settings: RedisSettings,
  purpose: ConnectionPurpose,
  name: string,
  logger: Logger,
  addressWatch?: AddressWatch,
): Promise<RedisClient> {
  const reconnectOnError = createReadOnlyCheck(addressWatch);
  const { address, options: addressed } = parseSettings(settings);
  const options = {
    ...OPTIONS[purpose],
    ...addressed,
    connectTimeout: CONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    retryStrategy,
    reconnectOnError,
    connectionName: name,
    lazyConnect: true,
  };
  const client =
    address.kind === "cluster"
      ? new RunningTimeCluster(address.nodes, {
          redisOptions: options,
          clusterRetryStrategy: retryStrategy,
          enableOfflineQueue: options.enableOfflineQueue,
          lazyConnect: true,
          shardedSubscribers: true,
        })
      : new (purpose === "request" ? BatchingRedis : Redis)(options);
  addressWatch?.add(client);
  logStateChanges(client, name, logger);
  watchLiveness(client);
  // The first attempt may fail while Redis is still starting; the client keeps retrying.
  const { promise: isReady, resolve, reject } = Promise.withResolvers<void>();
  const rejectOnCredentialError = (error: Error): void => {
    const problem = findCredentialError(error);
    if (problem !== undefined) reject(new UnsuitableRedisError(problem));
  };
  client.once("ready", resolve);
  client.on("error", rejectOnCredentialError).on("sentinelError", rejectOnCredentialError);
  client.connect().catch(() => {});
  try {
    await isReady;
  } catch (error) {
    client.disconnect();
    throw error;
  } finally {
    // From now on, changed credentials count as an outage.
    client.off("error", rejectOnCredentialError).off("sentinelError", rejectOnCredentialError);
  }
  if (client instanceof Redis) await assertDatabase(client);
  return client;
}

/**
 * Returns undefined for every error that may be temporary. Cluster and Sentinel errors contain the reason as a nested
 * error.
 */
function findCredentialError(error: Error & { lastNodeError?: Error }): string | undefined {
  const { message } = error.lastNodeError ?? error;
  const [, sentinel, reason] = /^(failed to connect to sentinel .*? because )?(.*)$/s.exec(message)!;
  const [whose, setting] =
    sentinel === undefined ? ["Redis", "user and password"] : ["A Sentinel", "sentinel_username and sentinel_password"];
  if (reason!.startsWith("WRONGPASS")) return `${whose} rejects the credentials: check the ${setting} of REDIS_URL.`;
  if (reason!.startsWith("NOAUTH")) return `${whose} requires credentials: add the ${setting} to REDIS_URL.`;
  if (/cluster support disabled/i.test(reason!)) return "Redis is not a cluster: set REDIS_CLUSTER=false.";
  return undefined;
}

/**
 * ioredis treats a rejected database as a mere error event and continues in database 0, which may belong to another
 * application.
 */
async function assertDatabase(client: Redis): Promise<void> {
  const { db = 0 } = client.options;
  if (db === 0) return;
  const error = await client.select(db).then(
    () => undefined,
    (reason: Error) => (reason.message.includes("DB index") ? reason : undefined),
  );
  if (error === undefined) return;
  client.disconnect();
  throw new NoSuchDatabaseError(db, error);
}

function logStateChanges(client: RedisClient, connection: string, logger: Logger): void {
  let isAway = false;
  client.on("error", (error: Error) => {
    if (!isAway) logger.warn({ err: error, connection }, "Redis is not reachable; reconnecting");
    isAway = true;
  });
  client.on("ready", () => {
    if (isAway) logger.info({ connection }, "Redis is reachable again");
    isAway = false;
  });
}
