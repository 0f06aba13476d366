/** Webhook endpoints, through the official client. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI from "openai";
import { afterAll, expect, test } from "vitest";
import { send } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "webhooks-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "webhooks.json");
const OPERATORS = {
  project: "beta",
  name: "Operator's",
  url: "https://operator.example/hook",
  secret_env: "HOOK_SECRET",
};
writeFileSync(file, JSON.stringify({ endpoints: [OPERATORS] }));

const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001,gamma:key-of-gamma-0001,delta:key-of-delta-0001",
  MAX_WEBHOOK_ENDPOINTS_PER_PROJECT: "5",
  WEBHOOKS_FILE: file,
};
const { api, inspector } = await openTestServer(environment);
const clientOf = (apiKey: string) => new OpenAI({ apiKey, baseURL: api.url, maxRetries: 0 });
const [alpha, beta, gamma, delta] = ["alpha-0001", "beta-00001", "gamma-0001", "delta-0001"].map((name) =>
  clientOf(`key-of-${name}`),
) as [OpenAI, OpenAI, OpenAI, OpenAI];

const FIELDS = {
  name: "Reports",
  url: "https://example.com/hook",
  event_types: ["response.completed" as const, "response.failed" as const],
};
const missing = (id: string) => ({
  status: 404,
  error: {
    message: `Webhook endpoint with id '${id}' not found.`,
    type: "invalid_request_error",
    param: null,
    code: null,
  },
});

test("an endpoint is created, read, changed and deleted", async () => {
  const { signing_secret, ...created } = await alpha.webhooks.create(FIELDS);
  expect(created).toEqual({
    id: expect.stringMatching(/^whe_[0-9a-f]{50}$/),
    object: "webhook_endpoint",
    created_at: expect.any(Number),
    updated_at: created.created_at,
    ...FIELDS,
    signing_secret_hint: `whsec_...${signing_secret.slice(-4)}`,
    status: "enabled",
    disabled_reason: null,
    read_only: false,
  });
  expect(Buffer.from(signing_secret.replace("whsec_", ""), "base64")).toHaveLength(32);
  expect(await alpha.webhooks.retrieve(created.id)).toEqual(created);
  expect((await alpha.webhooks.list()).data).toEqual([created]);

  const renamed = await alpha.webhooks.update(created.id, { name: "All reports" });
  expect(renamed).toMatchObject({ name: "All reports", url: FIELDS.url, event_types: FIELDS.event_types });
  const narrowed = await alpha.webhooks.update(created.id, {
    url: "https://example.com/other",
    event_types: ["response.cancelled", "response.cancelled"],
  });
  expect(narrowed).toMatchObject({ url: "https://example.com/other", event_types: ["response.cancelled"] });
  expect(await alpha.webhooks.update(created.id)).toEqual(narrowed);

  expect(await alpha.webhooks.delete(created.id)).toEqual({
    id: created.id,
    object: "webhook_endpoint.deleted",
    deleted: true,
  });
  await expect(alpha.webhooks.retrieve(created.id)).rejects.toMatchObject(missing(created.id));
  await expect(alpha.webhooks.delete(created.id)).rejects.toMatchObject(missing(created.id));
});

test("a rotation replaces the secret", async () => {
  const created = await alpha.webhooks.create(FIELDS);
  const rotated = await alpha.webhooks.rotateSecret(created.id, { keep_old_secret_active_for_24_hours: true });
  expect(rotated.signing_secret).not.toBe(created.signing_secret);
  expect(rotated.signing_secret_hint).toBe(`whsec_...${rotated.signing_secret.slice(-4)}`);
  const again = await alpha.webhooks.rotateSecret(created.id);
  expect(await alpha.webhooks.retrieve(created.id)).toMatchObject({ signing_secret_hint: again.signing_secret_hint });
  await alpha.webhooks.delete(created.id);
});

test("pages list the newest first", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 3; i += 1) ids.unshift((await gamma.webhooks.create({ ...FIELDS, name: `n${i}` })).id);
  const seen: string[] = [];
  for await (const { id } of gamma.webhooks.list({ limit: 2 })) seen.push(id);
  expect(seen).toEqual(ids);
  await expect(gamma.webhooks.list({ after: "whe_nobody" })).rejects.toMatchObject({ status: 400, param: "after" });
  await expect(gamma.webhooks.list({ limit: 101 })).rejects.toMatchObject({ code: "integer_above_max_value" });
});

test("the number of endpoints has a limit", async () => {
  const made = await Promise.allSettled(Array.from({ length: 9 }, () => delta.webhooks.create(FIELDS)));
  expect(made.filter(({ status }) => status === "fulfilled")).toHaveLength(5);
  await expect(delta.webhooks.create(FIELDS)).rejects.toMatchObject({
    status: 400,
    code: "webhook_endpoint_limit_reached",
  });
});

test("the events of this server are listed", async () => {
  expect(await alpha.webhooks.eventTypes.list()).toEqual({
    object: "list",
    data: ["response.completed", "response.failed", "response.cancelled", "response.incomplete"],
  });
});

const REJECTED: [string, object, object][] = [
  [
    "an event of other servers",
    { event_types: ["batch.completed"] },
    { param: "event_types[0]", code: "invalid_value" },
  ],
  ["no events", { event_types: [] }, { param: "event_types", code: "array_below_min_length" }],
  ["an empty name", { name: "" }, { param: "name", code: "string_below_min_length" }],
  ["a URL without encryption", { url: "http://example.com" }, { param: "url", code: "invalid_value" }],
  ["a URL with a password", { url: "https://a:b@example.com" }, { param: "url", code: "invalid_value" }],
  ["a word as URL", { url: "example" }, { param: "url", code: "invalid_value" }],
  ["an unknown field", { event_type: [] }, { param: "event_type", code: "unknown_parameter" }],
];

test.each(REJECTED)("%s is rejected", async (_name, fields, error) => {
  const headers = { authorization: "Bearer key-of-alpha-0001" };
  const created = await send("POST", `${api.url}/webhook_endpoints`, { ...FIELDS, ...fields }, headers);
  expect(created).toMatchObject({ status: 400, body: { error: { type: "invalid_request_error", ...error } } });
  const { id } = (await gamma.webhooks.list({ limit: 1 })).data[0]!;
  const updated = await send("POST", `${api.url}/webhook_endpoints/${id}`, fields, {
    authorization: "Bearer key-of-gamma-0001",
  });
  expect(updated).toMatchObject({ status: 400, body: { error } });
});

test("an operator's endpoint is listed and cannot be changed", async () => {
  const [listed, ...others] = (await beta.webhooks.list()).data;
  expect(others).toEqual([]);
  expect(listed).toMatchObject({
    url: OPERATORS.url,
    name: OPERATORS.name,
    signing_secret_hint: null,
    read_only: true,
  });
  expect(listed!.event_types).toHaveLength(4);
  const readOnly = { status: 400, code: "webhook_endpoint_read_only" };
  await expect(beta.webhooks.update(listed!.id, { name: "Mine" })).rejects.toMatchObject(readOnly);
  await expect(beta.webhooks.rotateSecret(listed!.id)).rejects.toMatchObject(readOnly);
  await expect(beta.webhooks.delete(listed!.id)).rejects.toMatchObject(readOnly);
  await expect(alpha.webhooks.retrieve(listed!.id)).rejects.toMatchObject(missing(listed!.id));
});

test("another project's endpoint is an unknown endpoint", async () => {
  const { id } = (await gamma.webhooks.list({ limit: 1 })).data[0]!;
  const before = await gamma.webhooks.retrieve(id);
  const requests = [
    () => alpha.webhooks.retrieve(id),
    () => alpha.webhooks.update(id, { name: "Mine" }),
    () => alpha.webhooks.rotateSecret(id),
    () => alpha.webhooks.test(id, { event_type: "response.failed" }),
    () => alpha.webhooks.delete(id),
    () => alpha.get(`/webhook_endpoints/${id}/deliveries`),
  ];
  for (const request of requests) await expect(request()).rejects.toMatchObject(missing(id));
  expect(await gamma.webhooks.retrieve(id)).toEqual(before);
  await expect(alpha.webhooks.retrieve("foo")).rejects.toMatchObject({ status: 400, param: "webhook_endpoint_id" });
});

test("no secret is in Redis or in the log", async () => {
  const { id, signing_secret } = await alpha.webhooks.create(FIELDS);
  const rotated = await alpha.webhooks.rotateSecret(id, { keep_old_secret_active_for_24_hours: true });
  const stored = await inspector.dumpAll();
  expect(stored).toContain(id);
  for (const secret of [signing_secret, rotated.signing_secret]) {
    const bare = secret.replace("whsec_", "");
    expect(stored).not.toContain(bare);
    expect(JSON.stringify(api.lines)).not.toContain(bare);
  }
});
