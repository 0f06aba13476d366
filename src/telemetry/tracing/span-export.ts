/**
 * The way of ended spans to the collector. It must never slow or stop the server: spans wait in a bounded queue, a span
 * beyond it is dropped, and one that the collector did not take is lost. Lost spans are counted and logged.
 */
import { type Context, diag, DiagLogLevel, TraceFlags } from "@opentelemetry/api";
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanExporter,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "pino";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { LossLog } from "./loss-log.ts";
import { TRACES_LIMIT_MS, type Tracing } from "./tracing.ts";

/** Counts what waits, so that it knows of every drop. Batches, intervals and retries are the SDK's. */
export class SpanExport implements SpanProcessor, Tracing {
  readonly #batches: BatchSpanProcessor;
  readonly #losses: LossLog;
  readonly #maxWaiting: number;
  #waiting = 0;

  constructor(config: Config, logger: Logger) {
    this.#losses = new LossLog(logger);
    this.#maxWaiting = config.OTEL_BSP_MAX_QUEUE_SIZE;
    this.#batches = new BatchSpanProcessor({
      exporter: this.#countExports(openExporter(logger)),
      maxQueueSize: this.#maxWaiting,
      maxExportBatchSize: Math.min(config.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, this.#maxWaiting),
      scheduledDelayMillis: config.OTEL_BSP_SCHEDULE_DELAY,
    });
  }

  onStart(span: Span, parent: Context): void {
    this.#batches.onStart(span, parent);
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= this.#maxWaiting) {
      this.#losses.add(1, "the queue was full");
      return;
    }
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#batches.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#batches.shutdown();
  }

  /** What is not sent within the limit is lost. */
  async stop(): Promise<void> {
    // A batch that fails is counted where it is exported.
    const sent = this.shutdown().catch(() => {});
    await Promise.race([sent, delay(TRACES_LIMIT_MS, undefined, { ref: false })]);
    this.#losses.add(this.#waiting, "the process stopped");
    this.#losses.close();
  }

  #countExports(exporter: SpanExporter): SpanExporter {
    return {
      export: (spans, done) => {
        const finish = (result: ExportResult): void => {
          this.#waiting -= spans.length;
          if (result.code !== ExportResultCode.SUCCESS) this.#losses.add(spans.length, describeFailure(result));
          done(result);
        };
        exporter.export(spans, finish);
      },
      shutdown: () => exporter.shutdown(),
    };
  }
}

function describeFailure({ error }: ExportResult): string {
  return error?.message ? `the collector failed: ${error.message}` : "the collector failed";
}

/** The exporter reads address, headers, timeout, compression and certificates from the environment. */
function openExporter(logger: Logger): SpanExporter {
  const warn = (message: string): void => logger.warn(`Tracing: ${message}`);
  const ignore = (): void => {};
  // Only for its warnings about settings. Later it would log each failed export.
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  try {
    return new OTLPTraceExporter();
  } finally {
    diag.disable();
  }
}
