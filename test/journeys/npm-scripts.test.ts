/** The processes as npm starts them: they exit with npm, however it exits, and need no development packages. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isRunning } from "../../src/local/redis/process-state.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

class NpmScript implements AsyncDisposable {
  readonly npm: ChildProcess;
  /** The processes that wrote to the log, by name. */
  readonly pids = new Map<string, number>();
  readonly #closed: Promise<unknown>;

  constructor(script: string) {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, REDIS_URL: testRedisUrl(), KEY_PREFIX: uniquePrefix(), PORT: "0", DRAIN_GRACE_MS: "0" };
    this.npm = spawn("npm", ["run", script], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    this.npm.stderr!.resume();
    createInterface(this.npm.stdout!).on("line", (line) => {
      const found = /^\{"level":\d+,"time":\d+,"pid":(\d+),.*"name":"(\w+)".*(?:listening|taking jobs)/.exec(line);
      if (found !== null) this.pids.set(found[2]!, Number(found[1]));
    });
    // A process of the script is one that holds the script's descriptor open.
    this.#closed = Promise.all([once(this.npm, "exit"), once(this.npm.stdout!, "close")]);
  }

  /** Resolves when all its output has ended. */
  async closed(): Promise<void> {
    await this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.npm.kill("SIGKILL");
    for (const pid of this.pids.values()) if (await isRunning(pid)) process.kill(pid, "SIGKILL");
  }
}

test.each([
  ["api", "SIGTERM", ["api"]],
  ["api", "SIGKILL", ["api"]],
  ["worker", "SIGTERM", ["worker"]],
  ["worker", "SIGKILL", ["worker"]],
  ["start", "SIGTERM", ["api", "worker"]],
  ["start", "SIGKILL", ["api", "worker"]],
] as const)("npm run %s, whose npm gets %s, leaves no process", async (script, signal, names) => {
  await using running = new NpmScript(script);
  await expect.poll(() => [...running.pids.keys()].toSorted(), { timeout: 30_000 }).toEqual(names);
  running.npm.kill(signal);
  await running.closed();
  for (const pid of running.pids.values()) await expect.poll(() => isRunning(pid), { timeout: 10_000 }).toBe(false);
});

test("an old Node is reported in one sentence", async () => {
  const args = ["./test/support/older-node.cjs", "./src/process/npm-script.cjs"].flatMap((file) => ["--require", file]);
  const child = spawn(process.execPath, [...args, "src/local/start.ts"], {
    cwd: ROOT,
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 30_000,
  });
  const said = text(child.stderr);
  expect((await once(child, "exit"))[0]).toBe(78);
  expect(await said).toBe(
    "This server needs Node 24 or newer, and this is Node 20.20.2. `npm ci` without --omit=dev brings one along.\n",
  );
});

test("npm scripts that start processes replace npm's process", () => {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}/package.json`, "utf8")) as { scripts: Record<string, string> };
  const processes = Object.values(scripts).filter((script) => script.includes("node "));
  expect(processes.length).toBeGreaterThan(4);
  for (const script of processes)
    expect(script).toMatch(/^exec node --require \.\/src\/process\/npm-script\.cjs [\w/-]+\.ts$/);
});

test("the processes load only production packages", () => {
  const lock = JSON.parse(readFileSync(`${ROOT}/package-lock.json`, "utf8")) as {
    packages: Record<string, { dev?: boolean }>;
  };
  const loaded = globSync(["src/**/*.ts", "workers/**/*.ts"], { cwd: ROOT }).flatMap((file) =>
    [
      ...readFileSync(`${ROOT}/${file}`, "utf8").matchAll(
        /^(?!import type).*(?:from |import |import\(|target: )"([^"]+)"/gm,
      ),
    ]
      .map((match) => /^(?:@[^/]+\/)?[^/]+/.exec(match[1]!)![0])
      .filter((name) => !name.startsWith(".") && !name.startsWith("node:") && name !== "#"),
  );
  const names = [...new Set(loaded)].filter((name) => lock.packages[`node_modules/${name}`] !== undefined);
  expect(names).toContain("pino-pretty");
  expect(names.filter((name) => lock.packages[`node_modules/${name}`]!.dev === true)).toEqual([]);
});
