/** The server as users run it: real processes, real signals. Each process is ended with the test that started it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { testRedisUrl } from "./redis.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export interface LogLine {
  msg: string;
  level: number;
  [field: string]: unknown;
}

/** A test that fails during startup may leave a process, so it is ended with the run. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class ServerProcess implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly name: string;
  readonly lines: LogLine[] = [];
  readonly exited: Promise<number | NodeJS.Signals | null>;
  readonly #waiting = new Set<() => void>();

  constructor(name: string, script: string, environment: Record<string, string>) {
    this.name = name;
    this.child = spawn(process.execPath, [script], {
      // Another release runs from its own folder.
      cwd: environment["RELEASE"] ?? ROOT,
      env: { PATH: process.env["PATH"], REDIS_URL: environment["REDIS_URL"] ?? testRedisUrl(), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exited = once(this.child, "exit").then(([code, signal]) => (signal ?? code) as number | NodeJS.Signals | null);
    running.add(this.child);
    void this.exited.then(() => {
      running.delete(this.child);
      this.#wake();
    });
    const take = (text: string): void => {
      this.lines.push(parseLine(text));
      this.#wake();
    };
    createInterface(this.child.stdout!).on("line", take);
    createInterface(this.child.stderr!).on("line", take);
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** The first line, past or future, that `matches`. Rejects if the process exits without one. */
  async line(matches: (line: LogLine) => boolean, what: string): Promise<LogLine> {
    for (;;) {
      const found = this.lines.find(matches);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        const log = this.lines.map((line) => JSON.stringify(line)).join("\n");
        throw new Error(`${this.name} exited without ${what}:\n${log}`);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.add(resolve);
      await promise;
      this.#waiting.delete(resolve);
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  async stop(): Promise<number | NodeJS.Signals | null> {
    this.kill("SIGCONT");
    this.kill("SIGTERM");
    return await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.kill("SIGKILL");
      await this.exited;
    }
  }
}

function parseLine(text: string): LogLine {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return { msg: text, level: 0 };
  }
}

/** Created with the first file: tests that upload one name a folder of their own, and remove it. */
const FILES = join(tmpdir(), `background-responses-files-${process.pid}`);

/** Short intervals, so that recovery takes seconds. The locks are as in production. */
const ENVIRONMENT = {
  LOG_LEVEL: "info",
  SWEEP_INTERVAL_MS: "500",
  STREAM_HEARTBEAT_MS: "1000",
  FILES_FOLDER: FILES,
};

export interface ApiProcess extends ServerProcess {
  /** Ends with `/v1`. */
  url: string;
}

export async function startApi(environment: Record<string, string>): Promise<ApiProcess> {
  const api = new ServerProcess("api", "src/server.ts", { PORT: "0", ...ENVIRONMENT, ...environment }) as ApiProcess;
  const line = await api.line(({ msg }) => msg === "API listening", "listening");
  api.url = String(line["url"]);
  return api;
}

export async function startWorker(environment: Record<string, string>): Promise<ServerProcess> {
  const worker = new ServerProcess("worker", "workers/main.ts", { ...ENVIRONMENT, ...environment });
  await worker.line(({ msg }) => msg === "Worker taking jobs", "taking jobs");
  return worker;
}
