/** The collector of traces: what it gets, and that nothing depends on it. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { startOtlpReceiver } from "../support/otlp-receiver.ts";
import { type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const loaded = ({ lines }: ServerProcess): string[] => lines.flatMap(({ msg }) => /^loads (\S+)/.exec(msg)?.[1] ?? []);
const reportLoaded = { NODE_OPTIONS: `--import=${join(import.meta.dirname, "../support/report-loaded-modules.ts")}` };

async function runOne(environment: Record<string, string>) {
  await using api = await startApi(environment);
  await using worker = await startWorker(environment);
  const { id } = await create(api.url, simulate({ tokens: 5 }), {
    traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  });
  const ended = await pollToEnd(api.url, id);
  const stopped = performance.now();
  const exits = await Promise.all([api.stop(), worker.stop()]);
  return { api, worker, id, ended, exits, stopMs: performance.now() - stopped };
}

describe("without an address of a collector", () => {
  test("no process loads OpenTelemetry", { timeout: 60_000 }, async () => {
    const { api, worker, exits } = await runOne({ KEY_PREFIX: uniquePrefix(), ...reportLoaded });
    expect([...loaded(api), ...loaded(worker)]).toEqual([]);
    expect(exits).toEqual([0, 0]);
  });

  test.each([{ OTEL_SDK_DISABLED: "true" }, { OTEL_TRACES_EXPORTER: "none" }])(
    "%o turns tracing off",
    { timeout: 60_000 },
    async (off) => {
      const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", ...off };
      await using api = await startApi({ KEY_PREFIX: uniquePrefix(), ...reportLoaded, ...environment });
      expect(loaded(api)).toEqual([]);
    },
  );
});

describe("a collector", () => {
  test("gets the operator's headers, attributes and name", { timeout: 60_000 }, async () => {
    await using collector = await startOtlpReceiver();
    const environment = {
      KEY_PREFIX: uniquePrefix(),
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/custom/path`,
      OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=collector%20secret%201",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SERVICE_NAME: "research",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=staging",
      ...reportLoaded,
    };
    const { api } = await runOne(environment);
    expect(loaded(api)).toContain("@opentelemetry/sdk-trace");
    expect(collector.requests[0]!.path).toBe("/custom/path");
    expect(collector.requests[0]!.headers).toMatchObject({
      "x-api-key": "collector secret 1",
      "content-type": "application/x-protobuf",
      "content-encoding": "gzip",
    });
    expect(collector.spans[0]!.resource).toMatchObject({
      "service.name": "research",
      "deployment.environment.name": "staging",
      "telemetry.sdk.language": "nodejs",
    });
  });

  test.each([
    ["hangs", async () => await startOtlpReceiver("hang")],
    ["answers 500", async () => await startOtlpReceiver(500)],
    ["answers 503", async () => await startOtlpReceiver(503)],
    ["is away", async () => ({ url: "http://127.0.0.1:9", [Symbol.asyncDispose]: async () => {} })],
  ])("that %s harms no run and no stop", { timeout: 60_000 }, async (_, start) => {
    await using collector = await start();
    const { api, worker, ended, exits, stopMs } = await runOne({
      KEY_PREFIX: uniquePrefix(),
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "50",
      // Less than the requests of one run: some are dropped while an export hangs.
      OTEL_BSP_MAX_QUEUE_SIZE: "2",
    });
    expect(ended.status).toBe("completed");
    expect(exits).toEqual([0, 0]);
    expect(stopMs).toBeLessThan(5_000);
    const losses = [api, worker].map(({ lines }) => lines.filter(({ msg }) => msg.startsWith("Spans were lost")));
    // At once, and when the process stops.
    expect(losses.map((each) => each.length).every((count) => count >= 1 && count <= 2)).toBe(true);
  });
});

describe("a client's trace context", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const parentId = "b7ad6b7169203331";

  test("is continued if it is valid, and replaced if it is not", { timeout: 60_000 }, async () => {
    await using collector = await startOtlpReceiver();
    const environment = { KEY_PREFIX: uniquePrefix(), OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
    await using api = await startApi(environment);
    const ask = async (path: string, headers: Record<string, string>) =>
      await send("GET", `${api.url}${path}`, undefined, headers);
    await ask("/models", {
      traceparent: `00-${traceId}-${parentId}-01`,
      tracestate: `vendor=one,${"x".repeat(600)}=1`,
    });
    await ask("/responses/resp_unknown", { traceparent: `00-${"0".repeat(32)}-${parentId}-01` });
    await ask("/conversations/conv_unknown", { traceparent: `00-${traceId}-${parentId}-01-more` });
    await ask("/containers", { traceparent: `00-${traceId}-${parentId}-00` });
    await ask("/nothing", {});
    expect(await api.stop()).toBe(0);
    expect(collector.requests[0]!.path).toBe("/v1/traces");
    const [models, response, conversation, unknown] = collector.spans;
    expect(models).toMatchObject({
      traceId,
      parentSpanId: parentId,
      traceState: "vendor=one",
      name: "GET /v1/models",
      kind: "server",
      status: "unset",
      attributes: {
        "http.request.method": "GET",
        "http.route": "/v1/models",
        "http.response.status_code": 200,
        "url.path": "/v1/models",
        "url.scheme": "http",
        "background_responses.project": "default",
      },
      resource: { "service.name": "background-responses-api" },
    });
    expect(response).toMatchObject({
      parentSpanId: "",
      name: "GET /v1/responses/:response_id",
      attributes: { "http.response.status_code": 404 },
      status: "unset",
    });
    expect(conversation).toMatchObject({ parentSpanId: "", name: "GET /v1/conversations/:conversation_id" });
    expect(unknown).toMatchObject({ parentSpanId: "", name: "GET" });
    // Not sampled by its client, and not a span of a health check.
    expect(collector.spans).toHaveLength(4);
    expect(new Set(collector.spans.map((span) => span.traceId)).size).toBe(4);
  });

  test("is ignored without the propagator", { timeout: 60_000 }, async () => {
    await using collector = await startOtlpReceiver();
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_PROPAGATORS: "none" };
    await using api = await startApi({ KEY_PREFIX: uniquePrefix(), ...environment });
    await send("GET", `${api.url}/models`, undefined, { traceparent: `00-${traceId}-${parentId}-01` });
    await api.stop();
    expect(collector.spans).toHaveLength(1);
    expect(collector.spans[0]!.traceId).not.toBe(traceId);
    expect(collector.spans[0]!.parentSpanId).toBe("");
  });
});
