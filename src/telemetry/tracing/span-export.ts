/**
 * The way of ended spans to the collector. It must never slow or stop the server: spans wait in a bounded queue, a span
 * beyond it is dropped, and one that the collector did not take is lost. Lost spans are counted and logged. A span is
 * encoded when it ends, so that a batch costs no long work at once and keeps no objects alive.
 */
import { type ExportResult, ExportResultCode } from "@opentelemetry/core";
import type { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import type { Logger } from "pino";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../../config/config.ts";
import { SpanBatch, type SpanOrigin } from "./encode-spans.ts";
import { LossLog } from "./loss-log.ts";
import { openExporter } from "./open-exporter.ts";
import type { Span } from "./span.ts";
import { TRACES_LIMIT_MS, type Tracing } from "./tracing.ts";

/** Some times the usual size of a full batch. Larger memory is given back. */
const MAX_SPARE_BYTES = 1_048_576;
/** A process that stops has little time, so it sends its last batches side by side. */
const SENDERS_AT_STOP = 8;

export class SpanExport implements Tracing {
  readonly #origin: SpanOrigin;
  readonly #exporter: OTLPExporterBase<SpanBatch>;
  readonly #losses: LossLog;
  readonly #maxWaiting: number;
  readonly #maxBatch: number;
  readonly #delayMs: number;
  /** Spans that have ended and are not sent. */
  #waiting = 0;
  /** The batch that grows, those that are full and wait, and one that was sent and whose memory is used again. */
  #batch: SpanBatch;
  readonly #full: SpanBatch[] = [];
  #spare: SpanBatch | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;

  constructor(config: Config, logger: Logger, origin: SpanOrigin) {
    this.#origin = origin;
    this.#batch = new SpanBatch(origin);
    this.#losses = new LossLog(logger);
    this.#maxWaiting = config.OTEL_BSP_MAX_QUEUE_SIZE;
    this.#maxBatch = Math.min(config.OTEL_BSP_MAX_EXPORT_BATCH_SIZE, this.#maxWaiting);
    this.#delayMs = config.OTEL_BSP_SCHEDULE_DELAY;
    this.#exporter = openExporter(logger, (spans, reason) => {
      this.#losses.add(spans, `the collector rejected them: ${reason}`);
    });
  }

  readonly add = (span: Span): void => {
    if (this.#waiting >= this.#maxWaiting) {
      this.#losses.add(1, "the queue was full");
      return;
    }
    this.#waiting += 1;
    this.#batch.add(span);
    if (this.#batch.count === this.#maxBatch) this.#closeBatch();
    this.#schedule();
  };

  /** What is not sent within the limit is lost. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#closeBatch();
    const rest = Array.from({ length: SENDERS_AT_STOP }, () => this.#sendFull());
    await Promise.race([Promise.all([this.#sending, ...rest]), delay(TRACES_LIMIT_MS, undefined, { ref: false })]);
    this.#losses.add(this.#waiting, "the process stopped");
    this.#losses.close();
  }

  /** A full batch is sent at once, others after the interval. One is under way at a time. */
  #schedule(): void {
    if (this.#sending !== undefined) return;
    if (this.#full.length > 0) this.#startSending();
    else if (this.#batch.count > 0) this.#timer ??= setTimeout(() => this.#sendRest(), this.#delayMs).unref();
  }

  #sendRest(): void {
    this.#closeBatch();
    this.#startSending();
  }

  #startSending(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#sending = this.#sendFull().then(() => {
      this.#sending = undefined;
      this.#schedule();
    });
  }

  #closeBatch(): void {
    if (this.#batch.count === 0) return;
    this.#full.push(this.#batch);
    this.#batch = this.#spare ?? new SpanBatch(this.#origin);
    this.#spare = undefined;
  }

  async #sendFull(): Promise<void> {
    for (let batch = this.#full.shift(); batch !== undefined; batch = this.#full.shift()) {
      const result = await this.#send(batch);
      this.#waiting -= batch.count;
      if (result.code === ExportResultCode.SUCCESS) this.#keep(batch);
      else this.#losses.add(batch.count, describeFailure(result));
    }
  }

  /** Only what the collector has read whole: a request that failed may be on its way still. */
  #keep(batch: SpanBatch): void {
    if (batch.capacity > MAX_SPARE_BYTES) return;
    batch.clear();
    this.#spare = batch;
  }

  async #send(batch: SpanBatch): Promise<ExportResult> {
    const { promise, resolve } = Promise.withResolvers<ExportResult>();
    try {
      this.#exporter.export(batch, resolve);
    } catch (error) {
      resolve({ code: ExportResultCode.FAILED, error: error instanceof Error ? error : new Error(String(error)) });
    }
    return await promise;
  }
}

function describeFailure({ error }: ExportResult): string {
  return error?.message ? `the collector failed: ${error.message}` : "the collector failed";
}
