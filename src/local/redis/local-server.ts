/**
 * Finds or starts a Redis for `npm start`, the demo and the tests, in this order:
 *
 * 1. the configured one, which is only used;
 * 2. a `redis-server` or `valkey-server` on the PATH, as a private child process;
 * 3. a Docker engine, as a container;
 * 4. as root on Debian or Ubuntu, if allowed: the distribution's package, then 2.
 *
 * A server started here owns one data folder, and one process at a time owns the folder.
 */
import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type DebianPackage, installDebianPackage, isDebianRoot } from "./debian-package.ts";
import { isDockerAvailable, startDockerRedis } from "./docker-server.ts";
import { acquireLockFile, LockHeldError } from "./exclusive-lock.ts";
import { findRedisProgram, MIN_VERSION } from "../../redis/find-program.ts";
import { stopOrphan, removeAddress, recordAddress } from "./orphan.ts";
import type { LocalRedis } from "./local-redis.ts";
import { startPrivateRedis } from "./private-server.ts";

export { isDockerAvailable, startPrivateRedis };

export interface LocalRedisOptions {
  /** The configured URL. If set and not empty, nothing else is tried. */
  redisUrl?: string | undefined;
  dataDir: string;
  /** Whether a system package may be installed. */
  allowInstall: boolean;
  appendfsync?: "everysec" | "always" | undefined;
  /** Default: a free port. */
  port?: number | undefined;
  /** Additional options of `redis-server`, which override those set here. */
  extraArgs?: readonly string[] | undefined;
  log: (line: string) => void;
  /** The environment for finding and starting programs. */
  environment: NodeJS.ProcessEnv;
  /** Default: this process's user id. */
  uid?: number | undefined;
}

export class NoRedisError extends Error {
  override readonly name = "NoRedisError";

  constructor(findings: readonly string[], options?: ErrorOptions) {
    const remedies = [
      "set REDIS_URL to a Redis that runs already",
      `install redis-server or valkey-server, ${MIN_VERSION} or newer`,
      "start a Docker engine",
    ];
    const found = findings.length === 0 ? "" : ` (${findings.join("; ")})`;
    super(
      `No Redis was found${found}. Do one of these:\n${remedies.map((remedy) => `  - ${remedy}`).join("\n")}`,
      options,
    );
  }
}

export class DataFolderInUseError extends Error {
  override readonly name = "DataFolderInUseError";

  constructor(dataDir: string, pid: number) {
    super(
      `${dataDir} is in use by process ${pid}, another start of this server in the same folder. Stop that one, or set REDIS_URL.`,
    );
  }
}

export async function ensureRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  if (options.redisUrl !== undefined && options.redisUrl !== "") {
    return { url: options.redisUrl, how: "configured", [Symbol.asyncDispose]: async () => undefined };
  }
  const source = await findRedisSource(options);
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const lock = await lockDataFolder(dataDir);
  try {
    await stopOrphan(dataDir, options.log);
    const server = await startRedisFrom(source, dataDir, options);
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await removeAddress(dataDir);
        await lock[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

const REDIS_PACKAGE: DebianPackage = {
  name: "redis-server",
  title: "Redis",
  isInstalled: async (environment) => (await findRedisProgram(environment)).program !== undefined,
};

type Source = { how: "private"; program: string } | { how: "docker" };

async function findRedisSource(options: LocalRedisOptions): Promise<Source> {
  const { environment, log } = options;
  const { program, tooOld } = await findRedisProgram(environment);
  if (program !== undefined) return { how: "private", program };
  if (await isDockerAvailable(environment)) return { how: "docker" };
  const findings = tooOld.map((found) => `${found} is too old`);
  // A distribution with an old version has no newer one.
  const mayInstall = options.allowInstall && tooOld.length === 0;
  if (!mayInstall || !(await isDebianRoot(environment, options.uid))) throw new NoRedisError(findings);

  try {
    await installDebianPackage(REDIS_PACKAGE, environment, log);
  } catch (error) {
    throw new NoRedisError(["apt-get could not install redis-server"], { cause: error });
  }
  const installed = await findRedisProgram(environment);
  if (installed.program !== undefined) return { how: "private", program: installed.program };
  throw new NoRedisError(installed.tooOld.map((found) => `the distribution's ${found} is too old`));
}

async function startRedisFrom(source: Source, dataDir: string, options: LocalRedisOptions): Promise<LocalRedis> {
  const { port, appendfsync, extraArgs, environment } = options;
  if (source.how === "docker") return await startDockerRedis({ dataDir, port, appendfsync, extraArgs, environment });
  const {
    url,
    pid,
    exited,
    [Symbol.asyncDispose]: dispose,
  } = await startPrivateRedis({
    dataDir,
    port,
    appendfsync,
    extraArgs,
    environment,
    program: source.program,
    beforeSpawn: async (chosen) => await recordAddress(dataDir, `redis://127.0.0.1:${chosen}`),
  });
  return { url, how: "private", pid, exited, [Symbol.asyncDispose]: dispose };
}

async function lockDataFolder(dataDir: string): Promise<AsyncDisposable> {
  try {
    return await acquireLockFile(join(dataDir, "lock.json"));
  } catch (error) {
    if (error instanceof LockHeldError) throw new DataFolderInUseError(dataDir, error.holder.pid);
    throw error;
  }
}
