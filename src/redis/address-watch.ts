/**
 * After a failover the former primary may stay alive: it answers and keeps its connections but has lost its replicas,
 * while its address (a DNS name, a proxy, Sentinel's answer) now leads to another server. Its symptoms are NOREPLICAS,
 * a short WAIT, READONLY or MASTERDOWN. On such a symptom this opens one new connection to the address and compares its
 * server with the server of each connection of this process, so that nothing is interrupted when only a replica is
 * down.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { RedisClient } from "./script.ts";

/**
 * How often the address is checked, and for how long after the last symptom: a failover takes a while, and the symptoms
 * may pause.
 */
const INTERVAL_MS = 1_000;
const WATCH_DURATION_MS = 5 * 60_000;
const PROBE_TIMEOUT_MS = 2_000;

const FORMER_PRIMARY_ERROR = /^(NOREPLICAS|READONLY|MASTERDOWN) /;

export class AddressWatch {
  readonly #logger: Logger;
  readonly #clients = new Set<Redis>();
  #watchUntilMs = Number.NEGATIVE_INFINITY;
  #isWatching = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Watches a connection and its duplicates. A cluster's client discovers its nodes by itself. */
  add(client: RedisClient): void {
    if (!(client instanceof Redis)) return;
    this.#clients.add(client);
    client.on("end", () => this.#clients.delete(client));
    const duplicate = client.duplicate.bind(client);
    client.duplicate = (override) => {
      const copy = duplicate(override);
      this.add(copy);
      return copy;
    };
  }

  /** Checks an error of Redis for symptoms. */
  checkError({ message }: Error): void {
    if (FORMER_PRIMARY_ERROR.test(message)) this.startWatching();
  }

  /** Call it when replicas do not confirm a write. */
  startWatching(): void {
    this.#watchUntilMs = performance.now() + WATCH_DURATION_MS;
    if (!this.#isWatching) void this.#watch();
  }

  /** Never rejects. Ends when the process closes its connections. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (performance.now() < this.#watchUntilMs && this.#clients.size > 0) {
      try {
        await this.#resolveAgain();
      } catch (err) {
        this.#logger.debug({ err }, "Could not check the address of Redis");
      }
      await delay(INTERVAL_MS, undefined, { ref: false });
    }
    this.#isWatching = false;
  }

  async #resolveAgain(): Promise<void> {
    const [client] = this.#clients;
    if (client === undefined) return;
    const server = await findCurrentServer(client);
    // An unresponsive connection does not delay the others; the next round checks it again.
    for (const each of this.#clients) void this.#reconnectUnlessAt(server, each);
  }

  async #reconnectUnlessAt(server: string, client: Redis): Promise<void> {
    if (client.status !== "ready" || (await readServerId(client)) === server || client.status !== "ready") return;
    const connection = client.options.connectionName;
    this.#logger.warn({ connection }, "The address of Redis leads to another server; reconnecting");
    client.disconnect(true);
  }
}

/** Returns the server to which a new connection leads. */
async function findCurrentServer(client: Redis): Promise<string> {
  // The original method, so that the probe itself is not watched.
  const probe = Redis.prototype.duplicate.call(client, {
    connectionName: `${client.options.connectionName}:probe`,
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    commandTimeout: PROBE_TIMEOUT_MS,
    connectTimeout: PROBE_TIMEOUT_MS,
  });
  probe.on("error", () => {});
  try {
    await probe.connect();
    return parseRunId(await probe.info("server"));
  } finally {
    probe.disconnect();
  }
}

/** Returns '' if the server does not answer: a subscriber connection or a hung one is better reconnected. */
async function readServerId(client: Redis): Promise<string> {
  return await client.info("server").then(parseRunId, () => "");
}

function parseRunId(info: string): string {
  const id = /^run_id:(\S+)/m.exec(info)?.[1];
  if (id === undefined) throw new Error("INFO has no run_id.");
  return id;
}
