import { pino } from "pino";
import { afterEach, expect, test, vi } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { createOrigin } from "../../../../src/telemetry/tracing/encode-spans.ts";
import { Span } from "../../../../src/telemetry/tracing/span.ts";
import { SpanExport } from "../../../../src/telemetry/tracing/span-export.ts";
import { createSpanId, createTraceId } from "../../../../src/telemetry/tracing/span-ids.ts";
import { type CollectorState, startOtlpReceiver } from "../../../support/otlp-receiver.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

async function openExport(settings: Record<string, string>, state?: CollectorState) {
  const collector = await startOtlpReceiver(state);
  // The exporter of OpenTelemetry reads it from the environment.
  vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url);
  const lines: { msg: string; spans: number; reason: string }[] = [];
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
  const exported = new SpanExport(readConfig(settings), logger, createOrigin({ "service.name": "owl" }, "tests"));
  const end = (name: string): void => {
    const place = {
      traceId: createTraceId(),
      spanId: createSpanId(),
      isSampled: true,
      traceState: "",
      isRemote: false,
    };
    new Span(place, undefined, { name }, exported.add).end({});
  };
  return { collector, exported, end, lines, [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose]() };
}

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `span ${i}`);

test("a full batch is sent at once, the rest when the process stops", async () => {
  await using opened = await openExport({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10" });
  const { collector, exported, end, lines } = opened;
  namesOf(25).forEach(end);
  await collector.until((spans) => spans.length === 20);
  await exported.stop();
  expect(collector.spans.map(({ name }) => name)).toEqual(namesOf(25));
  expect(collector.requests).toHaveLength(3);
  expect(lines).toEqual([]);
});

test("a batch that is not full is sent after the interval", async () => {
  await using opened = await openExport({ OTEL_BSP_SCHEDULE_DELAY: "20" });
  const { collector, exported, end } = opened;
  end("first");
  await collector.until((spans) => spans.length === 1);
  end("second");
  await collector.until((spans) => spans.length === 2);
  await exported.stop();
  expect(collector.requests).toHaveLength(2);
});

test("a process that stops sends its last batches side by side", async () => {
  await using opened = await openExport({ OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "1" }, { together: 4 });
  const { collector, exported, end, lines } = opened;
  namesOf(4).forEach(end);
  await exported.stop();
  expect(collector.spans).toHaveLength(4);
  expect(lines).toEqual([]);
});

test("spans beyond the queue are lost and counted", async () => {
  await using opened = await openExport({ OTEL_BSP_MAX_QUEUE_SIZE: "4", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "2" }, "hang");
  const { exported, end, lines } = opened;
  namesOf(9).forEach(end);
  await exported.stop();
  const reasons = lines.map(({ spans, reason }) => [spans, reason]);
  expect(reasons[0]).toEqual([1, "the queue was full"]);
  // Four more that were dropped, and four that wait.
  expect(reasons.slice(1)).toEqual([[8, "the process stopped"]]);
});

test("a span that the collector rejects is counted", async () => {
  await using opened = await openExport({}, "rejects");
  const { exported, end, lines } = opened;
  namesOf(3).forEach(end);
  await exported.stop();
  expect(lines).toMatchObject([{ msg: "Spans were lost; responses are not affected", spans: 1 }]);
});

test("a failed export is counted, and the next one is sent", async () => {
  await using opened = await openExport({ OTEL_BSP_SCHEDULE_DELAY: "20" }, 400);
  const { collector, exported, end, lines } = opened;
  end("first");
  await vi.waitUntil(() => lines.length === 1);
  end("second");
  await exported.stop();
  expect(collector.requests).toHaveLength(2);
  expect(lines.map(({ spans }) => spans)).toEqual([1, 1]);
});
