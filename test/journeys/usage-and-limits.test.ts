/** Usage, costs, limits and the audit log of projects, through the official client: two API processes, one worker. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OpenAI } from "openai";
import { chunk, frames } from "../support/ai-sdk.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { startUpstreamServer } from "../support/upstream-server.ts";

const ADMIN = "key-of-the-admin";
const usage = { prompt_tokens: 3, completion_tokens: 7, total_tokens: 10 };
const end = chunk({}, { finish_reason: "stop" });
const upstream = await startUpstreamServer(
  frames(chunk({ content: "It rains." }), end, { ...end, choices: [], usage }),
);
const folder = await mkdtemp(join(tmpdir(), "background-responses-usage-"));
const PROVIDERS_FILE = join(folder, "providers.json");
// Each answer has 3 input tokens and 7 output tokens: 17 cents.
const prices = { qwen3: { input: 10_000, output: 20_000 } };
const lab = { kind: "openai-compatible", base_url: upstream.url, prices };
await writeFile(PROVIDERS_FILE, JSON.stringify({ providers: { lab, free: { ...lab, prices: {} } } }));

const environment = { KEY_PREFIX: uniquePrefix(), ADMIN_KEYS: `ada:${ADMIN}`, PROVIDERS_FILE };
const { api, worker } = await openTestServerWithWorker(environment);
const other = await startApi(environment);
afterAll(async () => {
  await other[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

expectDescribed();
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const { organization } = new OpenAI({ baseURL: api.url, adminAPIKey: ADMIN, apiKey: null, maxRetries: 0 }).admin;
const { projects } = organization;
const MONTH = { currency: "USD", interval: "month" } as const;
const MAIL = { type: "email" as const, recipients: ["ops@example.test"] };

async function openProject() {
  const { id } = await projects.create({ name: "research" });
  const account = await projects.serviceAccounts.create(id, { name: "worker" });
  const headers = bearer(account.api_key!.value);
  const post = async (fields: object = {}, url = api.url) =>
    await send<{ id: string; error?: object }>(
      "POST",
      `${url}/responses`,
      { model: "lab/qwen3", input: "Hello", background: true, ...fields },
      headers,
    );
  /** Resolves once the response has ended and is counted. */
  const run = async (fields: object = {}) => {
    const countCalls = async () => (await usageOf({ project_ids: [id] })).num_model_requests;
    const before = await countCalls();
    const { id: responseId } = (await post(fields)).body;
    await pollToEnd(api.url, responseId, headers);
    await expect.poll(countCalls).toBe(before + 1);
    return responseId;
  };
  return { id, headers, post, run };
}

interface UsageSums {
  input_tokens: number;
  output_tokens: number;
  num_model_requests: number;
}

const NOW = () => Math.floor(Date.now() / 1000);
const YESTERDAY = NOW() - 86_400;

async function usageOf(query: { project_ids: string[] }): Promise<UsageSums> {
  const page = await organization.usage.completions({ start_time: YESTERDAY, ...query });
  const sums = { input_tokens: 0, output_tokens: 0, num_model_requests: 0 };
  for (const { results } of page.data) {
    for (const result of results as UsageSums[]) {
      sums.input_tokens += result.input_tokens;
      sums.output_tokens += result.output_tokens;
      sums.num_model_requests += result.num_model_requests;
    }
  }
  return sums;
}

async function spentCents(project: string): Promise<number> {
  const page = await organization.usage.costs({ start_time: YESTERDAY, project_ids: [project] });
  const amounts = page.data.flatMap(({ results }) => results as { amount: { value: number } }[]);
  return Math.round(amounts.reduce((sum, { amount }) => sum + amount.value, 0) * 100);
}

describe("usage", () => {
  test("is counted by project and model, with its cost", async () => {
    const project = await openProject();
    await project.run();
    await project.run({ model: "free/qwen3" });
    await expect
      .poll(async () => await usageOf({ project_ids: [project.id] }))
      .toEqual({ input_tokens: 6, output_tokens: 14, num_model_requests: 2 });
    const query = { start_time: YESTERDAY, project_ids: [project.id] };
    const page = await organization.usage.completions({ ...query, group_by: ["project_id", "model"] });
    const today = page.data.at(-1)!;
    expect(today).toMatchObject({ object: "bucket", end_time: today.start_time + 86_400 });
    expect(today.results).toEqual(
      ["free/qwen3", "lab/qwen3"].map((model) =>
        expect.objectContaining({ project_id: project.id, model, input_tokens: 3, output_tokens: 7 }),
      ),
    );
    const costs = await organization.usage.costs({ ...query, group_by: ["project_id", "line_item"] });
    expect(costs.data.at(-1)!.results).toEqual([
      {
        object: "organization.costs.result",
        amount: { value: 0.17, currency: "usd" },
        project_id: project.id,
        line_item: "lab/qwen3",
      },
    ]);
    const hourly = await organization.usage.completions({
      ...query,
      bucket_width: "1h",
      models: ["lab/qwen3"],
      limit: 48,
    });
    expect(hourly.data.filter(({ results }) => results.length > 0)).toMatchObject([{ results: [{ input_tokens: 3 }] }]);
  });

  test("comes in pages, without a gap", async () => {
    const start_time = NOW() - 5 * 86_400;
    const first = await organization.usage.completions({ start_time, limit: 4 });
    expect([first.data.length, first.has_more]).toEqual([4, true]);
    const second = await organization.usage.completions({ start_time, limit: 4, page: first.next_page! });
    expect([second.data.length, second.has_more, second.next_page]).toEqual([2, false, null]);
    expect(second.data[0]!.start_time).toBe(first.data.at(-1)!.end_time);
  });

  test.each([
    ["start_time=x", "start_time", "invalid_type"],
    ["", "start_time", "missing_required_parameter"],
    ["start_time=1&bucket_width=1m", "bucket_width", "invalid_value"],
    ["start_time=1&group_by[]=user_id", "group_by[0]", "invalid_value"],
    ["start_time=1&limit=32", "limit", "integer_above_max_value"],
    ["start_time=1&page=7", "page", "invalid_value"],
    ["start_time=1&user_ids[]=x", "user_ids", "unknown_parameter"],
  ])("rejects %j", async (query, param, code) => {
    const answer = await send("GET", `${api.url}/organization/usage/completions?${query}`, undefined, bearer(ADMIN));
    expect(answer).toMatchObject({ status: 400, body: { error: { param, code } } });
  });
});

describe("limits", () => {
  test("apply at once on every process, and null restores the setting's", async () => {
    const project = await openProject();
    const [limit] = await Array.fromAsync(projects.rateLimits.listRateLimits(project.id));
    expect(limit).toMatchObject({ object: "project.rate_limit", model: "*", max_requests_per_1_minute: 0 });
    const path = `${api.url}/organization/projects/${project.id}/rate_limits/${limit!.id}`;
    const update = async (body: object) => await send("POST", path, body, bearer(ADMIN));
    await projects.rateLimits.updateRateLimit(limit!.id, { project_id: project.id, max_requests_per_1_minute: 1 });
    const first = await project.post(simulate({ hang: true }));
    expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect(await project.post(simulate({ hang: true }), other.url)).toMatchObject({
      status: 429,
      body: { error: { type: "requests", code: "rate_limit_exceeded" } },
    });
    await update({ max_requests_per_1_minute: null, max_open_responses: 1 });
    const full = await project.post(simulate({ hang: true }), other.url);
    expect(full).toMatchObject({ status: 429, body: { error: { code: "rate_limit_exceeded" } } });
    await update({ max_open_responses: null, max_stored_bytes: 10 });
    for (const path of ["/responses", "/conversations"]) {
      const body = path === "/responses" ? simulate({}) : { items: [{ role: "user", content: "A long text" }] };
      const stored = await send("POST", `${other.url}${path}`, body, project.headers);
      expect(stored).toMatchObject({ status: 429, body: { error: { code: "insufficient_quota" } } });
    }
    expect((await update({ max_stored_bytes: null })).body).toMatchObject({ max_open_responses: 0 });
    expect((await project.post(simulate({ hang: true }), other.url)).status).toBe(200);
    expect((await update({ max_images_per_1_minute: 1 })).status).toBe(400);
  });

  test("of tokens reject requests until the minute is over", async () => {
    const project = await openProject();
    await projects.rateLimits.updateRateLimit("rl_all_models", { project_id: project.id, max_tokens_per_1_minute: 10 });
    await project.run();
    const rejected = await project.post({}, other.url);
    expect(rejected).toMatchObject({ status: 429, body: { error: { type: "tokens", code: "rate_limit_exceeded" } } });
    expect(Number(rejected.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("of spend reject new responses before they have an id", async () => {
    const project = await openProject();
    const limit = await projects.spendLimit.update(project.id, { ...MONTH, threshold_amount: 17 });
    expect(limit).toMatchObject({ threshold_amount: 17, enforcement: { status: "inactive" } });
    await project.run();
    expect(await projects.spendLimit.retrieve(project.id)).toMatchObject({ enforcement: { status: "enforcing" } });
    const { body, status, headers } = await project.post({}, other.url);
    expect([status, headers.get("x-should-retry")]).toEqual([429, "false"]);
    expect(body).toEqual({
      error: {
        message: "You exceeded your current quota: this project has reached its spend limit of $0.17 for this month.",
        type: "insufficient_quota",
        param: null,
        code: "insufficient_quota",
      },
    });
    expect(await projects.spendLimit.delete(project.id)).toEqual({
      object: "project.spend_limit.deleted",
      deleted: true,
    });
    expect((await project.post()).status).toBe(200);
    await expect(projects.spendLimit.retrieve(project.id)).rejects.toMatchObject({ status: 404 });
  });
});

test("a spend alert is passed once, in the log and in the audit log", async () => {
  const project = await openProject();
  const alert = await projects.spendAlerts.create(project.id, {
    ...MONTH,
    threshold_amount: 30,
    notification_channel: MAIL,
  });
  const query = { project_id: project.id };
  expect(await projects.spendAlerts.retrieve(alert.id, query)).toEqual(alert);
  const changed = await projects.spendAlerts.update(alert.id, {
    ...MONTH,
    ...query,
    threshold_amount: 20,
    notification_channel: MAIL,
  });
  expect(changed.threshold_amount).toBe(20);
  for (let runs = 1; runs <= 3; runs += 1) {
    await project.run();
    await expect.poll(async () => await spentCents(project.id)).toBe(17 * runs);
  }
  const isAlert = (line: { msg: string; [field: string]: unknown }) =>
    line.msg === "Project passed a spend threshold" && line["project"] === project.id;
  const line = await worker.line(isAlert, "the alert");
  expect(line).toMatchObject({ alert: alert.id, thresholdCents: 20 });
  expect(worker.lines.filter(isAlert)).toHaveLength(1);
  const passed = await organization.auditLogs.list({
    project_ids: [project.id],
    event_types: ["spend_alert.passed" as never],
  });
  expect(passed.data).toMatchObject([{ type: "spend_alert.passed", "spend_alert.passed": { id: alert.id } }]);
  expect(await Array.fromAsync(projects.spendAlerts.list(project.id))).toEqual([changed]);
  expect(await projects.spendAlerts.delete(alert.id, query)).toMatchObject({ deleted: true });
  await expect(projects.spendAlerts.retrieve(alert.id, query)).rejects.toMatchObject({ status: 404 });
});

describe("the audit log", () => {
  test("names who cancelled and deleted what, and from where", async () => {
    const project = await openProject();
    const { id } = await create(api.url, simulate({ hang: true }), project.headers);
    const conversation = await send<{ id: string }>("POST", `${api.url}/conversations`, {}, project.headers);
    await send("POST", `${api.url}/responses/${id}/cancel`, undefined, project.headers);
    await send("POST", `${api.url}/responses/${id}/cancel`, undefined, project.headers);
    await send("DELETE", `${api.url}/responses/${id}`, undefined, project.headers);
    await send("DELETE", `${api.url}/conversations/${conversation.body.id}`, undefined, project.headers);
    const { data } = await organization.auditLogs.list({ project_ids: [project.id], limit: 10 });
    expect(data.map(({ type }) => type)).toEqual([
      "conversation.deleted",
      "response.deleted",
      "response.cancelled",
      "api_key.created",
      "service_account.created",
      "project.created",
    ]);
    expect(data[1]).toMatchObject({
      effective_at: expect.any(Number),
      actor: { type: "api_key", name: project.id, ip_address: "127.0.0.1", api_key: { type: "service_account" } },
      project: { id: project.id },
      "response.deleted": { id },
    });
    expect(data.at(-1)).toMatchObject({ actor: { name: "admin:ada", api_key: { type: "user" } } });
    const line = api.lines.find((each) => each.msg === "Audit" && each["resourceId"] === id);
    expect(line).toMatchObject({ audit: "response.cancelled", project: project.id, clientAddress: "127.0.0.1" });
  });

  test("comes in pages, newest first, and can be filtered", async () => {
    const created = [];
    for (let i = 0; i < 5; i += 1) created.push((await projects.create({ name: `p${i}` })).id);
    const query = { event_types: ["project.created" as const], resource_ids: created, limit: 2 };
    const all = await Array.fromAsync(organization.auditLogs.list(query));
    expect(all.map((entry) => entry["project.created"]!.id)).toEqual(created.toReversed());
    const before = await organization.auditLogs.list({ ...query, before: all[3]!.id });
    expect(before.data.map(({ id }) => id)).toEqual([all[1]!.id, all[2]!.id]);
    const { effective_at: at } = all[0]!;
    const later = await organization.auditLogs.list({ ...query, effective_at: { gt: at } });
    expect(later.data).toEqual([]);
    const until = await organization.auditLogs.list({ ...query, effective_at: { gte: at - 60, lte: at } });
    expect(until.data).toHaveLength(2);
  });

  test("rejects a cursor that is no entry", async () => {
    const answer = await send("GET", `${api.url}/organization/audit_logs?after=x`, undefined, bearer(ADMIN));
    expect(answer).toMatchObject({ status: 400, body: { error: { param: "after", code: "invalid_value" } } });
  });
});
