/**
 * Three Redis servers, one of them the primary. In every round responses end while its replicas lag, are cut off, or
 * while one of them is promoted without the primary's last writes; the old primary crashes and returns, or stays up for
 * a while. Every accepted response must end, on the current primary, for every reader.
 */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isTerminalStatus } from "../../src/protocol/response.ts";
import { send, simulate } from "../support/api-client.ts";
import { type ApiProcess, startApi, startWorker } from "../support/processes.ts";
import { startSwitchingProxy, type SwitchingProxy } from "../support/switching-proxy.ts";
import { RedisServer } from "./redis-server.ts";

/** Each must be 0. */
export interface FailoverErrorCounts {
  /** Accepted, and still not ended long after every server returned. */
  stuck: number;
  /** Accepted, and unknown afterwards. */
  unknown: number;
  /** Left in the in-flight set, although all have ended. */
  inFlight: number;
}

export interface FailoverReport {
  rounds: Record<Kind, number>;
  responses: number;
  errors: FailoverErrorCounts;
}

const KINDS = ["replicas lag", "replicas are cut off", "the primary crashes", "the primary is cut off"] as const;
export type Kind = (typeof KINDS)[number];

const SETTINGS = {
  REDIS_MIN_REPLICAS_ACKED: "1",
  REDIS_WAIT_TIMEOUT_MS: "200",
  RESPONSE_DEADLINE_SECONDS: "4",
  LOCK_DURATION_MS: "1000",
  STALLED_INTERVAL_MS: "400",
  ISOLATE_AFTER_LOSSES: "1000",
};
const WORKERS = 2;
const RESPONSES_PER_ROUND = 3;
/** After the last round: far more than a deadline and a sweep. */
const STUCK_AFTER_MS = 60_000;
const POLL_MS = 100;

export async function runFailovers(
  rounds: number,
  onRound: (round: number) => void = () => {},
): Promise<FailoverReport> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "background-responses-failovers-"));
  stack.defer(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  const primary = stack.use(await RedisServer.start(join(folder, "0")));
  const replicas = [
    stack.use(await RedisServer.start(join(folder, "1"), primary.port)),
    stack.use(await RedisServer.start(join(folder, "2"), primary.port)),
  ];
  for (const replica of replicas) await replica.untilLinked();
  const address = stack.use(await startSwitchingProxy(primary.port));
  const KEY_PREFIX = `failovers-${randomBytes(6).toString("hex")}`;
  const environment = { ...SETTINGS, KEY_PREFIX, REDIS_URL: address.url };
  const api = stack.use(await startApi(environment));
  for (let i = 0; i < WORKERS; i += 1) stack.use(await startWorker(environment));
  const campaign = new Failovers(api, address, KEY_PREFIX, [primary, ...replicas]);
  for (let round = 0; round < rounds; round += 1) {
    await campaign.round(KINDS[round % KINDS.length]!);
    onRound(round + 1);
  }
  return await campaign.report();
}

class Failovers {
  readonly #api: ApiProcess;
  readonly #address: SwitchingProxy;
  readonly #prefix: string;
  /** The primary first. */
  #servers: RedisServer[];
  readonly #ids: string[] = [];
  readonly #rounds = Object.fromEntries(KINDS.map((kind) => [kind, 0])) as Record<Kind, number>;

  constructor(api: ApiProcess, address: SwitchingProxy, prefix: string, servers: RedisServer[]) {
    this.#api = api;
    this.#address = address;
    this.#prefix = prefix;
    this.#servers = servers;
  }

  async round(kind: Kind): Promise<void> {
    const ids: string[] = [];
    for (let i = 0; i < RESPONSES_PER_ROUND; i += 1) ids.push(await this.#accept(i > 0));
    this.#ids.push(...ids);
    const [primary, heir, other] = this.#servers as [RedisServer, RedisServer, RedisServer];
    switch (kind) {
      case "replicas lag":
        for (const replica of [heir, other]) replica.signal("SIGSTOP");
        await this.#endOne(primary, ids);
        for (const replica of [heir, other]) replica.signal("SIGCONT");
        break;
      case "replicas are cut off":
        for (const replica of [heir, other]) await replica.follow("none");
        await this.#endOne(primary, ids);
        for (const replica of [heir, other]) await replica.follow(primary.port);
        break;
      case "the primary crashes":
        await this.#detach(heir, other, ids);
        await this.#endOne(primary, ids);
        await primary.kill();
        this.#promote(heir, other, primary);
        await primary.restart(heir.port);
        break;
      case "the primary is cut off":
        await this.#detach(heir, other, ids);
        await this.#endOne(primary, ids);
        this.#promote(heir, other, primary);
        await this.#endOne(heir, ids.slice(0, 1));
        await primary.follow(heir.port);
        break;
    }
    for (const replica of this.#servers.slice(1)) await replica.untilLinked();
    this.#rounds[kind] += 1;
  }

  /** Retried until it is accepted: the processes may still be connecting to the new primary. */
  async #accept(hangs: boolean): Promise<string> {
    const body = simulate(hangs ? { hang: true } : { tokens: 20, delay_ms: 10 });
    for (;;) {
      const { status, body: response } = await send("POST", `${this.#api.url}/responses`, body);
      if (status === 200) return response.id;
      if (status !== 503) throw new Error(`POST got ${status}.`);
    }
  }

  /** They have everything accepted so far, and nothing from here on. */
  async #detach(heir: RedisServer, other: RedisServer, ids: readonly string[]): Promise<void> {
    for (const id of ids) await heir.untilHas(this.#metaOf(id));
    await heir.lead();
    await other.follow(heir.port);
  }

  #promote(heir: RedisServer, other: RedisServer, old: RedisServer): void {
    this.#address.port = heir.port;
    this.#servers = [heir, other, old];
  }

  /**
   * Resolves when one of them has ended on this server, confirmed by a replica or not. The others end by their
   * deadline.
   */
  async #endOne(server: RedisServer, ids: readonly string[]): Promise<void> {
    const id = ids.at(-1)!;
    // Without replicas it gets 503, or its connection breaks.
    send("POST", `${this.#api.url}/responses/${id}/cancel`).catch(() => {});
    for (;;) {
      const status = await server.redis.hget(this.#metaOf(id), "status");
      if (status === null || isTerminalStatus(status)) return;
    }
  }

  #metaOf(id: string): string {
    return `${this.#prefix}:{${id}}:meta`;
  }

  async report(): Promise<FailoverReport> {
    const errors: FailoverErrorCounts = { stuck: 0, unknown: 0, inFlight: 0 };
    const limit = AbortSignal.timeout(STUCK_AFTER_MS);
    const ends = await Promise.all(this.#ids.map(async (id) => await this.#endOf(id, limit)));
    errors.stuck = ends.filter((end) => end === "stuck").length;
    errors.unknown = ends.filter((end) => end === "unknown").length;
    errors.inFlight = await this.#countInFlight(limit);
    return { rounds: this.#rounds, responses: this.#ids.length, errors };
  }

  async #endOf(id: string, limit: AbortSignal): Promise<"ended" | "unknown" | "stuck"> {
    while (!limit.aborted) {
      const { status, body } = await send("GET", `${this.#api.url}/responses/${id}`);
      if (status === 404) return "unknown";
      if (status === 200 && isTerminalStatus(body.status)) return "ended";
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    return "stuck";
  }

  async #countInFlight(limit: AbortSignal): Promise<number> {
    const { redis } = this.#servers[0]!;
    for (;;) {
      const count = await redis.zcard(`${this.#prefix}:open`);
      if (count === 0 || limit.aborted) return count;
    }
  }
}
