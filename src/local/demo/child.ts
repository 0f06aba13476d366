/**
 * One of the demo's server processes. Its log is kept, and shown only after a failure. It has its own process group: a
 * terminal sends Ctrl-C to the whole group, but the demo decides when this process ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import { raceSignal } from "race-signal";

/** The folder of `src/` and `workers/`: TypeScript in the project, compiled in the package. */
const CODE = join(import.meta.dirname, "..", "..", "..");
const EXTENSION = extname(import.meta.filename);
const STOP_TIMEOUT_MS = 4_000;
const MAX_LINES = 40;

export interface ChildOptions {
  name: string;
  /** Without its extension. */
  script: string;
  environment: NodeJS.ProcessEnv;
}

type LogLine = Record<string, unknown>;

export class Child implements AsyncDisposable {
  readonly name: string;
  readonly exited: Promise<string>;
  readonly lastLines: string[] = [];
  readonly #process: ChildProcess;
  readonly #watchers = new Set<(line: LogLine) => void>();
  #isExpectedToEnd = false;

  constructor({ name, script, environment }: ChildOptions) {
    this.name = name;
    const child = spawn(process.execPath, [join(CODE, script + EXTENSION)], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#process = child;
    this.exited = new Promise((resolve) => {
      // "close" fires after the last line of its log.
      child.once("close", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
      child.once("error", (error) => resolve(error.message));
    });
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on("line", (line) => this.#readLine(line));
    // The child must not outlive this process, however it ends.
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    void this.exited.then(() => process.off("exit", kill));
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isExpectedToEnd(): boolean {
    return this.#isExpectedToEnd;
  }

  #readLine(line: string): void {
    if (this.lastLines.push(line) > MAX_LINES) this.lastLines.shift();
    const parsed = parseLine(line);
    for (const watch of this.#watchers) watch(parsed);
  }

  /** Resolves with the first line that has this message. Call it before the process can have written the line. */
  async waitForLogLine(message: string, signal: AbortSignal): Promise<LogLine> {
    const { promise, resolve } = Promise.withResolvers<LogLine>();
    const watch = (line: LogLine): void => {
      if (line["msg"] === message) resolve(line);
    };
    this.#watchers.add(watch);
    try {
      return await raceSignal(promise, signal);
    } finally {
      this.#watchers.delete(watch);
    }
  }

  /** Simulates a crash: the process cannot log or save anything. */
  async crash(): Promise<void> {
    this.#isExpectedToEnd = true;
    this.#process.kill("SIGKILL");
    await this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isExpectedToEnd = true;
    this.#process.kill("SIGTERM");
    const force = setTimeout(() => this.#process.kill("SIGKILL"), STOP_TIMEOUT_MS);
    await this.exited;
    clearTimeout(force);
  }
}

function parseLine(line: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? (parsed as LogLine) : {};
  } catch {
    return {};
  }
}
