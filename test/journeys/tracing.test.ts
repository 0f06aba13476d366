/** One trace per response: from its request, through every attempt, to the providers and the MCP servers. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { startMcpServer, textResult } from "../support/mcp-server.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../support/otlp-receiver.ts";
import type { ReceivedSpan } from "../support/otlp-messages.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import {
  added,
  type Answer,
  answerError,
  completed,
  created,
  done,
  message,
  startUpstreamServer,
  stream,
  streamAndEnd,
} from "../support/upstream-server.ts";

const TIMEOUT = { timeout: 90_000 };
const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const CLIENT_SPAN = "00f067aa0ba902b7";
const FROM_CLIENT = { traceparent: `00-${TRACE_ID}-${CLIENT_SPAN}-01`, tracestate: "lab=t61rcWkgMzE" };
/** Nothing of these may be in a trace. */
const PRIVATE = ["moonlit prompt", "moonlit argument", "moonlit output", "moonlit answer"];

const folder = await mkdtemp(join(tmpdir(), "background-responses-tracing-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function environmentOf(collector: OtlpReceiver, baseUrl: string, more: Record<string, string> = {}) {
  const prefix = uniquePrefix();
  const path = join(folder, `${prefix}.json`);
  await writeFile(
    path,
    JSON.stringify({ providers: { lab: { kind: "openai-responses", base_url: baseUrl, hosted_tools: [] } } }),
  );
  return {
    KEY_PREFIX: prefix,
    PROVIDERS_FILE: path,
    FETCH_ALLOWED_HOSTS: "127.0.0.1",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: "50",
    LOCK_DURATION_MS: "1000",
    STALLED_INTERVAL_MS: "400",
    ...more,
  };
}

const USAGE = {
  input_tokens: 11,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 7,
  output_tokens_details: { reasoning_tokens: 2 },
  total_tokens: 18,
};

function callLook(): Answer {
  const item = { type: "function_call", id: "fc_1", call_id: "call_1", name: "srv__look" };
  const whole = { ...item, arguments: JSON.stringify({ x: "moonlit argument" }), status: "completed" };
  return streamAndEnd(
    created(),
    added(0, { ...item, arguments: "", status: "in_progress" }),
    done(0, whole),
    completed({ usage: USAGE }),
  );
}

const answerText = streamAndEnd(created(), ...message(0, "msg_1", ["moonlit ", "answer"]), completed({ usage: USAGE }));

const REQUEST = { model: "lab/owl", input: "moonlit prompt", background: true };
const toolOf = (url: string) => ({ type: "mcp", server_label: "srv", server_url: url, require_approval: "never" });

const ofName = (spans: readonly ReceivedSpan[], name: string) => spans.filter((span) => span.name === name);
const eventsOf = (span: ReceivedSpan | undefined) => span?.events.map(({ name }) => name);
const traceparentOf = ({ traceId, spanId }: ReceivedSpan) => `00-${traceId}-${spanId}-01`;

/** Each span's parent is in the trace, and the trace continues the client's. */
function expectWhole(spans: readonly ReceivedSpan[]): void {
  const known = new Set([CLIENT_SPAN, ...spans.map(({ spanId }) => spanId)]);
  expect(spans.filter(({ parentSpanId }) => !known.has(parentSpanId)).map(({ name }) => name)).toEqual([]);
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set([TRACE_ID]));
}

const ofTrace = (spans: readonly ReceivedSpan[]) => spans.filter(({ traceId }) => traceId === TRACE_ID);

test("a client's trace continues to the provider and to the tool", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  await using upstream = await startUpstreamServer(callLook(), answerText);
  const messages: { traceparent: unknown; body: string }[] = [];
  await using mcp = await startMcpServer({
    tools: { look: { annotations: { readOnlyHint: true }, run: () => textResult("moonlit output") } },
    intercept: ({ headers }, _response, body) => {
      messages.push({ traceparent: headers["traceparent"], body });
      return false;
    },
  });
  const environment = await environmentOf(collector, upstream.url);
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, { ...REQUEST, tools: [toolOf(mcp.url)] }, FROM_CLIENT);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect(await Promise.all([api.stop(), worker.stop()])).toEqual([0, 0]);

  const spans = ofTrace(collector.spans);
  expectWhole(spans);
  expect(spans).toHaveLength(5);
  const ours = { "background_responses.project": "default", "background_responses.response.id": id };
  const [post] = ofName(spans, "POST /v1/responses");
  expect(post).toMatchObject({
    kind: "server",
    parentSpanId: CLIENT_SPAN,
    traceState: FROM_CLIENT.tracestate,
    attributes: { ...ours, "http.route": "/v1/responses", "http.response.status_code": 200 },
    resource: { "service.name": "background-responses-api" },
  });
  const [attempt] = ofName(spans, "process background");
  expect(attempt).toMatchObject({
    kind: "consumer",
    parentSpanId: post!.spanId,
    status: "unset",
    attributes: {
      ...ours,
      "messaging.system": "bullmq",
      "messaging.operation.type": "process",
      "messaging.message.id": id,
      "background_responses.attempt": 1,
      "background_responses.attempt.end": "ended",
    },
    resource: { "service.name": "background-responses-worker" },
  });
  expect(eventsOf(attempt)).toEqual(["response ended"]);
  const calls = ofName(spans, "chat owl").toSorted((a, b) => a.startMs - b.startMs);
  for (const [index, call] of calls.entries()) {
    expect(call).toMatchObject({
      kind: "client",
      parentSpanId: attempt!.spanId,
      status: "unset",
      attributes: {
        ...ours,
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "lab",
        "gen_ai.request.model": "owl",
        "gen_ai.response.model": "owl",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.reasoning.output_tokens": 2,
        "server.address": "127.0.0.1",
        "background_responses.turn": index + 1,
      },
    });
  }
  expect(upstream.requests.map(({ headers }) => headers["traceparent"])).toEqual(calls.map(traceparentOf));
  expect(upstream.requests.map(({ headers }) => headers["tracestate"])).toEqual(
    calls.map(() => FROM_CLIENT.tracestate),
  );
  const [tool] = ofName(spans, "execute_tool srv__look");
  expect(tool).toMatchObject({
    kind: "internal",
    parentSpanId: attempt!.spanId,
    status: "unset",
    attributes: {
      ...ours,
      "gen_ai.operation.name": "execute_tool",
      "gen_ai.tool.name": "srv__look",
      "gen_ai.tool.call.id": expect.stringMatching(/^call_/),
      "background_responses.tool": "mcp",
    },
  });
  const called = messages.find(({ body }) => body.includes("tools/call"))!;
  expect(called.traceparent).toBe(traceparentOf(tool!));
  expect(JSON.parse(called.body)).toMatchObject({
    params: { _meta: { ...FROM_CLIENT, traceparent: traceparentOf(tool!) } },
  });
  for (const secret of PRIVATE) expect(JSON.stringify(collector.spans)).not.toContain(secret);

  // The log lines name their spans.
  const posted = api.lines.find(({ msg, method }) => msg === "Request answered" && method === "POST");
  expect(posted).toMatchObject({ trace_id: TRACE_ID, span_id: post!.spanId });
  const ended = worker.lines.find(({ msg }) => msg === "Response ended");
  expect(ended).toMatchObject({ trace_id: TRACE_ID, span_id: attempt!.spanId });
});

/** The second worker that is lost without progress makes the response run alone. */
test.each([
  ["another worker", 1],
  ["a process of its own", 2],
])("a killed worker's run continues in the same trace, in %s", TIMEOUT, async (_, kills) => {
  await using collector = await startOtlpReceiver();
  const asked = Array.from({ length: kills }, () => Promise.withResolvers<void>());
  const hang = asked.map(({ resolve }): Answer => (response) => {
    // Its other side is killed, which breaks the connection, also for requests that were answered on it.
    for (const { closed } of upstream.requests) closed.catch(() => {});
    resolve();
    stream(created())(response);
  });
  await using upstream = await startUpstreamServer(callLook(), ...hang, answerText);
  await using mcp = await startMcpServer();
  const environment = await environmentOf(collector, upstream.url, { ISOLATE_AFTER_LOSSES: "1" });
  await using api = await startApi(environment);
  const { id } = await create(api.url, { ...REQUEST, tools: [toolOf(mcp.url)] }, FROM_CLIENT);
  const killed: string[] = [];
  for (const { promise } of asked) {
    await using worker = await startWorker(environment);
    await promise;
    await collector.until((spans) => {
      const ended = ofName(spans, "process background").length;
      return ended === killed.length && ofName(spans, "execute_tool srv__look").length > 0;
    });
    worker.kill("SIGKILL");
    await worker.exited;
    killed.push(`:${worker.child.pid}`);
  }
  await using worker = await startWorker(environment);
  expect((await pollToEnd(api.url, id)).status).toBe("completed");
  expect(await Promise.all([api.stop(), worker.stop()])).toEqual([0, 0]);

  const spans = ofTrace(collector.spans);
  expectWhole(spans);
  const [post] = ofName(spans, "POST /v1/responses");
  const attempts = ofName(spans, "process background").toSorted((a, b) => a.startMs - b.startMs);
  expect(attempts.map(({ parentSpanId }) => parentSpanId)).toEqual(attempts.map(() => post!.spanId));
  const dead = attempts.slice(0, -1);
  const last = attempts.at(-1)!;
  expect(dead.map(({ attributes }) => attributes["error.type"])).toEqual(killed.map(() => "worker_lost"));
  const workers = dead.map(({ attributes }) => String(attributes["background_responses.worker"]));
  expect(workers.map((name) => name.slice(name.lastIndexOf(":")))).toEqual(killed);
  expect(last.status).toBe("unset");
  expect(eventsOf(last)).toEqual(["recovery", "response ended"]);
  expect(String(last.resource["service.instance.id"]).endsWith(`:${worker.child.pid}`)).toBe(kills === 1);
  expect(ofName(spans, "execute_tool srv__look").map((span) => span.parentSpanId)).toEqual([dead[0]!.spanId]);
  // The calls of killed workers that had not ended were never exported.
  expect(ofName(spans, "chat owl").map((span) => span.parentSpanId)).toEqual([dead[0]!.spanId, last.spanId]);
});

test("a failure has its code and its retries, and no message", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  const error = { message: "moonlit answer", type: "server_error" };
  await using upstream = await startUpstreamServer(answerError(500, error, { "retry-after-ms": "1" }));
  const environment = await environmentOf(collector, upstream.url, { UPSTREAM_MAX_RETRIES: "1" });
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, REQUEST, FROM_CLIENT);
  expect((await pollToEnd(api.url, id)).status).toBe("failed");
  await Promise.all([api.stop(), worker.stop()]);

  const spans = ofTrace(collector.spans);
  expectWhole(spans);
  const [call] = ofName(spans, "chat owl");
  expect(call).toMatchObject({ status: "error", statusMessage: "", attributes: { "error.type": "server_error" } });
  expect(call!.events).toEqual([
    {
      name: "retry",
      attributes: expect.objectContaining({ "error.type": "server_error", "background_responses.retries": 1 }),
    },
  ]);
  expect(new Set(upstream.requests.map(({ headers }) => headers["traceparent"]))).toEqual(
    new Set([traceparentOf(call!)]),
  );
  const [attempt] = ofName(spans, "process background");
  expect(attempt).toMatchObject({ status: "error", attributes: { "error.type": "server_error" } });
  for (const secret of PRIVATE) expect(JSON.stringify(collector.spans)).not.toContain(secret);
});

test("a cancel ends the response in its own trace", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  const environment = await environmentOf(collector, "http://127.0.0.1:9/v1");
  await using api = await startApi(environment);
  const { id } = await create(api.url, simulate({ tokens: 5 }), FROM_CLIENT);
  await send("POST", `${api.url}/responses/${id}/cancel`);
  await api.stop();
  const spans = ofTrace(collector.spans);
  expectWhole(spans);
  const [post] = ofName(spans, "POST /v1/responses");
  expect(ofName(spans, "end response")).toMatchObject([
    {
      parentSpanId: post!.spanId,
      status: "unset",
      attributes: { "background_responses.response.id": id, "background_responses.response.status": "cancelled" },
    },
  ]);
  const [cancel] = ofName(collector.spans, "POST /v1/responses/:response_id/cancel");
  expect(cancel!.traceId).not.toBe(TRACE_ID);
});

test("nothing is passed on while tracing is off", TIMEOUT, async () => {
  await using collector = await startOtlpReceiver();
  await using upstream = await startUpstreamServer(answerText);
  const environment = await environmentOf(collector, upstream.url, { OTEL_SDK_DISABLED: "true" });
  await using api = await startApi(environment);
  await using _worker = await startWorker(environment);
  const { id } = await create(api.url, REQUEST, FROM_CLIENT);
  await pollToEnd(api.url, id);
  expect(upstream.requests[0]!.headers).not.toHaveProperty("traceparent");
  expect(upstream.requests[0]!.headers).not.toHaveProperty("tracestate");
  expect(collector.requests).toEqual([]);
});
