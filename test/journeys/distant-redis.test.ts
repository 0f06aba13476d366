/** A distant Redis: each command of a worker takes a long round trip. */
import { expect, test } from "vitest";
import { create, pollToEnd, simulate } from "../support/api-client.ts";
import { startDelayingProxy } from "../support/delaying-proxy.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";

test.each([
  [150, 50],
  [300, 50],
])("with a round trip of %i ms one worker completes a burst of %i responses", async (roundTripMs, count) => {
  await using proxy = await startDelayingProxy(testRedisUrl(), roundTripMs);
  const environment = { KEY_PREFIX: uniquePrefix(), REDIS_URL: testRedisUrl() };
  await using api = await startApi(environment);
  const ids = await Promise.all(
    Array.from({ length: count }, async () => (await create(api.url, simulate({ tokens: 20, delay_ms: 50 }))).id),
  );
  await using worker = await startWorker({ ...environment, REDIS_URL: proxy.url });
  const ended = await Promise.all(ids.map(async (id) => await pollToEnd(api.url, id)));
  expect(ended.map(({ status }) => status)).toEqual(ids.map(() => "completed"));
  const lost = worker.lines.filter(({ msg }) => msg === "Recovered from a lost worker" || msg === "Attempt failed");
  expect(lost).toEqual([]);
  const warnings = worker.lines.filter(({ msg }) => msg.startsWith("Redis is too far away"));
  expect(warnings.map(({ lockDurationMs }) => lockDurationMs)).toEqual(roundTripMs > 200 ? [4_000] : []);
});
