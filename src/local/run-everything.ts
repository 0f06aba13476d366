/**
 * Everything on one machine, for `npm start` and `background-responses start`. Runs Redis (redis/local-server.ts), one API process and one worker in one
 * terminal. On shutdown the API and the worker drain into Redis, then Redis stops.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { extname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { allowsAnonymous, type Config, readConfig } from "../config/config.ts";
import { ConfigurationError } from "../config/configuration-error.ts";
import { ensureRedis } from "./redis/local-server.ts";
import { reachableHost } from "./reachable-host.ts";
import { findFreePort } from "./redis/private-server.ts";

/** The folder of `src/` and `workers/`: TypeScript in the project, compiled in the package. */
const CODE = join(import.meta.dirname, "..", "..");
const EXTENSION = extname(import.meta.filename);
const EXIT_FAILED = 1;
const EXIT_MISCONFIGURED = 78; // EX_CONFIG of sysexits.h
const READY_TIMEOUT_MS = 60_000;
const READY_CHECK_MS = 100;
/** Additional time after a child's grace period. */
const DRAIN_MARGIN_MS = 10_000;
/** npm forwards a Ctrl-C that the terminal also sends to this process: one key press, two signals. */
const SAME_KEY_PRESS_MS = 500;

const printLine = (line: string): void => void process.stderr.write(`${line}\n`);

class UnexpectedExitError extends Error {
  override readonly name = "UnexpectedExitError";
}

async function main(folder: string): Promise<number> {
  const environmentFile = join(folder, ".env");
  if (existsSync(environmentFile)) process.loadEnvFile(environmentFile);
  const environment = process.env;
  const config = readConfig(environment);
  // This process prints the URL, so it also chooses a free port.
  const port = config.PORT === 0 ? await findFreePort() : config.PORT;
  await assertPortFree(config.HOST, port);
  const stopping = new AbortController();
  listenForSignals(stopping);

  await using redis = await ensureRedis({
    redisUrl: environment["REDIS_URL"]?.trim(),
    dataDir: join(folder, ".data", "redis"),
    allowInstall: true,
    log: printLine,
    environment,
  });
  if (stopping.signal.aborted) return 0;
  const stopIfEnded = (name: string, how: string): void =>
    stopping.abort(new UnexpectedExitError(`${name} ended unexpectedly (${how}); stopping the rest.`));
  void redis.exited?.then((how) => stopIfEnded("Redis", how));

  const pretty = environment["LOG_PRETTY"] ?? (process.stdout.isTTY ? "true" : "false");
  const env = {
    FILES_FOLDER: join(folder, ".data", "files"),
    ...environment,
    REDIS_URL: redis.url,
    PORT: String(port),
    LOG_PRETTY: pretty,
  };
  const children = [new ServerChild("The API", "src/server", env), new ServerChild("The worker", "workers/main", env)];
  for (const child of children) void child.exited.then((how) => stopIfEnded(child.name, how));
  const announced = announce(config, port, stopping);

  if (!stopping.signal.aborted) await once(stopping.signal, "abort");
  const reason: unknown = stopping.signal.reason;
  const isUnexpected = reason instanceof UnexpectedExitError;
  if (isUnexpected) printLine(reason.message);
  await announced;
  await Promise.all(children.map((child) => child.stop(config.DRAIN_GRACE_MS + DRAIN_MARGIN_MS)));
  return isUnexpected ? EXIT_FAILED : 0;
}

/** Checked first: another program on the port might answer `/readyz` and pass for the API. */
async function assertPortFree(host: string, port: number): Promise<void> {
  const probe = createServer();
  try {
    await once(probe.listen(port, host), "listening");
  } catch (error) {
    throw new Error(`Cannot listen on ${host}:${port}. Stop what uses it, or set PORT to another.`, { cause: error });
  }
  await new Promise((resolve) => probe.close(resolve));
}

/** The first signal shuts everything down in order. The second ends this process, and with it everything it started. */
function listenForSignals(stopping: AbortController): void {
  let firstAt: number | undefined;
  const onSignal = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      printLine("Stopping. Interrupt again to force it.");
      stopping.abort();
    } else if (performance.now() - firstAt > SAME_KEY_PRESS_MS) {
      process.exit(EXIT_FAILED);
    }
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, onSignal);
}

/** One of the server's processes. It shares the terminal and its Ctrl-C: a second stop has no effect. */
class ServerChild {
  readonly name: string;
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;

  constructor(name: string, script: string, env: NodeJS.ProcessEnv) {
    // Nothing is sent over the channel: its end tells the child that this process is gone.
    const stdio = ["ignore", "inherit", "inherit", "ipc"] as const;
    const child = spawn(process.execPath, [join(CODE, script + EXTENSION)], { env, stdio: [...stdio] });
    this.name = name;
    this.#process = child;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
      child.once("error", (error) => resolve(error.message));
    });
    const kill = (): void => void child.kill("SIGKILL");
    process.once("exit", kill);
    void this.exited.then(() => process.off("exit", kill));
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#process.kill("SIGTERM");
    const force = setTimeout(() => this.#process.kill("SIGKILL"), timeoutMs);
    await this.exited;
    clearTimeout(force);
  }
}

/** Prints the address and an example once the server is ready. */
async function announce(config: Config, port: number, stopping: AbortController): Promise<void> {
  const url = `http://${reachableHost(config.HOST)}:${port}`;
  if (!(await isReady(`${url}/readyz`, stopping.signal))) {
    stopping.abort(new UnexpectedExitError(`${url}/readyz was not ready after ${READY_TIMEOUT_MS} ms; stopping.`));
    return;
  }
  const headers = ["content-type: application/json"];
  if (!allowsAnonymous(config)) headers.push("authorization: Bearer $API_KEY");
  const body = JSON.stringify({
    model: config.SIMULATOR ? "simulator/default" : "vendor/model",
    input: "Tell me a story.",
    background: true,
  });
  const command = [`curl ${url}/v1/responses`, ...headers.map((header) => `-H "${header}"`), `-d '${body}'`];
  printLine(`\nReady at ${url}/v1. A response in the background:\n\n  ${command.join(" ")}\n`);
}

/** Returns false if the server stops first. */
async function isReady(url: string, stopped: AbortSignal): Promise<boolean> {
  const signal = AbortSignal.any([stopped, AbortSignal.timeout(READY_TIMEOUT_MS)]);
  while (!signal.aborted) {
    try {
      const { ok } = await fetch(url, { signal });
      if (ok) return true;
    } catch {
      // It does not listen yet.
    }
    await delay(READY_CHECK_MS);
  }
  return false;
}

function collectMessages(error: Error): string[] {
  return error.cause instanceof Error ? [error.message, ...collectMessages(error.cause)] : [error.message];
}

/** Reads `.env` of the folder, and keeps Redis's data in its `.data`. Returns the exit code, after the end of all. */
export async function runEverything(folder: string): Promise<number> {
  return await main(folder).catch((error: unknown) => {
    printLine(error instanceof Error ? collectMessages(error).join("\n") : String(error));
    return error instanceof ConfigurationError ? EXIT_MISCONFIGURED : EXIT_FAILED;
  });
}
