/** Sentinels that watch one primary, each its own process. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Redis } from "ioredis";
import { findRedisProgram } from "../../src/redis/find-program.ts";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import { pollUntil } from "./poll-until.ts";

const DOWN_AFTER_MS = 1_000;

export interface Sentinels extends AsyncDisposable {
  ports: number[];
}

/** Resolves when each knows the others and a replica of the primary. `lines` go into each file. */
export async function startSentinels(
  folder: string,
  name: string,
  primaryPort: number,
  lines: readonly string[],
  password: string,
): Promise<Sentinels> {
  const { program } = await findRedisProgram();
  const ports = [await findFreePort(), await findFreePort(), await findFreePort()];
  const children = await Promise.all(
    ports.map(async (port) => {
      const dir = join(folder, `sentinel-${port}`);
      await mkdir(dir, { recursive: true });
      const watch = [
        `monitor ${name} 127.0.0.1 ${primaryPort} 2`,
        `down-after-milliseconds ${name} ${DOWN_AFTER_MS}`,
        `failover-timeout ${name} 10000`,
      ];
      const settings = [`port ${port}`, "bind 127.0.0.1", `dir ${dir}`, ...watch.map((line) => `sentinel ${line}`)];
      await writeFile(join(dir, "sentinel.conf"), `${[...settings, ...lines].join("\n")}\n`);
      return spawn(program!, [join(dir, "sentinel.conf"), "--sentinel"], { stdio: "ignore" });
    }),
  );
  const kill = (): void => children.forEach((child) => void child.kill("SIGKILL"));
  process.once("exit", kill);
  for (const port of ports) {
    const sentinel = new Redis({ host: "127.0.0.1", port, password, maxRetriesPerRequest: null });
    sentinel.on("error", () => {});
    await pollUntil(async () => {
      const [seen] = (await sentinel.call("SENTINEL", "MASTERS")) as string[][];
      const state = Object.fromEntries(
        (seen ?? []).flatMap((field, i, all) => (i % 2 === 0 ? [[field, all[i + 1]]] : [])),
      );
      return state["num-slaves"] === "1" && state["num-other-sentinels"] === "2";
    });
    sentinel.disconnect();
  }
  return {
    ports,
    async [Symbol.asyncDispose]() {
      const exits = children.map(async (child) => await once(child, "exit"));
      kill();
      await Promise.all(exits);
      process.off("exit", kill);
    },
  };
}
