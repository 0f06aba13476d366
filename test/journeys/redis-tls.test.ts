/** A Redis that requires client certificates, signed by a private authority. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePort, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, simulate } from "../support/api-client.ts";
import { makeCertificates } from "../support/certificates.ts";
import { ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-redis-tls-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("API, worker and BullMQ present their certificate; without it the log says why", async () => {
  const { ca, server, client } = await makeCertificates(folder);
  const tlsPort = String(await findFreePort());
  const files = ["--tls-cert-file", server.cert, "--tls-key-file", server.key, "--tls-ca-cert-file", ca];
  await using _redis = await startPrivateRedis({
    dataDir: join(folder, "redis"),
    extraArgs: ["--tls-port", tlsPort, "--tls-auth-clients", "yes", ...files],
  });
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: `rediss://localhost:${tlsPort}` };
  const trust = { REDIS_TLS_CA_FILE: ca };
  const certificate = { REDIS_TLS_CERT_FILE: client.cert, REDIS_TLS_KEY_FILE: client.key };

  await using api = await startApi({ ...environment, ...trust, ...certificate });
  await using _worker = await startWorker({ ...environment, ...trust, ...certificate });
  const { id } = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
  expect((await pollToEnd(api.url, id)).status).toBe("completed");

  for (const lacking of [certificate, trust]) {
    await using outside = new ServerProcess("api", "src/server.ts", { ...environment, ...lacking, PORT: "0" });
    await outside.line(({ msg }) => msg === "Redis is not reachable; reconnecting", "that it has no connection");
  }
  const foreignKey = { REDIS_TLS_CERT_FILE: client.cert, REDIS_TLS_KEY_FILE: server.key };
  await using mixed = new ServerProcess("api", "src/server.ts", { ...environment, ...foreignKey, PORT: "0" });
  await mixed.line(({ msg }) => msg.includes("REDIS_TLS_KEY_FILE is not the key of"), "the error");
  expect(await mixed.exited).toBe(78);
});
