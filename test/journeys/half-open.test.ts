/** A network that fails silently: connections to Redis stay open and none answers. Everything resumes by itself. */
import { expect, test } from "vitest";
import { findFreePort } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";

/** Until everything works again. */
const RECOVERY_MS = 15_000;

test("half-open connections are replaced: requests, streams, runs and readiness recover", async () => {
  await using proxy = await startCuttingProxy(testRedisUrl());
  const environment = {
    KEY_PREFIX: uniquePrefix(),
    REDIS_URL: proxy.url.replace(/^http/, "redis"),
    STREAM_HEARTBEAT_MS: "600000",
  };
  const healthPort = String(await findFreePort());
  await using api = await startApi(environment);
  await using _worker = await startWorker({ ...environment, WORKER_PORT: healthPort });
  const processes = [api.url.replace("/v1", ""), `http://127.0.0.1:${healthPort}`];
  const statuses = async (path: string) =>
    await Promise.all(processes.map(async (url) => (await send("GET", `${url}${path}`)).status));
  expect(await statuses("/readyz")).toEqual([200, 200]);

  const { id } = await create(api.url, simulate({ tokens: 400, delay_ms: 20 }));
  const frozen = Promise.withResolvers<void>();
  const followed = subscribe(api.url, id, {
    onEvent: (event) => {
      if (event.id !== 20) return;
      proxy.freeze();
      frozen.resolve();
    },
  });
  await frozen.promise;
  await expect.poll(() => statuses("/readyz"), { timeout: RECOVERY_MS }).toEqual([503, 503]);
  expect(await statuses("/healthz")).toEqual([200, 200]);
  const post = async () => (await send("POST", `${api.url}/responses`, simulate({ tokens: 1, delay_ms: 0 }))).status;
  await expect.poll(post, { timeout: RECOVERY_MS }).toBe(200);
  await expect.poll(() => statuses("/readyz"), { timeout: RECOVERY_MS }).toEqual([200, 200]);
  expect((await followed).isWhole).toBe(true);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
});
