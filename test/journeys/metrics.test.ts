/** Scrapes of real processes while responses run, retry, fail, call tools, wait and end. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findFreePort, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { type Scrape, scrape } from "../support/metrics.ts";
import { readAlertExpressions, readDashboardExpressions } from "../support/operations-files.ts";
import { readSelectors } from "../support/promql.ts";
import { pollUntil } from "../support/poll-until.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { answerWith, hang, WebhookReceiver } from "../support/webhook-receiver.ts";
import {
  answerError,
  completed,
  created,
  message,
  startUpstreamServer,
  streamAndEnd,
} from "../support/upstream-server.ts";

const USAGE = {
  input_tokens: 1_000,
  input_tokens_details: { cached_tokens: 200, cache_write_tokens: 0 },
  output_tokens: 500,
  output_tokens_details: { reasoning_tokens: 100 },
  total_tokens: 1_500,
};
const busy = answerError(503, { message: "Busy.", code: "server_error", type: "server_error" });
const invalid = answerError(400, { message: "No.", code: "invalid_prompt", type: "invalid_request_error" });
const answer = streamAndEnd(created(), ...message(0, "msg_1", ["One ", "two."]), completed({ usage: USAGE }));

/** One call that is retried, one that fails; then every call fails. */
const lab = await startUpstreamServer(busy, answer, invalid);
const folder = await mkdtemp(join(tmpdir(), "journey-metrics-"));
const PROVIDERS_FILE = join(folder, "providers.json");
const prices = { egret: { input: 10, output: 100 } };
const provider = { kind: "openai-responses", base_url: lab.url, prices };
await writeFile(PROVIDERS_FILE, JSON.stringify({ providers: { lab: provider } }));
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const receiver = await WebhookReceiver.start(answerWith(500));
afterAll(async () => await receiver[Symbol.asyncDispose]());

const TOKEN = "token-of-prometheus";
const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha",
  METRICS_TOKEN: TOKEN,
  METRICS_PORT: String(await findFreePort()),
  WORKER_PORT: String(await findFreePort()),
  PROVIDERS_FILE,
  DRAIN_GRACE_MS: "0",
  FETCH_ALLOWED_HOSTS: new URL(receiver.url).host,
  WEBHOOKS_ALLOW_HTTP: "true",
};
const ALPHA = { authorization: "Bearer key-of-alpha" };
const WORKER_URL = `http://127.0.0.1:${environment.WORKER_PORT}`;
const server = await openTestServerWithWorker(environment);
const { api } = server;
const API_URL = api.url.replace("/v1", "");

const scrapeApi = async () => await scrape(API_URL, TOKEN);
const scrapeWorker = async () => await scrape(WORKER_URL, TOKEN);
/** A process counts a run after its client has seen the end. */
const untilCounted = async (isCounted: (scraped: Scrape) => boolean) => await pollUntil(scrapeWorker, isCounted);

/** Responses that a worker ended, not a client. */
const endedBySelf = (scraped: Scrape): number =>
  scraped.sum("responses_ended_total", { status: "completed" }) +
  scraped.sum("responses_ended_total", { status: "failed" });

const ask = (model: string) => ({ model, input: "Count.", background: true });
async function runToEnd(body: unknown): Promise<string> {
  const { id } = await create(api.url, body, ALPHA);
  return (await pollToEnd(api.url, id, ALPHA)).status;
}

test("a worker counts runs, calls, retries, tools, tokens and cost", async () => {
  expect(await runToEnd(ask("lab/egret"))).toBe("completed");
  expect(await runToEnd(ask("lab/egret"))).toBe("failed");
  const step = JSON.stringify({ call: "code_interpreter", arguments: { code: "print(6 * 7)" } });
  const tools = [{ type: "code_interpreter", container: { type: "auto" } }];
  expect(await runToEnd({ ...simulate({ "step.1": step }), tools })).toBe("completed");
  const { id } = await create(api.url, simulate({ hang: true }), ALPHA);
  await untilCounted((scraped) => scraped.sum("worker_slots_used", { queue: "background" }) === 1);
  await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ALPHA);

  const scraped = await untilCounted((each) => endedBySelf(each) === 3 && each.sum("worker_slots_used") === 0);
  const ended = { queue: "background", model: "lab/egret" };
  expect(scraped.sum("responses_ended_total", { ...ended, status: "completed", code: "none" })).toBe(1);
  expect(scraped.sum("responses_ended_total", { ...ended, status: "failed" })).toBe(1);
  expect(scraped.sum("responses_ended_total", { status: "completed", model: "simulator/default" })).toBe(1);
  const durations = { queue: "background", status: "completed" };
  expect(scraped.sum("response_duration_seconds_count", durations)).toBe(2);
  expect(scraped.sum("response_start_seconds_count", { queue: "background" })).toBe(4);
  expect(scraped.sum("response_first_event_seconds_count")).toBeGreaterThanOrEqual(2);
  expect(scraped.sum("attempts_total", { end: "ended" })).toBe(3);
  expect(scraped.sum("attempts_total", { end: "fenced" })).toBe(1);

  expect(scraped.sum("retries_total", { provider: "lab" })).toBe(1);
  expect(scraped.sum("model_call_duration_seconds_count", { model: "lab/egret", status: "completed" })).toBe(1);
  expect(scraped.sum("model_call_duration_seconds_count", { model: "lab/egret", status: "failed" })).toBe(1);
  expect(scraped.sum("model_call_errors_total", { provider: "lab" })).toBe(1);
  expect(scraped.sum("tool_call_duration_seconds_count", { tool: "code_interpreter", outcome: "completed" })).toBe(1);

  const spender = { project: "alpha", model: "lab/egret" };
  for (const [type, count] of Object.entries({ input: 1_000, cached_input: 200, output: 500, reasoning: 100 })) {
    expect(scraped.sum("tokens_total", { ...spender, type })).toBe(count);
  }
  expect(scraped.sum("cost_usd_total", spender)).toBeCloseTo(0.06);
  expect(scraped.sum("events_recorded_total")).toBeGreaterThan(20);
  expect(scraped.sum("worker_slots", { queue: "foreground" })).toBe(50);
  expect(scraped.sum("build_info", { process: "worker" })).toBe(1);
});

test("an API process counts requests, streams and refused bodies", async () => {
  const { id } = await create(api.url, simulate({ hang: true }, { stream: false }), ALPHA);
  const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
  const leaving = new AbortController();
  const stream = subscribe(api.url, id, { headers: ALPHA, signal: leaving.signal, onEvent: () => begin() });
  await hasBegun;
  const open = await pollUntil(scrapeApi, (scraped) => scraped.sum("streams_open") === 1);
  expect([open.sum("stream_followers"), open.sum("stream_held_bytes")]).toEqual([1, 0]);
  expect(open.sum("events_delivered_total")).toBeGreaterThan(0);
  leaving.abort();
  await stream.catch(() => {});
  await pollUntil(scrapeApi, (scraped) => scraped.sum("streams_open") === 0);
  await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ALPHA);

  await send("POST", `${api.url}/responses`, '{"model":', ALPHA);
  await send("POST", `${api.url}/responses`, `${"[".repeat(300)}${"]".repeat(300)}`, ALPHA);
  await send("GET", `${API_URL}/v5/responses/resp_unknown`, undefined, ALPHA);
  const scraped = await pollUntil(
    scrapeApi,
    (each) =>
      each.sum("http_request_duration_seconds_count", { route: "/responses/:response_id", status: "404" }) === 1,
  );
  expect(scraped.sum("request_bodies_refused_total", { reason: "malformed" })).toBe(1);
  expect(scraped.sum("request_bodies_refused_total", { reason: "too_deep" })).toBe(1);
  const post = { method: "POST", route: "/responses" };
  expect(scraped.sum("http_request_duration_seconds_count", { ...post, status: "400" })).toBe(2);
  expect(scraped.sum("http_request_duration_seconds_count", { ...post, status: "200" })).toBeGreaterThan(0);
  expect(scraped.sum("http_answers_cut_off_total", { route: "/responses/:response_id" })).toBe(1);
  expect(scraped.sum("responses_accepted_total", { queue: "background", class: "default" })).toBeGreaterThan(0);
  // The process that removes a cancelled response from the in-flight set counts its end.
  const cancelled = async () => {
    const both = await Promise.all([scrapeApi(), scrapeWorker()]);
    return both.reduce((sum, each) => sum + each.sum("responses_ended_total", { status: "cancelled" }), 0);
  };
  expect(await pollUntil(cancelled, (count) => count >= 2)).toBe(2);
});

test("both processes show the queues, the workers and Redis", async () => {
  for (const scraped of [await scrapeApi(), await scrapeWorker()]) {
    expect(scraped.sum("workers", { queue: "background" })).toBe(1);
    expect(scraped.sum("queue_waiting")).toBe(0);
    expect(scraped.sum("redis_up")).toBe(1);
    expect(scraped.sum("redis_ping_seconds")).toBeGreaterThan(0);
    expect(scraped.sum("redis_memory_used_bytes")).toBeGreaterThan(100_000);
    expect(scraped.text).toContain("nodejs_eventloop_lag_p99_seconds");
  }
});

test("both processes show the webhooks that wait for another try or are with a worker", async () => {
  const fields = { name: "Test", url: receiver.url, event_types: ["response.completed"] };
  const endpoint = await send<{ id: string }>("POST", `${api.url}/webhook_endpoints`, fields, ALPHA);
  const runOne = async () => await runToEnd(simulate({ tokens: 1, delay_ms: 0 }));
  const untilShown = async (state: string) => {
    for (const read of [scrapeApi, scrapeWorker]) {
      const scraped = await pollUntil(read, (each) => each.sum(`webhook_queue_${state}`) === 1);
      expect(scraped.sum("webhook_queue_waiting")).toBe(0);
      expect(scraped.sum("webhook_outbox_entries")).toBe(0);
    }
  };
  await runOne();
  await untilShown("delayed");
  receiver.answer = hang;
  await runOne();
  await untilShown("active");
  await send("DELETE", `${api.url}/webhook_endpoints/${endpoint.body.id}`, undefined, ALPHA);
});

test("clients cannot add values to labels", async () => {
  const names = Array.from({ length: 30 }, (_, i) => `hostile-${i}`);
  for (const name of names) {
    await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { model: `simulator/${name}` }), ALPHA);
    await create(api.url, ask(`lab/${name}`), ALPHA);
    await send(`GET`, `${API_URL}/${name}`);
  }
  const scraped = await untilCounted((each) => each.sum("responses_ended_total", { model: "lab/other" }) === 30);
  expect(scraped.valuesOf("responses_ended_total", "model")).toEqual([
    "lab/egret",
    "lab/other",
    "simulator/default",
    "simulator/other",
  ]);
  expect(scraped.text).not.toContain("hostile");
  const ofApi = await scrapeApi();
  expect(ofApi.text).not.toContain("hostile");
  expect(ofApi.sum("http_request_duration_seconds_count", { route: "none", status: "404" })).toBe(30);
});

test("the dashboard and the alerts use metrics and labels that exist", async () => {
  const scrapes = [await scrapeApi(), await scrapeWorker()];
  const names = new Set(scrapes.flatMap(({ metricNames }) => metricNames));
  const labelsOf = (metric: string) =>
    scrapes
      .flatMap(({ samples }) => samples.filter(({ name }) => name === metric))
      .flatMap(({ labels }) => Object.keys(labels));
  for (const { where, expression } of [...(await readDashboardExpressions()), ...(await readAlertExpressions())]) {
    for (const { metric, labels } of readSelectors(expression)) {
      const known = new Set(labelsOf(metric));
      const missing = labels.filter((label) => !known.has(label));
      expect({ where, metric, exists: names.has(metric), missing }).toEqual({
        where,
        metric,
        exists: true,
        missing: [],
      });
    }
  }
});

test("the guide lists exactly the metrics that exist", async () => {
  const scrapes = [await scrapeApi(), await scrapeWorker()];
  const served = scrapes.flatMap(({ text }) => [...text.matchAll(/^# TYPE (background_responses_\w+) /gm)]);
  const guide = await readFile(new URL("../../docs/operations/metrics.md", import.meta.url), "utf8");
  const listed = [...guide.matchAll(/^\| `(background_responses_\w+)`/gm)];
  const namesOf = (matches: RegExpMatchArray[]) => new Set(matches.map(([, name]) => name));
  expect(namesOf(listed)).toEqual(namesOf(served));
});

test("a lost worker is a stall and a recovery", async () => {
  const { id } = await create(api.url, simulate({ tokens: 40, delay_ms: 100 }), ALPHA);
  await untilCounted((scraped) => scraped.sum("worker_slots_used", { queue: "background" }) === 1);
  server.worker.kill("SIGKILL");
  await server.worker.exited;
  server.worker = await startWorker(environment);
  await untilCounted((scraped) => scraped.sum("recoveries_total") === 1);
  const scraped = await untilCounted((each) => each.sum("stalls_total") > 0);
  expect(scraped.sum("stalls_total", { queue: "foreground" })).toBe(0);
  await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ALPHA);
});

test("metrics need the token on every port", async () => {
  for (const url of [API_URL, WORKER_URL, `http://127.0.0.1:${environment.METRICS_PORT}`]) {
    expect((await scrape(url, TOKEN)).samples.length).toBeGreaterThan(50);
    for (const [authorization, text] of [
      ["", "You didn't provide an API key."],
      ["Bearer wrong-token-of-nobody", "Incorrect API key provided: wro***dy."],
      ["Bearer key-of-alpha", "Incorrect API key provided: ***."],
    ] as const) {
      const refused = await send<object>("GET", `${url}/metrics`, undefined, { authorization });
      expect(refused).toMatchObject({ status: 401, body: { error: { message: expect.stringContaining(text) } } });
    }
  }
  expect((await send("GET", `${api.url}/models`, undefined, { authorization: `Bearer ${TOKEN}` })).status).toBe(401);
});

test("a port of its own serves metrics alone", async () => {
  const METRICS_PORT = String(await findFreePort());
  await using other = await startApi({ KEY_PREFIX: environment.KEY_PREFIX, METRICS_PORT });
  const url = `http://127.0.0.1:${METRICS_PORT}`;
  expect((await scrape(url)).sum("build_info", { process: "api" })).toBe(1);
  expect((await fetch(`${url}/v1/models`)).status).toBe(404);
  expect((await send("GET", other.url.replace("/v1", "/metrics"))).status).toBe(404);
});

test("without either setting there are no metrics", async () => {
  const WORKER_PORT = String(await findFreePort());
  const settings = { KEY_PREFIX: uniquePrefix(), WORKER_PORT };
  await using plain = await startApi(settings);
  await using _worker = await startWorker(settings);
  expect((await send("GET", plain.url.replace("/v1", "/metrics"))).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${WORKER_PORT}/metrics`)).status).toBe(404);
});

test("a scrape answers while Redis is away", async () => {
  const redis = await startPrivateRedis({ dataDir: join(folder, "redis") });
  try {
    const settings = { ...environment, METRICS_PORT: "0", REDIS_URL: redis.url };
    const WORKER_PORT = String(await findFreePort());
    await using other = await startApi(settings);
    await using _worker = await startWorker({ ...settings, WORKER_PORT });
    await redis[Symbol.asyncDispose]();
    for (const url of [other.url.replace("/v1", ""), `http://127.0.0.1:${WORKER_PORT}`]) {
      const scraped = await pollUntil(
        async () => await scrape(url, TOKEN),
        (each) => each.sum("redis_up") === 0,
      );
      // Old values would look like an idle queue.
      expect(scraped.find("queue_waiting")).toEqual([]);
      expect(scraped.find("redis_ping_seconds")).toEqual([]);
    }
  } finally {
    await redis[Symbol.asyncDispose]();
  }
});
