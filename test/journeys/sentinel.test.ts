/** Redis behind Sentinels, each with its own passwords: the primary crashes in the middle of a run. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PrivateRedis, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { startSentinels } from "../support/sentinels.ts";
import { expectExact, subscribe, subscribeToEnd } from "../support/subscriber.ts";

const PASSWORD = "of-redis";
const SENTINEL_PASSWORD = "of-the-sentinels";
const EXIT_MISCONFIGURED = 78;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "journey-sentinel-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function start(name: string, replicaOf?: number): Promise<PrivateRedis> {
  const following = replicaOf === undefined ? [] : ["--replicaof", "127.0.0.1", String(replicaOf)];
  const redis = await startPrivateRedis({
    dataDir: join(folder, name),
    extraArgs: ["--masterauth", PASSWORD, ...following],
  });
  const owner = new Redis(redis.url);
  await owner.config("SET", "requirepass", PASSWORD);
  owner.disconnect();
  return redis;
}

test("runs, streams and requests resume on the promoted replica", async () => {
  await using primary = await start("primary");
  await using _replica = await start("replica", primary.port);
  await using sentinels = await startSentinels(
    folder,
    "main",
    primary.port,
    [
      `sentinel auth-pass main ${PASSWORD}`,
      `requirepass ${SENTINEL_PASSWORD}`,
      `sentinel sentinel-pass ${SENTINEL_PASSWORD}`,
    ],
    SENTINEL_PASSWORD,
  );
  const hosts = sentinels.ports.map((port) => `127.0.0.1:${port}`).join(",");
  const url = (password: string, ofSentinels: string): string =>
    `redis+sentinel://:${password}@${hosts}/main?db=1&sentinel_password=${ofSentinels}`;
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: url(PASSWORD, SENTINEL_PASSWORD) };

  for (const wrong of [url("wrong", SENTINEL_PASSWORD), url(PASSWORD, "wrong")]) {
    await using rejected = new ServerProcess("api", "src/server.ts", { ...environment, REDIS_URL: wrong, PORT: "0" });
    await rejected.line(({ msg }) => msg.includes("rejects the credentials: check the"), "the error");
    expect(await rejected.exited).toBe(EXIT_MISCONFIGURED);
  }

  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 300, delay_ms: 20 }));
  const events = await subscribeToEnd(() => api.url, id, {
    onEvent: (event) => void (event.id === 20 && primary.kill("SIGKILL")),
  });
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  const replayed = await subscribe(api.url, id);
  expectExact(
    events,
    replayed.events.map(({ data }) => data),
    0,
  );
  expect((await send("POST", `${api.url}/responses`, simulate({ tokens: 1 }))).status).toBe(200);
});
