/**
 * One Redis for the whole run: REDIS_URL's, a container if a Docker engine answers, or a private process. It keeps
 * nothing on disk; tests that need durability start their own Redis.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { isDockerAvailable, ensureRedis } from "../../src/local/redis/local-server.ts";

const log = (line: string): void => void process.stderr.write(`${line}\n`);

interface TestRedis extends AsyncDisposable {
  url: string;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await startRedis(process.env["REDIS_URL"]);
  project.provide("redisUrl", redis.url);
  return async () => await redis[Symbol.asyncDispose]();
}

async function startRedis(configured: string | undefined): Promise<TestRedis> {
  if ((configured ?? "") === "" && (await isDockerAvailable(process.env))) {
    try {
      return await startContainer();
    } catch (error) {
      log(`Docker answers but runs no Redis (${String(error)}); looking for another way.`);
    }
  }
  return await startLocal(configured);
}

async function startContainer(): Promise<TestRedis> {
  const { GenericContainer } = await import("testcontainers");
  const container = await new GenericContainer("redis:7-alpine")
    .withCommand(["redis-server", "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"])
    .withExposedPorts(6379)
    .start();
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    [Symbol.asyncDispose]: async () => void (await container.stop()),
  };
}

async function startLocal(redisUrl: string | undefined): Promise<TestRedis> {
  const dataDir = await mkdtemp(join(tmpdir(), "background-responses-test-"));
  const extraArgs = ["--appendonly", "no"];
  const redis = await ensureRedis({ redisUrl, dataDir, allowInstall: true, extraArgs, log, environment: process.env });
  return {
    url: redis.url,
    async [Symbol.asyncDispose]() {
      await redis[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
