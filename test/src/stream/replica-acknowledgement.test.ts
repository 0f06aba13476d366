import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startPrivateRedis } from "../../../src/redis/local-server/private-server.ts";
import { ReplicaAcknowledgement } from "../../../src/stream/replica-acknowledgement.ts";

let folder: string;
let server: Awaited<ReturnType<typeof startPrivateRedis>>;
let redis: Redis;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "replica-test-"));
  server = await startPrivateRedis({ dataDir: folder });
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("a question that is under way may be older than the write: who comes meanwhile shares the next", async () => {
  const replicas = new ReplicaAcknowledgement(redis, "probe", 0);
  const asked = vi.spyOn(redis, "wait");
  const answered = () => asked.mock.settledResults.filter(({ type }) => type === "fulfilled").length;
  const first = replicas.confirm().then(answered);
  const others = Array.from({ length: 5 }, () => replicas.confirm().then(answered));
  expect([await first, ...(await Promise.all(others))]).toEqual([1, 2, 2, 2, 2, 2]);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("nobody waits for replicas on behalf of a run that is over", async () => {
  const replicas = new ReplicaAcknowledgement(redis, "probe", 1);
  const control = new AbortController();
  const confirming = replicas.confirm(control.signal);
  control.abort(new Error("over"));
  await expect(confirming).rejects.toThrow("over");
});
