/** Webhooks from the end of a response to a receiver that verifies them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, beforeEach, expect, test } from "vitest";
import type { WebhookDelivery } from "../../src/protocol/webhook.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { pollUntil } from "../support/poll-until.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { acknowledge, answerWith, hang, unwrap, WebhookReceiver } from "../support/webhook-receiver.ts";

const receiver = await WebhookReceiver.start();
afterAll(async () => await receiver[Symbol.asyncDispose]());
beforeEach(() => {
  receiver.tries.length = 0;
  receiver.answer = acknowledge;
});

const folder = mkdtempSync(join(tmpdir(), "webhook-deliveries-"));
afterAll(() => rmSync(folder, { recursive: true }));
const OPERATORS_SECRET = `whsec_${Buffer.alloc(32, 9).toString("base64")}`;
const operators = { project: "gamma", name: "Operator", url: `${receiver.url}operator`, secret_env: "HOOK_SECRET" };
writeFileSync(join(folder, "webhooks.json"), JSON.stringify({ endpoints: [operators] }));

const { api, worker } = await openTestServerWithWorker({
  WEBHOOKS_FILE: join(folder, "webhooks.json"),
  HOOK_SECRET: OPERATORS_SECRET,
  WEBHOOK_DISABLE_SECONDS: "3",
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001,gamma:key-of-gamma-0001",
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  WEBHOOKS_ALLOW_HTTP: "true",
  WEBHOOK_TIMEOUT_MS: "700",
  WEBHOOK_RETRY_DELAY_MS: "100",
  WEBHOOK_RETRY_SECONDS: "600",
  MAX_WEBHOOK_ENDPOINTS_PER_PROJECT: "100",
  LOG_LEVEL: "debug",
});
const ALPHA = { authorization: "Bearer key-of-alpha-0001" };
const BETA = { authorization: "Bearer key-of-beta-00001" };
const GAMMA = { authorization: "Bearer key-of-gamma-0001" };
const client = new OpenAI({ apiKey: "key-of-alpha-0001", baseURL: api.url, maxRetries: 0 });
const ALL = ["response.completed", "response.failed", "response.cancelled", "response.incomplete"] as const;

async function createEndpoint(fields: Partial<OpenAI.Webhooks.WebhookCreateParams> = {}) {
  const endpoint = await client.webhooks.create({ name: "Test", url: receiver.url, event_types: [...ALL], ...fields });
  return {
    ...endpoint,
    async [Symbol.asyncDispose]() {
      await client.webhooks.delete(endpoint.id).catch(() => {});
    },
  };
}

async function listDeliveries(id: string, query = ""): Promise<WebhookDelivery[]> {
  const page = await send<{ data: WebhookDelivery[] }>(
    "GET",
    `${api.url}/webhook_endpoints/${id}/deliveries${query}`,
    undefined,
    ALPHA,
  );
  return page.body.data;
}

/** The worker records a try after its receiver has answered it. */
async function untilListed(id: string, isDone: (tries: WebhookDelivery[]) => boolean): Promise<WebhookDelivery[]> {
  return await pollUntil(async () => await listDeliveries(id), isDone);
}

const complete = async (headers = ALPHA) => (await create(api.url, simulate({ tokens: 1, delay_ms: 0 }), headers)).id;

test("each end of a background response is sent, signed for both client lines", async () => {
  await using endpoint = await createEndpoint();
  const completed = await complete();
  const failed = (await create(api.url, simulate({ error: "server_error", delay_ms: 0 }), ALPHA)).id;
  const incomplete = (await create(api.url, simulate({ tokens: 100, delay_ms: 0 }, { max_output_tokens: 16 }), ALPHA))
    .id;
  const running = (await create(api.url, simulate({ hang: true }), ALPHA)).id;
  await send("POST", `${api.url}/responses/${running}/cancel`, undefined, ALPHA);
  // A foreground response and another project's response have no webhook here.
  await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { background: false }), ALPHA);
  await complete(BETA);

  const tries = await receiver.until(({ length }) => length >= 4);
  const events = await Promise.all(tries.map((each) => unwrap(each, endpoint.signing_secret)));
  expect(new Map(events.map(({ type, data }) => [type, data.id]))).toEqual(
    new Map([
      ["response.completed", completed],
      ["response.failed", failed],
      ["response.incomplete", incomplete],
      ["response.cancelled", running],
    ]),
  );
  for (const [i, event] of events.entries()) {
    expect(event).toMatchObject({ object: "event", id: expect.stringMatching(/^evt_[0-9a-f]{50}$/) });
    expect(Math.abs(event.created_at - Date.now() / 1000)).toBeLessThan(30);
    expect(tries[i]!.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": expect.stringMatching(/^background-responses\//),
      "webhook-id": event.id.replace("evt_", "wh_"),
    });
  }
  const listed = await untilListed(endpoint.id, ({ length }) => length === 4);
  expect(
    listed.every(({ state, attempt, status_code }) => state === "delivered" && attempt === 1 && status_code === 204),
  ).toBe(true);
  expect(new Set(listed.map(({ event_id }) => event_id))).toEqual(new Set(events.map(({ id }) => id)));
  const [first] = await listDeliveries(endpoint.id, "?limit=1");
  expect(await listDeliveries(endpoint.id, `?after=${first!.id}`)).toEqual(listed.slice(1));
  expect(await listDeliveries(endpoint.id, "?order=asc")).toEqual(listed.toReversed());
});

test("a failed try is repeated with the same id and a fresh signature", async () => {
  await using endpoint = await createEndpoint();
  receiver.answer = (response, tried) => (receiver.tries.length < 3 ? answerWith(500) : acknowledge)(response, tried);
  await complete();
  const tries = await receiver.until(({ length }) => length === 3);
  for (const each of tries) await unwrap(each, endpoint.signing_secret);
  expect(new Set(tries.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
  // 100 ms, then 300 ms, each with a fifth of jitter.
  expect(tries[1]!.atMs - tries[0]!.atMs).toBeGreaterThan(75);
  expect(tries[2]!.atMs - tries[1]!.atMs).toBeGreaterThan(235);
  const listed = await untilListed(endpoint.id, ({ length }) => length === 3);
  expect(listed.map(({ state, attempt, status_code }) => [state, attempt, status_code])).toEqual([
    ["delivered", 3, 204],
    ["retrying", 2, 500],
    ["retrying", 1, 500],
  ]);
});

test("the time that a receiver names is respected", async () => {
  await using _endpoint = await createEndpoint();
  receiver.answer = (response, tried) =>
    (receiver.tries.length < 2 ? answerWith(429, { "retry-after": "1" }) : acknowledge)(response, tried);
  await complete();
  const [first, second] = await receiver.until(({ length }) => length === 2);
  expect(second!.atMs - first!.atMs).toBeGreaterThan(950);
});

test("a redirect is a failure and is not followed", async () => {
  await using other = await WebhookReceiver.start();
  await using endpoint = await createEndpoint();
  receiver.answer = answerWith(307, { location: other.url });
  await complete();
  const [tried] = await untilListed(endpoint.id, ({ length }) => length > 0);
  expect(tried).toMatchObject({ status_code: 307, state: "retrying", error: expect.stringContaining("not followed") });
  expect(other.tries).toEqual([]);
});

test("410 ends the event and disables the endpoint until its URL is set", async () => {
  await using endpoint = await createEndpoint();
  receiver.answer = answerWith(410);
  await complete();
  const [tried] = await untilListed(endpoint.id, ({ length }) => length > 0);
  expect(tried).toMatchObject({ status_code: 410, state: "failed", next_attempt_at: null });
  await worker.line(
    ({ msg, endpointId }) => msg === "Webhook endpoint disabled" && endpointId === endpoint.id,
    "a line",
  );
  expect(await client.webhooks.retrieve(endpoint.id)).toMatchObject({ status: "disabled", disabled_reason: "gone" });
  receiver.answer = acknowledge;
  await pollToEnd(api.url, await complete(), ALPHA);
  expect(await client.webhooks.update(endpoint.id, { name: "Renamed" })).toMatchObject({ status: "disabled" });
  expect(await client.webhooks.update(endpoint.id, { url: receiver.url })).toMatchObject({ status: "enabled" });
  const id = await complete();
  const tries = await receiver.until(({ length }) => length === 2);
  expect((await unwrap(tries[1]!, endpoint.signing_secret)).data.id).toBe(id);
});

test("a hanging receiver is left after the timeout", async () => {
  await using endpoint = await createEndpoint();
  receiver.answer = hang;
  await complete();
  const [tried] = await untilListed(endpoint.id, ({ length }) => length > 0);
  expect(tried).toMatchObject({ state: "retrying", status_code: null, error: "The server did not answer in time." });
});

test("an endless answer costs nothing but its status", async () => {
  await using endpoint = await createEndpoint();
  receiver.answer = (response) => {
    response.writeHead(200);
    const write = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", write);
    write();
  };
  await complete();
  const [tried] = await untilListed(endpoint.id, ({ length }) => length > 0);
  expect(tried).toMatchObject({ state: "delivered", status_code: 200 });
  expect(tried!.duration_ms).toBeLessThan(2_000);
});

test("later tries use the endpoint as it is then", async () => {
  await using endpoint = await createEndpoint();
  await using moved = await WebhookReceiver.start();
  receiver.answer = answerWith(500);
  const id = await complete();
  await receiver.until(({ length }) => length >= 1);
  const rotated = await client.webhooks.rotateSecret(endpoint.id);
  await client.webhooks.update(endpoint.id, { url: moved.url });
  const [tried] = await moved.until(({ length }) => length === 1);
  expect((await unwrap(tried!, rotated.signing_secret)).data.id).toBe(id);
  await expect(unwrap(tried!, endpoint.signing_secret)).rejects.toThrow("does not match");
});

test("an old secret that is kept signs too", async () => {
  await using endpoint = await createEndpoint();
  const first = await client.webhooks.rotateSecret(endpoint.id, { keep_old_secret_active_for_24_hours: true });
  const second = await client.webhooks.rotateSecret(endpoint.id, { keep_old_secret_active_for_24_hours: true });
  await complete();
  const [tried] = await receiver.until(({ length }) => length === 1);
  for (const { signing_secret } of [endpoint, first, second]) await unwrap(tried!, signing_secret);
  expect(String(tried!.headers["webhook-signature"]).split(" ")).toHaveLength(3);
});

test("a deleted endpoint gets no further try", async () => {
  await using other = await createEndpoint();
  const deleted = await createEndpoint({ url: `${receiver.url}deleted` });
  receiver.answer = (response, tried) => (tried.path === "/deleted" ? answerWith(500) : acknowledge)(response, tried);
  await complete();
  await receiver.until((tries) => tries.some(({ path }) => path === "/deleted"));
  await client.webhooks.delete(deleted.id);
  const before = receiver.tries.filter(({ path }) => path === "/deleted").length;
  const id = await complete();
  await receiver.until((tries) => tries.some(({ path, body }) => path === "/" && body.includes(id)));
  await untilListed(other.id, ({ length }) => length === 2);
  // A try may have been on its way when the endpoint was deleted.
  expect(receiver.tries.filter(({ path }) => path === "/deleted").length).toBeLessThanOrEqual(before + 1);
});

test("a test sends a signed sample and answers with the receiver's status", async () => {
  await using endpoint = await createEndpoint({ event_types: ["response.failed"] });
  for (const status of [204, 301, 500]) {
    receiver.answer = answerWith(status);
    expect(await client.webhooks.test(endpoint.id, { event_type: "response.cancelled" })).toEqual({
      object: "webhook_endpoint.test",
      event_type: "response.cancelled",
      status_code: status,
      success: true,
      webhook_endpoint_id: endpoint.id,
    });
  }
  expect(receiver.tries).toHaveLength(3);
  expect(await unwrap(receiver.tries[0]!, endpoint.signing_secret)).toMatchObject({ type: "response.cancelled" });
  receiver.answer = hang;
  await expect(client.webhooks.test(endpoint.id, { event_type: "response.failed" })).rejects.toMatchObject({
    status: 400,
    code: "webhook_test_failed",
  });
  await expect(client.webhooks.test(endpoint.id, { event_type: "batch.completed" })).rejects.toMatchObject({
    status: 400,
    param: "event_type",
    code: "invalid_value",
  });
});

test("an endpoint that fails for long is disabled", { timeout: 30_000 }, async () => {
  await using endpoint = await createEndpoint();
  receiver.answer = answerWith(500);
  await complete();
  const tries = await untilListed(endpoint.id, ({ length }) => length === 5);
  expect(tries[0]!.attempt).toBe(5);
  await worker.line(
    ({ msg, endpointId, reason }) =>
      msg === "Webhook endpoint disabled" && endpointId === endpoint.id && reason === "failing",
    "a line",
  );
  expect(await client.webhooks.retrieve(endpoint.id)).toMatchObject({ status: "disabled", disabled_reason: "failing" });
});

test("an endpoint of the operator gets the events of its project", async () => {
  const id = await complete(GAMMA);
  const tries = await receiver.until((all) => all.some(({ path }) => path === "/operator"));
  const [tried, ...others] = tries.filter(({ path }) => path === "/operator");
  expect((await unwrap(tried!, OPERATORS_SECRET)).data.id).toBe(id);
  expect(others).toEqual([]);
  expect(JSON.stringify([...api.lines, ...worker.lines])).not.toContain(OPERATORS_SECRET.slice("whsec_".length));
});

test("an address of the inner network is not contacted", async () => {
  const inner = createServer();
  let connections = 0;
  inner.on("connection", () => (connections += 1));
  inner.listen(0, "::1");
  await once(inner, "listening");
  const { port } = inner.address() as AddressInfo;
  await using endpoint = await createEndpoint({ url: `http://[::1]:${port}/` });
  await expect(client.webhooks.test(endpoint.id, { event_type: "response.failed" })).rejects.toMatchObject({
    code: "webhook_test_failed",
    message: expect.stringContaining("not a public one"),
  });
  expect(connections).toBe(0);
  inner.close();
});

test("no line of the log has a URL or a secret of an endpoint", async () => {
  await using endpoint = await createEndpoint({ url: `${receiver.url}secret-path` });
  receiver.answer = answerWith(500);
  await complete();
  await untilListed(endpoint.id, ({ length }) => length > 0);
  const log = JSON.stringify([...api.lines, ...worker.lines]);
  expect(log).toContain(endpoint.id);
  expect(log).not.toContain("secret-path");
  expect(log).not.toContain(endpoint.signing_secret.replace("whsec_", ""));
});
