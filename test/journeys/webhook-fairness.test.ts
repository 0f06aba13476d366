/** A receiver that never answers delays neither its project's other endpoints nor other projects. */
import OpenAI from "openai";
import { expect, test } from "vitest";
import { create, simulate } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { hang, WebhookReceiver } from "../support/webhook-receiver.ts";

const WINDOW = 10;
/** In this file no try of a silent receiver ends. */
const { api } = await openTestServerWithWorker({
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001",
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  WEBHOOKS_ALLOW_HTTP: "true",
  WEBHOOK_TIMEOUT_MS: "60000",
  WEBHOOK_CONCURRENCY: String(2 * WINDOW + 2),
  DRAIN_GRACE_MS: "0",
});
const ALPHA = "key-of-alpha-0001";
const BETA = "key-of-beta-00001";

async function createEndpoint(apiKey: string, url: string): Promise<void> {
  const client = new OpenAI({ apiKey, baseURL: api.url, maxRetries: 0 });
  await client.webhooks.create({ name: "Test", url, event_types: ["response.completed"] });
}

const complete = async (key: string) =>
  (await create(api.url, simulate({ tokens: 1, delay_ms: 0 }), { authorization: `Bearer ${key}` })).id;
const completeMany = async (key: string, count: number) =>
  await Promise.all(Array.from({ length: count }, async () => await complete(key)));

test("events of other endpoints arrive while a receiver is silent", async () => {
  await using silent = await WebhookReceiver.start(hang);
  await using fast = await WebhookReceiver.start();
  await createEndpoint(ALPHA, silent.url);
  await completeMany(ALPHA, 3 * WINDOW);
  await silent.until(({ length }) => length === WINDOW);

  // The same project's other endpoint: every event goes to both.
  await createEndpoint(ALPHA, `${fast.url}alpha`);
  const ids = await completeMany(ALPHA, WINDOW);
  await fast.until((tries) => ids.every((id) => tries.some(({ body }) => body.includes(id))));
  expect(silent.tries).toHaveLength(WINDOW);

  // Another silent receiver takes more slots, and the other project gets one anyway.
  await createEndpoint(ALPHA, `${silent.url}second`);
  await completeMany(ALPHA, 3 * WINDOW);
  await silent.until((tries) => tries.some(({ path }) => path === "/second"));
  await createEndpoint(BETA, `${fast.url}beta`);
  const theirs = await completeMany(BETA, WINDOW);
  const arrived = await fast.until((tries) => theirs.every((id) => tries.some(({ body }) => body.includes(id))));
  expect(arrived.filter(({ path }) => path === "/beta")).toHaveLength(WINDOW);
});
