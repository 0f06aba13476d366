import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startPrivateRedis } from "../../../../src/local/redis/private-server.ts";
import { ReplicaAcknowledgement, ReplicasMissingError } from "../../../../src/stream/log/replica-acknowledgement.ts";
import { pollUntil } from "../../../support/poll-until.ts";

let folder: string;
let server: Awaited<ReturnType<typeof startPrivateRedis>>;
let redis: Redis;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "replica-test-"));
  // Replicas receive missing data at once.
  server = await startPrivateRedis({ dataDir: folder, extraArgs: ["--repl-diskless-sync-delay", "0"] });
  redis = new Redis(server.url);
});
afterAll(async () => {
  redis.disconnect();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("writes during a pending confirmation share the next one", async () => {
  const replicas = new ReplicaAcknowledgement(redis, "probe", { minReplicasAcked: 0 });
  const asked = vi.spyOn(redis, "wait");
  const answered = () => asked.mock.settledResults.filter(({ type }) => type === "fulfilled").length;
  const first = replicas.confirm().then(answered);
  const others = Array.from({ length: 5 }, () => replicas.confirm().then(answered));
  expect([await first, ...(await Promise.all(others))]).toEqual([1, 2, 2, 2, 2, 2]);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("a distant replica is awaited for as long as configured", async () => {
  await using far = await startFarAway(server.port);
  const link = ["--replicaof", "127.0.0.1", String(far.port)];
  await using replica = await startPrivateRedis({ dataDir: join(folder, "far"), extraArgs: link });
  const copy = new Redis(replica.url);
  await pollUntil(
    async () => await copy.info("replication"),
    (info) => info.includes("master_link_status:up"),
  );
  copy.disconnect();
  const missing = vi.fn<() => void>();
  const patient = { minReplicasAcked: 1, replicaWaitMs: 4 * DISTANCE_MS, onReplicasMissing: missing };
  await new ReplicaAcknowledgement(redis, "probe", patient).confirm();
  expect(missing).not.toHaveBeenCalled();
  const hasty = { ...patient, replicaWaitMs: DISTANCE_MS };
  await expect(new ReplicaAcknowledgement(redis, "probe", hasty).confirm()).rejects.toThrow(ReplicasMissingError);
  expect(missing).toHaveBeenCalled();
});

const DISTANCE_MS = 320;

/** A connection to a server that delays every byte by this time, in both directions. */
async function startFarAway(port: number): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>();
  const late = (from: Socket, to: Socket) => {
    sockets.add(from);
    from.on("data", (bytes) => setTimeout(() => to.writable && to.write(bytes), DISTANCE_MS));
    from.on("error", () => from.destroy()).on("close", () => to.destroy());
  };
  const far = createServer((near) => {
    const there = connect(port, "127.0.0.1");
    late(near, there);
    late(there, near);
  });
  await once(far.listen(0, "127.0.0.1"), "listening");
  return {
    port: (far.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      far.close();
      for (const socket of sockets) socket.destroy();
      await once(far, "close");
    },
  };
}

test("writes on a connection lost before confirmation are written again", async () => {
  const required = new ReplicaAcknowledgement(redis, "probe", { minReplicasAcked: 1 });
  let writes = 0;
  const write = async (): Promise<void> => {
    writes += 1;
    if (writes > 1) return;
    const closed = once(redis, "close");
    redis.disconnect(true);
    await closed;
  };
  await using replica = await startPrivateRedis({
    dataDir: join(folder, "again"),
    extraArgs: ["--replicaof", "127.0.0.1", String(server.port)],
  });
  expect(replica.port).toBeGreaterThan(0);
  await required.writeConfirmed(write, AbortSignal.timeout(30_000));
  expect(writes).toBe(2);
});

test("ended runs do not wait for replicas", async () => {
  const replicas = new ReplicaAcknowledgement(redis, "probe", { minReplicasAcked: 1 });
  const control = new AbortController();
  const confirming = replicas.confirm(control.signal);
  control.abort(new Error("over"));
  await expect(confirming).rejects.toThrow("over");
});
