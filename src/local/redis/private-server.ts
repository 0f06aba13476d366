/**
 * A Redis as a child process: loopback only, an append-only file in its own folder, nothing ever evicted.
 *
 * It runs in a process group of its own, because a terminal sends Ctrl-C to the whole group and Redis has to outlive
 * the processes that drain into it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { findRedisProgram, MIN_VERSION } from "../../redis/find-program.ts";
import { pingServer } from "./query-server.ts";

export interface PrivateRedisOptions {
  /** Created if missing. Not locked: only `ensureRedis` guards a folder against a second Redis. */
  dataDir: string;
  /** Default: a free one. A port that is given is never exchanged for another. */
  port?: number | undefined;
  appendfsync?: "everysec" | "always" | undefined;
  /** Further options of `redis-server`; they win over the ones set here. */
  extraArgs?: readonly string[] | undefined;
  /** Default: what the PATH has. */
  program?: string | undefined;
  /** Default: this process's. */
  environment?: NodeJS.ProcessEnv | undefined;
  /** Called with the port before the process exists, so that a crash in between leaves a trace of it. */
  beforeSpawn?: ((port: number) => Promise<void>) | undefined;
}

export interface PrivateRedis extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the process has ended, for whatever reason, with how it ended. */
  readonly exited: Promise<string>;
  /** False if it had ended before. */
  kill(signal: NodeJS.Signals): boolean;
}

/** The options that make Redis keep what it was given. They hold for a private process and for a container. */
export function durabilityArgs(appendfsync: "everysec" | "always" = "everysec"): string[] {
  const memory = ["--maxmemory-policy", "noeviction"];
  return [...memory, "--appendonly", "yes", "--appendfsync", appendfsync, "--save", ""];
}

const START_ATTEMPTS = 5;
/** Loading a large append-only file is part of the start. */
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const MAX_LINES = 20;
/** A cluster node listens on its port + 10,000 as well. */
const MAX_PORT = 65_535 - 10_000;

const runningChildren = new Set<ChildProcess>();
// A process that ends by an uncaught error or by process.exit() disposes nothing. SIGKILL is left to the next start.
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
  const place = ["--dir", options.dataDir, "--daemonize", "no", "--logfile", ""];
  const args = [...network, ...place, ...durabilityArgs(options.appendfsync), ...(options.extraArgs ?? [])];
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

/** Never rejects: a program that cannot be started has ended. */
async function waitForExit(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
    child.once("error", (error) => {
      if (child.pid === undefined) resolve(error.message);
    });
  });
}

/** Resolves when the child says that it accepts connections; rejects with its last lines if it ends first. */
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

/** Free at the moment: whoever listens next may take it. */
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
