/** A Redis server, primary or replica, that keeps its port and data across restarts. */
import { Redis } from "ioredis";
import { type PrivateRedis, startPrivateRedis } from "../../src/local/redis/private-server.ts";

/** Replicas that come back receive missing data at once. */
const OPTIONS = ["--repl-diskless-sync-delay", "0"];
/** Nothing listens there. */
const UNUSED_PORT = 1;

export class RedisServer implements AsyncDisposable {
  readonly #folder: string;
  readonly redis: Redis;
  #process: PrivateRedis;

  private constructor(folder: string, process: PrivateRedis) {
    this.#folder = folder;
    this.#process = process;
    this.redis = new Redis(process.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    this.redis.on("error", () => {});
  }

  static async start(folder: string, primaryPort?: number): Promise<RedisServer> {
    return new RedisServer(folder, await startPrivateRedis({ dataDir: folder, extraArgs: optionsOf(primaryPort) }));
  }

  get port(): number {
    return this.#process.port;
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#process.exited;
  }

  async restart(primaryPort: number): Promise<void> {
    const { port } = this;
    this.#process = await startPrivateRedis({ dataDir: this.#folder, port, extraArgs: optionsOf(primaryPort) });
  }

  async follow(primary: number | "none"): Promise<void> {
    await this.redis.replicaof("127.0.0.1", primary === "none" ? UNUSED_PORT : primary);
  }

  async lead(): Promise<void> {
    await this.redis.replicaof("NO", "ONE");
  }

  async untilLinked(): Promise<void> {
    while (!(await this.redis.info("replication")).includes("master_link_status:up"));
  }

  async untilHas(key: string): Promise<void> {
    while ((await this.redis.exists(key)) === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.redis.disconnect();
    this.#process.kill("SIGCONT");
    await this.#process[Symbol.asyncDispose]();
  }
}

function optionsOf(primaryPort: number | undefined): string[] {
  return primaryPort === undefined ? OPTIONS : [...OPTIONS, "--replicaof", "127.0.0.1", String(primaryPort)];
}
