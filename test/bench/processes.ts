/**
 * The processes of a measurement: the server's own, started as users start them, and children of the benchmark, which
 * answer messages. All of them exit with the benchmark.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import type { Answer } from "./children/answer.ts";
import type { Bench } from "./measurement.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const READY_TIMEOUT_MS = 30_000;
const READY_CHECK_MS = 50;
const STOP_TIMEOUT_MS = 5_000;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** A child and its exit. Disposing it stops it, with SIGKILL after a timeout. */
class Process implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown>;

  constructor(args: string[], env: NodeJS.ProcessEnv, withMessages: boolean) {
    const channel = withMessages ? (["ipc"] as const) : [];
    this.child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ["ignore", "inherit", "inherit", ...channel] });
    running.add(this.child);
    this.exited = once(this.child, "exit").finally(() => running.delete(this.child));
  }

  get pid(): number {
    return this.child.pid!;
  }

  get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.hasExited) return;
    this.child.kill("SIGTERM");
    const force = setTimeout(() => this.child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(force);
  }
}

export interface ServerProcess extends Process {
  port: number;
}

/** Limits are off, and no setting costs more than in production. */
const ENVIRONMENT = {
  LOG_LEVEL: "warn",
  MAX_OPEN_RESPONSES: "100000000",
  MAX_STREAMS_PER_PROJECT: "0",
  DRAIN_GRACE_MS: "500",
};

/** Collects garbage on SIGUSR2, so that its memory can be measured. */
const COLLECTOR = ["--expose-gc", `--import=${new URL("./children/collect-garbage.ts", import.meta.url).href}`];

export async function startApi(
  bench: Bench,
  prefix: string,
  more: Record<string, string> = {},
): Promise<ServerProcess> {
  const profile = bench.profileInto === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${bench.profileInto}`];
  const port = await findFreePort();
  const env = environmentOf(bench, prefix, { PORT: String(port), ...more });
  return await untilReady(new Process([...COLLECTOR, ...profile, "src/server.ts"], env, false), port);
}

export async function startWorker(
  bench: Bench,
  prefix: string,
  more: Record<string, string> = {},
): Promise<ServerProcess> {
  const port = await findFreePort();
  const env = environmentOf(bench, prefix, { WORKER_PORT: String(port), ...more });
  return await untilReady(new Process(["workers/main.ts"], env, false), port);
}

function environmentOf(bench: Bench, prefix: string, more: Record<string, string>): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], REDIS_URL: bench.redisUrl, KEY_PREFIX: prefix, ...ENVIRONMENT, ...more };
}

async function untilReady(started: Process, port: number): Promise<ServerProcess> {
  const timeout = AbortSignal.timeout(READY_TIMEOUT_MS);
  while (!timeout.aborted && !started.hasExited) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: timeout }).catch(() => undefined);
    if (answer?.ok === true) return Object.assign(started, { port });
    await delay(READY_CHECK_MS);
  }
  await started[Symbol.asyncDispose]();
  throw new Error("The server did not become ready.");
}

const USER_TIME = 11;
const SYSTEM_TIME = 12;
const MS_PER_TICK = 10;

/** What a process has used of the processors, in steps of 10 ms. NaN where the system has no `/proc`. */
export function cpuMsOf(pid: number): number {
  if (process.platform !== "linux") return Number.NaN;
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The fields after the name, which is in brackets (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_TIME]) + Number(fields[SYSTEM_TIME])) * MS_PER_TICK;
}

/** A child of the benchmark that answers one request at a time. */
export class Child<Question extends object, Reply> extends Process {
  constructor(script: URL, env: Record<string, string> = {}) {
    super([...COLLECTOR, fileURLToPath(script)], { PATH: process.env["PATH"], ...env }, true);
  }

  async ask<R extends Reply = Reply>(question: Question): Promise<R> {
    if (this.hasExited) throw new Error("The child has ended.");
    const answered = once(this.child, "message") as Promise<[Answer<R>]>;
    this.child.send(question);
    const ended = this.exited.then(() => {
      throw new Error("The child ended without an answer.");
    });
    const [answer] = await Promise.race([answered, ended]);
    if (answer.kind === "error") throw new Error(answer.error);
    return answer.reply;
  }
}
