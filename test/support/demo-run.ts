/** A demo as a newcomer runs it, and its leftovers. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { RedisInspector } from "./api-client.ts";
import { testRedisUrl } from "./redis.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

export interface DemoRunOptions {
  redisUrl?: string;
  args?: readonly string[];
  environment?: NodeJS.ProcessEnv;
}

export class DemoRun {
  readonly child: ChildProcess;
  readonly ended: Promise<number>;
  output = "";
  errors = "";
  #heard = Promise.withResolvers<void>();

  constructor(script: string, { redisUrl = testRedisUrl(), args = [], environment = {} }: DemoRunOptions = {}) {
    this.child = spawn(process.execPath, [script, ...args], {
      cwd: PROJECT,
      env: { PATH: process.env["PATH"], REDIS_URL: redisUrl, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout!.setEncoding("utf8").on("data", (text: string) => {
      this.output += text;
      this.#heard.resolve();
    });
    this.child.stderr!.setEncoding("utf8").on("data", (text: string) => (this.errors += text));
    this.ended = once(this.child, "close").then(([code, signal]) => {
      this.#heard.resolve();
      return (signal ?? code) as number;
    });
  }

  /** Resolves once the output, past or future, matches. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.output)) {
      if (this.child.exitCode !== null) throw new Error(`It ended without ${pattern}:\n${this.output}${this.errors}`);
      this.#heard = Promise.withResolvers();
      await this.#heard.promise;
    }
  }

  /** The processes it has started so far. */
  get pids(): number[] {
    return [...this.output.matchAll(/pid (\d+)/g)].map((match) => Number(match[1]));
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** No process, no key. */
export async function expectNothingLeft(run: DemoRun): Promise<void> {
  expect(run.pids).toHaveLength(3);
  expect(run.pids.filter(isRunning)).toEqual([]);
  using inspector = new RedisInspector("demo");
  expect(await inspector.redis.keys("*demo-*")).toEqual([]);
}
