import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  DataFolderInUseError,
  isDockerAvailable,
  ensureRedis,
  type LocalRedisOptions,
  NoRedisError,
  startPrivateRedis,
} from "../../../../src/local/redis/local-server.ts";
import { acquireLockFile, LockHeldError } from "../../../../src/local/redis/exclusive-lock.ts";

const LOCAL_SERVER = pathToFileURL(join(import.meta.dirname, "../../../../src/local/redis/local-server.ts")).href;

let folder: string;
let log: string[];
let disposables: AsyncDisposableStack;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "background-responses-local-")));
  log = [];
  disposables = new AsyncDisposableStack();
  disposables.defer(async () => await rm(folder, { recursive: true, force: true }));
});
afterEach(async () => await disposables.disposeAsync());

const keepLine = (line: string): void => void log.push(line);

async function ensure(options: Partial<LocalRedisOptions> = {}) {
  const base = { dataDir: join(folder, "data"), allowInstall: false, environment: process.env, log: keepLine };
  return disposables.use(await ensureRedis({ ...base, ...options }));
}

async function start(options: { port?: number; appendfsync?: "everysec" | "always"; extraArgs?: string[] } = {}) {
  return disposables.use(await startPrivateRedis({ dataDir: join(folder, "data"), ...options }));
}

function clientOf(url: string): Redis {
  const redis = new Redis(url, { retryStrategy: () => null, maxRetriesPerRequest: 0 });
  redis.on("error", () => undefined);
  disposables.defer(() => redis.disconnect());
  return redis;
}

async function setting(redis: Redis, name: string): Promise<string | undefined> {
  return (await redis.config("GET", name))[1];
}

async function answers(url: string): Promise<boolean> {
  return await clientOf(url)
    .ping()
    .then(
      () => true,
      () => false,
    );
}

/** A program that runs only the CommonJS module `source`. */
async function writeProgram(name: string, source: string): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, `#!${process.execPath}\n${source}`);
  await chmod(path, 0o755);
}

describe("a private Redis", () => {
  test("listens on loopback only, keeps an append-only file and evicts nothing", async () => {
    const local = await ensure();
    const redis = clientOf(local.url);
    expect(local.how).toBe("private");
    expect(local.pid).toBeGreaterThan(0);
    expect(await setting(redis, "bind")).toBe("127.0.0.1");
    expect(await setting(redis, "protected-mode")).toBe("yes");
    expect(await setting(redis, "appendonly")).toBe("yes");
    expect(await setting(redis, "appendfsync")).toBe("everysec");
    expect(await setting(redis, "save")).toBe("");
    expect(await setting(redis, "maxmemory-policy")).toBe("noeviction");
    expect(await readdir(join(folder, "data"))).toContain("appendonlydir");
  });

  test("has its data again after SIGKILL, on the same port and folder", async () => {
    const first = await start({ appendfsync: "always" });
    await clientOf(first.url).set("kept", "yes");
    first.kill("SIGKILL");
    expect(await first.exited).toBe("signal SIGKILL");

    const second = await start({ port: first.port });
    expect(second.url).toBe(first.url);
    expect(await clientOf(second.url).get("kept")).toBe("yes");
  });

  test("becomes a replica when further options say so", async () => {
    const primary = await start({ extraArgs: ["--repl-diskless-sync-delay", "0"] });
    const extraArgs = ["--replicaof", "127.0.0.1", String(primary.port), "--appendonly", "no"];
    const replica = disposables.use(await startPrivateRedis({ dataDir: join(folder, "replica"), extraArgs }));
    const redis = clientOf(primary.url);
    await expect.poll(async () => await redis.info("replication"), { timeout: 20_000 }).toContain("state=online");
    await redis.set("copied", "yes");
    expect(await redis.wait(1, 10_000)).toBe(1);
    expect(await clientOf(replica.url).get("copied")).toBe("yes");
  });

  test("names a port in use, and never replaces a requested one", async () => {
    const first = await start();
    const clash = startPrivateRedis({ dataDir: join(folder, "other"), port: first.port });
    await expect(clash).rejects.toThrow(`port ${first.port} is in use`);
  });

  test("that does not start reports its output", async () => {
    await expect(start({ extraArgs: ["--no-such-option", "1"] })).rejects.toThrow("no-such-option");
  });
});

describe("disposal", () => {
  test("ends the Redis that it started, and no other", async () => {
    const mine = await ensure();
    const other = await ensure({ dataDir: join(folder, "other") });
    await mine[Symbol.asyncDispose]();
    expect(await mine.exited).toBe("exit code 0");
    expect(await answers(mine.url)).toBe(false);
    expect(await answers(other.url)).toBe(true);
  });

  test("leaves a configured Redis alone", async () => {
    const running = await start();
    const configured = await ensure({ redisUrl: running.url, environment: { PATH: folder } });
    expect(configured).toMatchObject({ url: running.url, how: "configured" });
    await configured[Symbol.asyncDispose]();
    expect(await answers(running.url)).toBe(true);
  });
});

describe("a data folder", () => {
  test("belongs to one process at a time", async () => {
    const first = await ensure();
    const second = ensure();
    await expect(second).rejects.toBeInstanceOf(DataFolderInUseError);
    await expect(second).rejects.toThrow(`in use by process ${process.pid}`);
    expect(await answers(first.url)).toBe(true);
    await first[Symbol.asyncDispose]();
    await expect(ensure()).resolves.toMatchObject({ how: "private" });
  });

  test("goes to exactly one of many that find its holder dead", async () => {
    const dead = JSON.stringify({ pid: await endedPid(), token: "dead" });
    const path = join(folder, "lock.json");
    for (let round = 0; round < 200; round++) {
      await writeFile(path, dead);
      const results = await Promise.allSettled(Array.from({ length: 16 }, async () => await acquireLockFile(path)));
      const locks = results.filter((result) => result.status === "fulfilled");
      expect(locks, `round ${round}`).toHaveLength(1);
      const reasons = results.filter((result) => result.status === "rejected").map(({ reason }) => reason);
      expect(reasons.filter((reason) => !(reason instanceof LockHeldError))).toEqual([]);
      await locks[0]!.value[Symbol.asyncDispose]();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test("is taken over after a crash during takeover, and with an empty lock", async () => {
    const path = join(folder, "lock.json");
    const dead = JSON.stringify({ pid: await endedPid(), token: "dead" });
    for (const found of [dead, "not JSON", ""]) {
      await writeFile(path, found);
      const digest = createHash("sha256").update(found).digest("hex").slice(0, 16);
      await writeFile(`${path}.after-${digest}`, dead);
      const lock = await acquireLockFile(path);
      await expect(acquireLockFile(path)).rejects.toBeInstanceOf(LockHeldError);
      await lock[Symbol.asyncDispose]();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test("is not released by a holder that lost it", async () => {
    const path = join(folder, "lock.json");
    const lock = await acquireLockFile(path);
    const taken = JSON.stringify({ pid: process.pid, token: "another" });
    await writeFile(path, taken);
    await lock[Symbol.asyncDispose]();
    expect(await readFile(path, "utf8")).toBe(taken);
  });

  test("of a killed process loses its orphaned Redis and keeps its data", async () => {
    const orphan = await orphanedRedis(join(folder, "data"));
    await clientOf(orphan.url).set("kept", "yes");

    const local = await ensure();
    expect(log.join("\n")).toContain(`process ${orphan.pid}`);
    expect(local.pid).not.toBe(orphan.pid);
    expect(await answers(orphan.url)).toBe(false);
    expect(await clientOf(local.url).get("kept")).toBe("yes");
  });

  test("of a killed process leaves alone a Redis that now has its port", async () => {
    const other = await start();
    const dataDir = join(folder, "mine");
    await (await ensure({ dataDir }))[Symbol.asyncDispose]();
    await writeFile(join(dataDir, "lock.json"), JSON.stringify({ pid: await endedPid(), token: "dead" }));
    await writeFile(join(dataDir, "address"), other.url);
    await ensure({ dataDir });
    expect(log).toEqual([]);
    expect(await answers(other.url)).toBe(true);
  });
});

describe("without a Redis program", () => {
  test("and without alternatives, the error names the ways to get one", async () => {
    const attempt = ensure({ environment: { PATH: folder }, allowInstall: true, uid: 1000 });
    await expect(attempt).rejects.toThrow(/REDIS_URL[^]*redis-server or valkey-server, 7\.0 or newer[^]*Docker engine/);
    await expect(attempt).rejects.toBeInstanceOf(NoRedisError);
    expect(await readdir(folder)).toEqual([]);
  });

  test("that is new enough, the error names the old one", async () => {
    await writeProgram("redis-server", `console.log("Redis server v=6.2.14 sha=00000000:0")`);
    const attempt = ensure({ environment: { PATH: folder }, allowInstall: true, uid: 0 });
    await expect(attempt).rejects.toThrow("redis-server 6.2.14 is too old");
  });

  test("a docker command without an engine is not used", async () => {
    await writeProgram("docker", `console.error("Cannot connect to the Docker daemon"); process.exit(1)`);
    expect(await isDockerAvailable({ PATH: folder })).toBe(false);
  });

  test("a Docker engine runs it on the data folder, once, and cleans up", async () => {
    await writeProgram("docker", standInDocker());
    const environment = { PATH: folder };
    const first = await ensure({ environment });
    expect(first.how).toBe("docker");
    expect(new URL(first.url).hostname).toBe("127.0.0.1");
    await clientOf(first.url).set("kept", "yes");
    await expect(ensure({ environment })).rejects.toThrow("in use by process");
    await first[Symbol.asyncDispose]();
    expect(await answers(first.url)).toBe(false);

    const second = await ensure({ environment });
    expect(await clientOf(second.url).get("kept")).toBe("yes");
    await second[Symbol.asyncDispose]();
    expect((await readdir(folder)).toSorted()).toEqual(["data", "docker"]);
  });
});

/** The pid of a process that has exited. */
async function endedPid(): Promise<number> {
  const child = spawn(process.execPath, ["--version"], { stdio: "ignore" });
  await once(child, "exit");
  return child.pid!;
}

/** A Redis whose parent was killed. */
async function orphanedRedis(dataDir: string): Promise<{ url: string; pid: number }> {
  const script = `
    const { ensureRedis } = await import(${JSON.stringify(LOCAL_SERVER)});
    const options = { dataDir: ${JSON.stringify(dataDir)}, allowInstall: false, environment: process.env };
    const { url, pid } = await ensureRedis({ ...options, log: () => undefined });
    process.stdout.write(JSON.stringify({ url, pid }));
  `;
  const args = ["--input-type=module", "--eval", script];
  const parent = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [output] = await once(parent.stdout, "data");
  const redis = JSON.parse(String(output)) as { url: string; pid: number };
  parent.kill("SIGKILL");
  await once(parent, "exit");
  expect(await answers(redis.url)).toBe(true);
  return redis;
}

/**
 * Runs a process as an engine runs a container, for the commands used here: the volume becomes the working folder, the
 * published port the port.
 */
function standInDocker(): string {
  return `
    const { spawn } = require("node:child_process");
    const { readFileSync, rmSync, writeFileSync } = require("node:fs");
    const { connect, createServer } = require("node:net");
    const [command, ...args] = process.argv.slice(2);
    const stateOf = (name) => ${JSON.stringify(join(folder, "container-"))} + name;
    const after = (option) => args[args.indexOf(option) + 1];
    const run = async () => {
      const probe = createServer().listen(0, "127.0.0.1");
      await new Promise((resolve) => probe.once("listening", resolve));
      const port = probe.address().port;
      await new Promise((resolve) => probe.close(resolve));
      const options = args.slice(args.indexOf("redis:7-alpine") + 1);
      options[options.indexOf("--dir") + 1] = after("--volume").split(":")[0];
      const env = { ...process.env, PATH: ${JSON.stringify(process.env["PATH"])} };
      const child = spawn("redis-server", [...options, "--port", port], { env, detached: true, stdio: "ignore" });
      writeFileSync(stateOf(after("--name")), JSON.stringify({ port }));
      child.unref();
    };
    const remove = (state) => {
      const connection = connect(JSON.parse(readFileSync(state, "utf8")).port, "127.0.0.1");
      connection.end("SHUTDOWN\\r\\n");
      connection.resume().on("close", () => rmSync(state));
    };
    const commands = {
      info: () => console.log("28.0"),
      run,
      port: () => console.log("127.0.0.1:" + JSON.parse(readFileSync(stateOf(args[0]), "utf8")).port),
      stop: () => remove(stateOf(args.at(-1))),
      rm: () => remove(stateOf(args.at(-1))),
    };
    commands[command]();
  `;
}
