/** `follow` and `waitFor` of `background-responses/client` in a real browser. */
import { afterAll, expect, test } from "vitest";
import { create, send, simulate } from "../support/api-client.ts";
import { ClientPage } from "../support/client-page.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { startApi } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const KEY = "key-of-the-page";
const page = await ClientPage.start();
afterAll(async () => await page[Symbol.asyncDispose]());
const environment = { KEY_PREFIX: uniquePrefix(), API_KEYS: `alpha:${KEY}`, CORS_ORIGINS: page.origin };
const server = await openTestServerWithWorker(environment);
// The test replaces the API process.
afterAll(async () => await server.api[Symbol.asyncDispose]());
const headers = { authorization: `Bearer ${KEY}` };

test("a page loses its connections and the API, and gets every event and the final response", async () => {
  await using proxy = await startCuttingProxy(server.api.url);
  const random = seededRandom(7);
  proxy.cutAfter = () => 2_000 + Math.floor(random() * 8_000);
  const { id } = await create(server.api.url, simulate({ tokens: 200, delay_ms: 10 }), headers);
  const following = page.followToEnd(proxy.url, KEY, id, { minDelayMs: 5, maxDelayMs: 100 });
  await expect.poll(() => proxy.cuts, { timeout: 20_000 }).toBeGreaterThan(2);
  const old = server.api;
  const api = await startApi(environment);
  proxy.target = api.url;
  Object.assign(server, { api });
  await old.stop();

  const { events, final, awaited } = await following;
  const log = await server.inspector.log(id);
  expect(events).toEqual(log.map((line) => JSON.parse(line) as unknown));
  const { body } = await send("GET", `${api.url}/responses/${id}`, undefined, headers);
  expect(final).toMatchObject({ ...body, status: "completed" });
  expect(final.output_text.length).toBeGreaterThan(200);
  expect(awaited).toEqual(final);
  expect(page.errors).toEqual([]);
}, 60_000);
