/** The log's destination may fail: a full disk, a closed terminal. The server keeps serving, and exits normally. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import { send } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";

const PROJECT = join(import.meta.dirname, "../..");

/** Its standard output is open for reading only, so that every write fails. */
function startWithoutLog(port: number, settings: NodeJS.ProcessEnv): ChildProcess {
  const unwritable = openSync(devNull, "r");
  const defaults = {
    PATH: process.env["PATH"],
    REDIS_URL: testRedisUrl(),
    KEY_PREFIX: uniquePrefix(),
    PORT: String(port),
  };
  const env = { ...defaults, ...settings };
  const child = spawn(process.execPath, ["src/server.ts"], {
    cwd: PROJECT,
    env,
    stdio: ["ignore", unwritable, "inherit"],
  });
  closeSync(unwritable);
  return child;
}

/** There is no line to wait for. */
async function untilServed(url: string, child: ChildProcess): Promise<void> {
  const isServing = async () => (await send("GET", url).catch(() => undefined))?.status === 200;
  await pollUntil(isServing, (isReady) => isReady || child.exitCode !== null);
}

test.each([
  ["SIGTERM", "JSON", {}],
  ["SIGHUP", "JSON", {}],
  ["SIGHUP", "for people", { LOG_PRETTY: "true" }],
] as const)("a server that cannot write its log serves, and drains on %s: %s", async (signal, _form, settings) => {
  const port = await findFreePort();
  const child = startWithoutLog(port, settings);
  const exited = once(child, "exit");
  try {
    await untilServed(`http://127.0.0.1:${port}/v1/models`, child);
    expect((await send("GET", `http://127.0.0.1:${port}/v1/models`)).status).toBe(200);
    child.kill(signal);
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
