/** The Redis connections of one process. */
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import { AddressWatch } from "../redis/address-watch.ts";
import { connect, type ConnectionPurpose, NoSuchDatabaseError, UnsuitableRedisError } from "../redis/connect.ts";
import { isAnswering } from "../redis/liveness.ts";
import type { RedisClient } from "../redis/script.ts";
import type { ReplicaRequirement } from "../stream/log/replica-acknowledgement.ts";

/** Opens connections by name and closes all of them together. */
export class Connections {
  readonly #addressWatch: AddressWatch;
  readonly #config: Config;
  readonly #logger: Logger;
  readonly #clients: RedisClient[] = [];
  #reconnects = 0;

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
    const clientName = `${this.#config.processName}:${name}`;
    const connected = connect(settings, purpose, clientName, this.#logger, this.#addressWatch);
    const client = await connected.catch(asConfigurationError);
    client.on("ready", () => (this.#reconnects += 1));
    this.#clients.push(client);
    return client;
  }

  /** Times that a connection was lost and came back. */
  readonly countReconnects = (): number => this.#reconnects;

  readonly areAllAnswering = (): boolean => this.#clients.every(isAnswering);

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }
}

/** The operator named a Redis that this server must not use. */
export function asConfigurationError(error: unknown): never {
  const isOperators = error instanceof NoSuchDatabaseError || error instanceof UnsuitableRedisError;
  throw isOperators ? new ConfigurationError(`REDIS_URL: ${error.message}`) : error;
}
