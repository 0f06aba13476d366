/**
 * Connections by what they are for. They differ in one thing: what happens to a command while Redis is away.
 *
 * - `request`: fails at once, so that an HTTP request is answered 503 and never hangs. Many requests share its writes.
 * - `patient`: waits and is sent again after the reconnect. For workers and stream readers, whose commands are
 *   idempotent and whose waiting is bounded by a signal of their own.
 * - `queue`: patient, for BullMQ's workers.
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

/** Its nodes' commands pass through it. */
class RunningTimeCluster extends Cluster {
  override sendCommand(...parameters: Parameters<Cluster["sendCommand"]>): unknown {
    const [command, stream, node] = parameters;
    useRunningTimeout(command);
    return super.sendCommand(command, stream, node);
  }
}

export type ConnectionPurpose = "request" | "patient" | "queue";

export type { RedisSettings };

/** The Redis of `REDIS_URL` has fewer databases. */
export class NoSuchDatabaseError extends Error {
  override readonly name = "NoSuchDatabaseError";

  constructor(db: number, cause: Error) {
    super(`Redis has no database ${db}.`, { cause });
  }
}

/** Redis answers, and this server cannot or must not use it. The message names the remedy. */
export class UnsuitableRedisError extends Error {
  override readonly name = "UnsuitableRedisError";
}

export const MAX_RECONNECT_DELAY_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const BLOCKING_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** Until the kernel begins to probe an idle connection: it is told of some deaths sooner than liveness.ts finds them. */
const KEEP_ALIVE_MS = 5_000;

export const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 6), MAX_RECONNECT_DELAY_MS);

const OPTIONS = {
  request: { enableOfflineQueue: false, maxRetriesPerRequest: 0, commandTimeout: REQUEST_TIMEOUT_MS },
  /** BullMQ copies these for its blocking reads: a connection that died silently must not be waited on for ever. */
  queue: { enableOfflineQueue: true, maxRetriesPerRequest: null, blockingTimeout: BLOCKING_TIMEOUT_MS },
  patient: { enableOfflineQueue: true, maxRetriesPerRequest: null },
} as const satisfies Record<ConnectionPurpose, RedisOptions>;

/**
 * After a failover the former primary is a replica and keeps its connections, on which no write ever succeeds again,
 * while its address may lead to the new primary by now: so the address is asked again. Not more often than this, because
 * a Redis may also be read-only for good. What was refused is the caller's to send again.
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

/** Opens a connection and resolves when it is ready, however long Redis takes. Its errors are logged once a state, not once an attempt. */
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
  // The first attempt may fail while Redis is still starting; the client goes on trying by itself.
  const { promise: isReady, resolve, reject } = Promise.withResolvers<void>();
  const rejectOnCredentialError = (error: Error): void => {
    const fault = findCredentialError(error);
    if (fault !== undefined) reject(new UnsuitableRedisError(fault));
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
    // Credentials that change later are waited for, as a Redis that is away.
    client.off("error", rejectOnCredentialError).off("sentinelError", rejectOnCredentialError);
  }
  if (client instanceof Redis) await assertDatabase(client);
  return client;
}

/** Undefined for everything that may pass. Of a cluster and of Sentinels the reason is further inside. */
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

/** A database that Redis refuses is only an error event to ioredis, which goes on in database 0: another server's, maybe. */
async function assertDatabase(client: Redis): Promise<void> {
  const { db = 0 } = client.options;
  if (db === 0) return;
  const refused = await client.select(db).then(
    () => undefined,
    (error: Error) => (error.message.includes("DB index") ? error : undefined),
  );
  if (refused === undefined) return;
  client.disconnect();
  throw new NoSuchDatabaseError(db, refused);
}

function logStateChanges(client: RedisClient, connection: string, logger: Logger): void {
  let away = false;
  client.on("error", (error: Error) => {
    if (!away) logger.warn({ err: error, connection }, "Redis is not reachable; reconnecting");
    away = true;
  });
  client.on("ready", () => {
    if (away) logger.info({ connection }, "Redis is reachable again");
    away = false;
  });
}
