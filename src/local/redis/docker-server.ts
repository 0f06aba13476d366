/** Runs Redis in a container through Docker's command line. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { pingServer } from "./query-server.ts";
import { durabilityArgs } from "./private-server.ts";
import type { LocalRedis } from "./local-redis.ts";

const run = promisify(execFile);

const IMAGE = "redis:7-alpine";
const ANSWER_TIMEOUT_MS = 5_000;
const STOP_TIMEOUT_MS = 15_000;
/** The first start downloads the image. */
const RUN_TIMEOUT_MS = 300_000;
const READY_TIMEOUT_MS = 60_000;
const READY_CHECK_MS = 100;

export interface DockerRedisOptions {
  dataDir: string;
  port?: number | undefined;
  appendfsync?: "everysec" | "always" | undefined;
  extraArgs?: readonly string[] | undefined;
  environment: NodeJS.ProcessEnv;
}

/** Whether the command has a running engine. */
export async function isDockerAvailable(environment: NodeJS.ProcessEnv): Promise<boolean> {
  try {
    await docker(["info", "--format", "{{.ServerVersion}}"], environment, ANSWER_TIMEOUT_MS);
    return true;
  } catch {
    return false;
  }
}

export async function startDockerRedis(options: DockerRedisOptions): Promise<LocalRedis> {
  const { dataDir, environment } = options;
  // One name per folder, so that the container of a killed process is found again.
  const name = `background-responses-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}`;
  await removeContainer(name, environment);
  const user = await containerUser(environment);
  const network = ["--bind", "*", "--protected-mode", "no"]; // the engine publishes the port on loopback only
  const args = [...network, "--dir", "/data", ...durabilityArgs(options.appendfsync), ...(options.extraArgs ?? [])];
  const container = ["--detach", "--rm", "--name", name, ...user, "--volume", `${dataDir}:/data`];
  const published = ["--publish", `127.0.0.1:${options.port ?? 0}:6379`];
  const command = ["--entrypoint", "redis-server", IMAGE, ...args];
  try {
    await docker(["run", ...container, ...published, ...command], environment, RUN_TIMEOUT_MS);
    const address = await docker(["port", name, "6379/tcp"], environment, ANSWER_TIMEOUT_MS);
    const url = `redis://${address.split("\n")[0]!.trim()}`;
    await waitUntilAnswering(url);
    return { url, how: "docker", [Symbol.asyncDispose]: async () => await removeContainer(name, environment) };
  } catch (error) {
    await removeContainer(name, environment);
    throw error;
  }
}

/**
 * Files in the data folder must belong to this user. Under a rootless engine, that user is the container's root. The
 * image's entrypoint would assign them to its `redis` user.
 */
async function containerUser(environment: NodeJS.ProcessEnv): Promise<string[]> {
  const uid = process.getuid?.();
  if (uid === undefined) return [];
  const security = await docker(["info", "--format", "{{.SecurityOptions}}"], environment, ANSWER_TIMEOUT_MS);
  return ["--user", security.includes("rootless") ? "0:0" : `${uid}:${process.getgid?.() ?? uid}`];
}

/** First asks Redis to shut down so that it saves its data. A missing container is fine. */
async function removeContainer(name: string, environment: NodeJS.ProcessEnv): Promise<void> {
  for (const args of [
    ["stop", "--time", "5", name],
    ["rm", "--force", name],
  ]) {
    await docker(args, environment, STOP_TIMEOUT_MS).catch(() => undefined);
  }
}

async function waitUntilAnswering(url: string): Promise<void> {
  const end = performance.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      return await pingServer(url, ANSWER_TIMEOUT_MS);
    } catch (error) {
      if (performance.now() > end) throw new Error(`Redis in Docker does not answer at ${url}.`, { cause: error });
    }
    await delay(READY_CHECK_MS);
  }
}

async function docker(args: string[], environment: NodeJS.ProcessEnv, timeoutMs: number): Promise<string> {
  const { stdout } = await run("docker", args, { env: environment, timeout: timeoutMs });
  return stdout;
}
