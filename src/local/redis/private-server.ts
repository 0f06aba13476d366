/**
 * A Redis as a child process: on loopback only, with an append-only file in its own folder and without eviction. It has
 * its own process group, because a terminal sends Ctrl-C to the whole group and Redis must outlive the processes that
 * drain into it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { findRedisProgram, MIN_VERSION } from "../../redis/find-program.ts";
import { pingServer } from "./query-server.ts";

export interface PrivateRedisOptions {
  /** Created if missing. Not locked: only `ensureRedis` protects a folder from a second Redis. */
  dataDir: string;
  /** Default: a free port. A given port is never replaced. */
  port?: number | undefined;
  appendfsync?: "everysec" | "always" | undefined;
  /** Additional options of `redis-server`, which override those set here. */
  extraArgs?: readonly string[] | undefined;
  /** Default: the program on the PATH. */
  program?: string | undefined;
  /** Default: this process's environment. */
  environment?: NodeJS.ProcessEnv | undefined;
  /** Called with the port before the process starts, so that a crash in between leaves a record. */
  beforeSpawn?: ((port: number) => Promise<void>) | undefined;
}

export interface PrivateRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves with the reason when the process has ended. */
  readonly exited: Promise<string>;
  /** Returns false if it had already ended. */
  kill(signal: NodeJS.Signals): boolean;
}

/** Options for durability, shared by private processes and containers. */
export function durabilityArgs(appendfsync: "everysec" | "always" = "everysec"): string[] {
  const memory = ["--maxmemory-policy", "noeviction"];
  return [...memory, "--appendonly", "yes", "--appendfsync", appendfsync, "--save", ""];
}

const START_ATTEMPTS = 5;
/** Includes loading a large append-only file. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const MAX_LINES = 20;
/** A cluster node also listens on its port + 10,000. */
const MAX_PORT = 65_535 - 10_000;

const runningChildren = new Set<ChildProcess>();
// A process that ends by an uncaught error or process.exit() disposes nothing. After SIGKILL, the next start cleans up.
process.on("exit", () => {
  for (const child of runningChildren) child.kill("SIGTERM");
});

export async function startPrivateRedis(options: PrivateRedisOptions): Promise<PrivateRedis> {
  const program = options.program ?? (await findRedisProgram(options.environment)).program;
  if (program === undefined) throw new Error(`No redis-server or valkey-server ${MIN_VERSION}+ on the PATH.`);
  await mkdir(options.dataDir, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await findFreePort());
    await options.beforeSpawn?.(port);
    try {
      return await spawnRedis(program, port, options);
    } catch (error) {
      const canRetry = error instanceof PortInUseError && options.port === undefined && attempt < START_ATTEMPTS;
      if (!canRetry) throw error;
    }
  }
}

class PortInUseError extends Error {
  override readonly name = "PortInUseError";
}

async function spawnRedis(program: string, port: number, options: PrivateRedisOptions): Promise<PrivateRedis> {
  const network = ["--bind", "127.0.0.1", "--port", String(port), "--protected-mode", "yes"];
  const storageArgs = ["--dir", options.dataDir, "--daemonize", "no", "--logfile", ""];
  const args = [...network, ...storageArgs, ...durabilityArgs(options.appendfsync), ...(options.extraArgs ?? [])];
  const child = spawn(program, args, {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: options.environment,
  });
  runningChildren.add(child);
  const exited = waitForExit(child).finally(() => runningChildren.delete(child));
  const redis: PrivateRedis = {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid ?? -1,
    exited,
    kill: (signal) => child.kill(signal),
    [Symbol.asyncDispose]: () => stop(child, exited),
  };
  try {
    await waitUntilReady(child, exited, port);
    await pingServer(redis.url, STOP_TIMEOUT_MS);
    return redis;
  } catch (error) {
    await stop(child, exited);
    throw error;
  }
}

/** Never rejects: a program that cannot be started counts as ended. */
async function waitForExit(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.once("error", (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
}

/** Resolves when the child accepts connections; rejects with its last lines if it ends first. */
async function waitUntilReady(child: ChildProcess, exited: Promise<string>, port: number): Promise<void> {
  const lines: string[] = [];
  const readers = [child.stdout!, child.stderr!].map((input) => createInterface({ input }));
  const allRead = Promise.all(readers.map((reader) => once(reader, "close")));
  const ended = Promise.all([exited, allRead]).then(([how]) => how);
  const ready = new Promise<void>((resolve) => {
    for (const reader of readers) {
      reader.on("line", (line) => {
        if (lines.push(line) > MAX_LINES) lines.shift();
        if (line.includes("Ready to accept connections")) resolve();
      });
    }
  });
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, START_TIMEOUT_MS, `not ready after ${START_TIMEOUT_MS} ms`);
  });
  const failure = await Promise.race([ready, ended, timeout]);
  clearTimeout(timer);
  if (failure === undefined) return;
  const output = lines.join("\n");
  if (/already in use/i.test(output)) throw new PortInUseError(`Redis: port ${port} is in use.`);
  throw new Error(`Redis did not start (${failure}).\n${output}`);
}

async function stop(child: ChildProcess, exited: Promise<string>): Promise<void> {
  child.kill("SIGTERM");
  const force = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
  await exited;
  clearTimeout(force);
}

/** Free at this moment; another program may take it. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const address = probe.address();
    probe.close();
    await once(probe, "close");
    if (typeof address === "object" && address !== null && address.port <= MAX_PORT) return address.port;
  }
}
