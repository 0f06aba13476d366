/**
 * A primary that a failover has left behind may live on: it answers, and keeps its connections, but has lost its replicas,
 * while its address (a DNS name, a proxy, what Sentinel says) leads to another server by now. It says so by NOREPLICAS, by
 * a WAIT that stays short, by READONLY or MASTERDOWN. Then the address is asked again: by one new connection, whose server
 * is compared with that of each connection of this process. So nothing is interrupted where only a replica is away.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import type { Logger } from "pino";
import type { RedisClient } from "./script.ts";

/** How often the address is asked, and for how long after the last sign: a failover takes a while, and then all may be silent. */
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

  /** Watches a connection, and the copies that are made of it. A cluster's client asks its nodes by itself. */
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

  /** Looks at what Redis has refused. */
  checkError({ message }: Error): void {
    if (FORMER_PRIMARY_ERROR.test(message)) this.startWatching();
  }

  /** Replicas do not confirm what was written. */
  startWatching(): void {
    this.#watchUntilMs = performance.now() + WATCH_DURATION_MS;
    if (!this.#isWatching) void this.#watch();
  }

  /** Never rejects. Ends with the connections of the process. */
  async #watch(): Promise<void> {
    this.#isWatching = true;
    while (performance.now() < this.#watchUntilMs && this.#clients.size > 0) {
      try {
        await this.#resolveAgain();
      } catch (err) {
        this.#logger.debug({ err }, "Could not ask the address of Redis again");
      }
      await delay(INTERVAL_MS, undefined, { ref: false });
    }
    this.#isWatching = false;
  }

  async #resolveAgain(): Promise<void> {
    const [any] = this.#clients;
    if (any === undefined) return;
    const there = await findCurrentServer(any);
    // One that does not answer holds up no other: it is looked at again the next time.
    for (const client of this.#clients) void this.#reconnectUnlessAt(there, client);
  }

  async #reconnectUnlessAt(server: string, client: Redis): Promise<void> {
    if (client.status !== "ready" || (await readServerId(client)) === server || client.status !== "ready") return;
    const connection = client.options.connectionName;
    this.#logger.warn({ connection }, "The address of Redis leads to another server: connecting to that one");
    client.disconnect(true);
  }
}

/** The server to which a new connection leads. */
async function findCurrentServer(client: Redis): Promise<string> {
  // Not the method that adds the copy to those that are watched.
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

/** '' if it does not say: a connection that only hears messages, or has hung, is better made anew. */
async function readServerId(client: Redis): Promise<string> {
  return await client.info("server").then(parseRunId, () => "");
}

function parseRunId(info: string): string {
  const id = /^run_id:(\S+)/m.exec(info)?.[1];
  if (id === undefined) throw new Error("INFO has no run_id.");
  return id;
}
