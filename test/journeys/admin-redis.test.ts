/** Keys, limits and counts of administration on other kinds of Redis: full, away, and a Redis Cluster. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { startCluster } from "../support/cluster.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const folder = await mkdtemp(join(tmpdir(), "background-responses-admin-"));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const KEYS = { API_KEYS: "lab:key-of-the-lab", ADMIN_KEYS: "ada:key-of-the-admin" };
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const ADMIN = bearer("key-of-the-admin");

async function createKey(url: string): Promise<{ project: string; id: string; value: string }> {
  const { body: project } = await send<{ id: string }>("POST", `${url}/organization/projects`, { name: "x" }, ADMIN);
  const path = `${url}/organization/projects/${project.id}/api_keys`;
  const { body } = await send<{ id: string; value: string }>("POST", path, { name: "x" }, ADMIN);
  return { project: project.id, ...body };
}

test("a full Redis still stops keys, and one that is away admits none", async () => {
  const redis = await startPrivateRedis({ dataDir: join(folder, "full"), extraArgs: ["--appendonly", "no"] });
  await using api = await startApi({ ...KEYS, KEY_PREFIX: uniquePrefix(), REDIS_URL: redis.url });
  const statusOf = async (key: string) => (await send("GET", `${api.url}/models`, undefined, bearer(key))).status;
  const [deleted, archived, kept] = [await createKey(api.url), await createKey(api.url), await createKey(api.url)];
  using inspector = new RedisInspector("any", redis.url);
  await inspector.redis.config("SET", "maxmemory", "1");
  const projects = `${api.url}/organization/projects`;
  const created = await send<object>("POST", projects, { name: "y" }, ADMIN);
  expect(created).toMatchObject({ status: 503, body: { error: { code: "service_unavailable" } } });
  const path = `${projects}/${deleted.project}/api_keys/${deleted.id}`;
  expect((await send("DELETE", path, undefined, ADMIN)).status).toBe(200);
  expect((await send("POST", `${projects}/${archived.project}/archive`, undefined, ADMIN)).status).toBe(200);
  expect([await statusOf(deleted.value), await statusOf(archived.value), await statusOf(kept.value)]).toEqual([
    401, 401, 200,
  ]);

  await redis[Symbol.asyncDispose]();
  expect([await statusOf(kept.value), await statusOf("key-of-nobody"), await statusOf("key-of-the-lab")]).toEqual([
    503, 503, 200,
  ]);
});

test("a Redis Cluster keeps keys, limits and counts", async () => {
  const { nodes, url } = await startCluster(join(folder, "cluster"));
  await using _nodes = {
    [Symbol.asyncDispose]: async () =>
      void (await Promise.all(nodes.map(async (node) => await node[Symbol.asyncDispose]()))),
  };
  const environment = { ...KEYS, KEY_PREFIX: uniquePrefix(), REDIS_URL: url, REDIS_CLUSTER: "true" };
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { project, value } = await createKey(api.url);
  const limits = `${api.url}/organization/projects/${project}/rate_limits/rl_all_models`;
  expect((await send("POST", limits, { max_requests_per_1_minute: 1 }, ADMIN)).status).toBe(200);
  const { id } = await create(api.url, simulate({ tokens: 3, delay_ms: 0 }), bearer(value));
  await pollToEnd(api.url, id, bearer(value));
  expect((await send("POST", `${api.url}/responses`, simulate({}), bearer(value))).status).toBe(429);
  const query = `start_time=${Math.floor(Date.now() / 1000) - 3_600}&project_ids=${project}&bucket_width=1h`;
  const used = async () => {
    const path = `${api.url}/organization/usage/completions?${query}`;
    const { body } = await send<{ data: { results: { output_tokens: number }[] }[] }>("GET", path, undefined, ADMIN);
    return body.data.flatMap(({ results }) => results.map(({ output_tokens: tokens }) => tokens));
  };
  await expect.poll(used).toEqual([3]);
});
