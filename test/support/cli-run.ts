/** The program `background-responses` as a user runs it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../src/cli/bin.cjs", import.meta.url));

export interface CliRunOptions {
  /** Another Node, or another copy of the program. */
  node?: string;
  program?: string;
  cwd?: string;
  environment?: Record<string, string>;
  input?: string;
}

export class CliRun implements AsyncDisposable {
  readonly child: ChildProcess;
  /** The exit code, or the signal. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  output = "";
  notes = "";
  #heard = Promise.withResolvers<void>();

  constructor(args: readonly string[], options: CliRunOptions = {}) {
    const { node = process.execPath, program = PROGRAM, cwd, environment = {}, input } = options;
    this.child = spawn(node, [program, ...args], {
      ...(cwd !== undefined && { cwd }),
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.child.stdin!.end(input ?? "");
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#heard.resolve();
    });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.notes += text;
      this.#heard.resolve();
    });
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.#heard.resolve();
      return (signal ?? code) as number | NodeJS.Signals | null;
    });
  }

  get lines(): string[] {
    return this.output.split("\n").slice(0, -1);
  }

  /** Resolves once what it has printed matches. */
  async says(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      const found = (this.output + this.notes).match(pattern);
      if (found !== null) return found;
      if (this.child.exitCode !== null) throw new Error(`It ended without ${pattern}:\n${this.output}${this.notes}`);
      this.#heard = Promise.withResolvers();
      await this.#heard.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill("SIGKILL");
    await this.ended;
  }
}

/** Runs it to its end. */
export async function runCli(args: readonly string[], options: CliRunOptions = {}) {
  const run = new CliRun(args, options);
  const code = await run.ended;
  return { code, output: run.output, notes: run.notes, lines: run.lines };
}
