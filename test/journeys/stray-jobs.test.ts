/** The queue's lists and jobs disagree, after a crash or a manual change: every response still runs. */
import { expect, test } from "vitest";
import { create, pollToEnd, simulate } from "../support/api-client.ts";
import { startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectOneTerminal } from "../support/subscriber.ts";
import { openTestServer } from "../support/test-server.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
const { api, inspector } = await openTestServer(environment);

const queue = (key: string) => `{${prefix}:queue}:background:${key}`;

/** Each damages the queue's data of `id`, which waits for a worker. */
const DAMAGE: Record<string, (id: string) => Promise<unknown>> = {
  "its job is in no list": async (id) => {
    expect(await inspector.redis.zrem(queue("prioritized"), id)).toBe(1);
    expect(await inspector.redis.exists(queue(id))).toBe(1);
  },
  "its job is in no list, and marked as started": async (id) => {
    await inspector.redis.zrem(queue("prioritized"), id);
    await inspector.redis.hset(queue(id), "processedOn", Date.now(), "ats", 1);
  },
  "its list entry has no job": async (id) => await inspector.redis.del(queue(id)),
  "its worker does not exist": async (id) => {
    await inspector.redis.zrem(queue("prioritized"), id);
    await inspector.redis.lpush(queue("active"), id);
  },
  "its lost worker's entry has no job": async (id) => {
    await inspector.redis.zrem(queue("prioritized"), id);
    await inspector.redis.lpush(queue("active"), id);
    await inspector.redis.del(queue(id));
  },
  "its job has failed": async (id) => {
    await inspector.redis.zrem(queue("prioritized"), id);
    await inspector.redis.zadd(queue("failed"), Date.now(), id);
  },
};

test.each(Object.entries(DAMAGE))("%s", { timeout: 30_000 }, async (_name, breakJob) => {
  const { id } = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }));
  await breakJob(id);
  await using _worker = await startWorker(environment);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect(expectOneTerminal(await inspector.log(id)).status).toBe("completed");
});

test("a running response whose job left its list continues, and ends once", { timeout: 30_000 }, async () => {
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 100, delay_ms: 20 }));
  await expect.poll(async () => await inspector.redis.lrem(queue("active"), 0, id), { timeout: 10_000 }).toBe(1);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect(expectOneTerminal(await inspector.log(id)).status).toBe("completed");
  await expect.poll(async () => await inspector.inFlight(), { timeout: 10_000 }).toEqual([]);
});
