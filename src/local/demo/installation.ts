/**
 * A complete installation for one demo: Redis, an API process and two workers, on loopback and free ports. It uses its
 * own data folder or, in an existing Redis, its own key prefix, and leaves nothing behind.
 */
import { randomBytes } from "node:crypto";
import { rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { raceSignal } from "race-signal";
import { createLogger } from "../../logging/logger.ts";
import { readRedisTls, REDIS_TLS_SETTINGS } from "../../config/redis-tls.ts";
import { connect } from "../../redis/connect.ts";
import { RedisLayout } from "../../redis/layout.ts";
import { ensureRedis } from "../redis/local-server.ts";
import type { RedisClient } from "../../redis/script.ts";
import { Child } from "./child.ts";

const DATA_DIR = join(import.meta.dirname, "..", "..", "..", ".data", "demo");
const CONNECT_TIMEOUT_MS = 10_000;
const SCAN_COUNT = 1_000;
/** Environment variables that the processes inherit. Every setting is the demo's own. */
const INHERITED_VARIABLES = ["PATH", "REDIS_CLUSTER", ...REDIS_TLS_SETTINGS, "NODE_EXTRA_CA_CERTS"];

export interface InstallationOptions {
  environment: NodeJS.ProcessEnv;
  /** Aborted by the installation when a process ends unexpectedly. */
  stopping: AbortController;
  log: (line: string) => void;
}

/** A response's record in Redis. */
interface RunRecord {
  workerPid: number;
  /** The last recorded sequence number. */
  last: number;
}

export class Installation implements AsyncDisposable {
  readonly #options: InstallationOptions;
  readonly #name = `demo-${randomBytes(6).toString("hex")}`;
  readonly #layout: RedisLayout;
  readonly #children: Child[] = [];
  /** In order of their start: Node 22 has no AsyncDisposableStack. */
  readonly #ends: (() => unknown)[] = [];
  #redis: RedisClient | undefined;
  #redisUrl = "";

  constructor(options: InstallationOptions) {
    this.#options = options;
    this.#layout = new RedisLayout(this.#name, { sharded: false });
  }

  /** Returns a description of where Redis runs, without the secrets of a configured URL. */
  async startRedis(): Promise<string> {
    const { environment, log } = this.#options;
    const redisUrl = environment["REDIS_URL"];
    const dataDir = join(DATA_DIR, this.#name);
    if (redisUrl === undefined || redisUrl === "") this.#ends.push(() => removeFolder(dataDir));
    const redis = await ensureRedis({ redisUrl, dataDir, allowInstall: true, log, environment });
    this.#ends.push(() => redis[Symbol.asyncDispose]());
    this.#redisUrl = redis.url;
    void redis.exited?.then((how) => this.#reportUnexpectedExit("Redis", how));
    this.#redis = await this.#connect();
    if (redis.how === "configured") return `of REDIS_URL, keys ${this.#name}:*`;
    return redis.pid === undefined ? redis.url : `${redis.url}, pid ${redis.pid}`;
  }

  /** Limits the total time of the demo. */
  setTimeLimit(timeLimitMs: number): void {
    const { stopping } = this.#options;
    stopping.signal.throwIfAborted();
    const tooLate = (): void => stopping.abort(new Error(`It was not done within ${timeLimitMs / 1000} s.`));
    const timer = setTimeout(tooLate, timeLimitMs);
    this.#ends.push(() => clearTimeout(timer));
  }

  async #connect(): Promise<RedisClient> {
    const { environment } = this.#options;
    const tls = readRedisTls(environment, /^rediss/i.test(this.#redisUrl));
    const settings = { url: this.#redisUrl, cluster: isTrue(environment["REDIS_CLUSTER"]), tls };
    const logger = createLogger({ name: "demo", level: "silent", pretty: false });
    const { stopping } = this.#options;
    const tooLate = (): void =>
      stopping.abort(new Error(`Redis did not answer within ${CONNECT_TIMEOUT_MS / 1000} s.`));
    const timer = setTimeout(tooLate, CONNECT_TIMEOUT_MS);
    const connecting = connect(settings, "request", this.#name, logger);
    const redis = await raceSignal(connecting, stopping.signal).finally(() => clearTimeout(timer));
    this.#ends.push(async () => {
      await removeKeys(redis, this.#layout.patterns);
      redis.disconnect();
    });
    return redis;
  }

  /** Returns the API's base URL and pid. */
  async startApi(settings: NodeJS.ProcessEnv): Promise<{ url: string; pid: number | undefined }> {
    const api = this.#spawn("The API", "src/server", settings);
    const line = await api.waitForLogLine("API listening", this.#options.stopping.signal);
    return { url: String(line["url"]), pid: api.pid };
  }

  /** Returns the worker's pid. */
  async startWorker(settings: NodeJS.ProcessEnv): Promise<number | undefined> {
    const worker = this.#spawn("A worker", "workers/main", settings);
    await worker.waitForLogLine("Worker taking jobs", this.#options.stopping.signal);
    return worker.pid;
  }

  #spawn(name: string, script: string, settings: NodeJS.ProcessEnv): Child {
    const inherited = INHERITED_VARIABLES.map((setting) => [setting, this.#options.environment[setting]]);
    const environment = {
      ...(Object.fromEntries(inherited) as NodeJS.ProcessEnv),
      ...settings,
      REDIS_URL: this.#redisUrl,
      KEY_PREFIX: this.#name,
      HOST: "127.0.0.1",
      PORT: "0",
      LOG_LEVEL: "info",
      DRAIN_GRACE_MS: "1000",
    };
    const child = new Child({ name, script, environment });
    this.#children.push(child);
    void child.exited.then((how) => {
      if (!child.isExpectedToEnd) this.#reportUnexpectedExit(`${child.name} (pid ${child.pid})`, how);
    });
    return child;
  }

  #reportUnexpectedExit(name: string, how: string): void {
    this.#options.stopping.abort(new Error(`${name} ended unexpectedly: ${how}.`));
  }

  async runRecord(responseId: string): Promise<RunRecord> {
    const [worker, last] = await this.#redis!.hmget(this.#layout.meta(responseId), "worker", "last");
    // A worker's name is `host:pid`.
    return { workerPid: Number(worker?.split(":").at(-1)), last: Number(last) };
  }

  /** Sends SIGKILL and resolves when the process is gone. */
  async crashWorker(pid: number): Promise<void> {
    const worker = this.#children.find((child) => child.pid === pid);
    if (worker === undefined) throw new Error(`No process with the pid ${pid} was started here.`);
    await worker.crash();
  }

  /** The last log lines of every process. */
  logs(): string {
    return this.#children
      .map((child) => [`--- ${child.name} (pid ${child.pid}), its last log lines`, ...child.lastLines].join("\n"))
      .join("\n");
  }

  /** Stops the processes, then removes their data, then stops Redis. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#children.map((child) => child[Symbol.asyncDispose]()));
    await this.#endAll();
  }

  /** The last start ends first, and an error skips none of the others. */
  async #endAll(): Promise<void> {
    const end = this.#ends.pop();
    if (end === undefined) return;
    try {
      await end();
    } finally {
      await this.#endAll();
    }
  }
}

function isTrue(flag: string | undefined): boolean {
  return flag === "true" || flag === "1";
}

async function removeKeys(redis: RedisClient, patterns: readonly string[]): Promise<void> {
  // If Redis is gone, that was already reported, and its keys are out of reach.
  if (redis.status !== "ready") return;
  const nodes = "nodes" in redis ? redis.nodes("master") : [redis];
  for (const node of nodes) {
    for (const pattern of patterns) {
      for await (const keys of node.scanStream({ match: pattern, count: SCAN_COUNT })) {
        for (const key of keys as string[]) await redis.unlink(key);
      }
    }
  }
}

async function removeFolder(dataDir: string): Promise<void> {
  await rm(dataDir, { recursive: true, force: true });
  // Another demo may have its folder next to this one.
  await rmdir(DATA_DIR).catch(() => undefined);
}
