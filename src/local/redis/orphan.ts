/**
 * Stops the Redis that a killed process left running, before the next one starts: two servers on one append-only file
 * would corrupt it.
 */
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { identifyServer } from "./query-server.ts";
import { isRunning } from "./process-state.ts";

const ANSWER_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 5_000;
const CHECK_MS = 50;

const addressFile = (dataDir: string): string => join(dataDir, "address");

/** Call it before the server of `dataDir` starts, so that it can be found whenever this process is killed. */
export async function recordAddress(dataDir: string, url: string): Promise<void> {
  await writeFile(addressFile(dataDir), url);
}

export async function removeAddress(dataDir: string): Promise<void> {
  await rm(addressFile(dataDir), { force: true });
}

/**
 * Stops the server at the last recorded address only if it reports `dataDir` as its own: the port may belong to another
 * server by now.
 */
export async function stopOrphan(dataDir: string, log: (line: string) => void): Promise<void> {
  const url = await readFile(addressFile(dataDir), "utf8").catch(() => undefined);
  const identity = url === undefined ? undefined : await identifyServer(url, ANSWER_TIMEOUT_MS);
  if (identity?.dataDir !== dataDir) return;
  const { pid } = identity;
  log(`Stopping the Redis (process ${pid}) that a killed process left running on ${dataDir}.`);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    process.kill(pid, signal);
    if (await hasEnded(pid)) return;
  }
  throw new Error(`The Redis (process ${pid}) that was left running on ${dataDir} does not end.`);
}

async function hasEnded(pid: number): Promise<boolean> {
  const end = performance.now() + STOP_TIMEOUT_MS;
  while (await isRunning(pid)) {
    if (performance.now() > end) return false;
    await delay(CHECK_MS);
  }
  return true;
}
