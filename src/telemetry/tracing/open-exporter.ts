/**
 * The OTLP exporter of OpenTelemetry, for spans that are encoded already. It reads address, headers, timeout, compression
 * and certificates from the environment, and retries.
 */
import { diag, DiagLogLevel } from "@opentelemetry/api";
import { convertLegacyHttpOptions, createOtlpHttpExportDelegate } from "@opentelemetry/otlp-exporter-base/node-http";
import { OTLPExporterBase } from "@opentelemetry/otlp-exporter-base";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { Logger } from "pino";
import type { SpanBatch } from "./encode-spans.ts";

/** `reportRejected` is called with spans that the collector took and did not accept. */
export function openExporter(
  logger: Logger,
  reportRejected: (spans: number, reason: string) => void,
): OTLPExporterBase<SpanBatch> {
  const warn = (message: string): void => logger.warn(`Tracing: ${message}`);
  const ignore = (): void => {};
  const serializer = {
    serializeRequest: (batch: SpanBatch) => batch.encode(),
    deserializeResponse: (bytes: Uint8Array) => {
      const { partialSuccess } = ProtobufTraceSerializer.deserializeResponse(bytes);
      if (partialSuccess?.rejectedSpans)
        reportRejected(partialSuccess.rejectedSpans, partialSuccess.errorMessage ?? "");
    },
  };
  const counter = { name: "span", countItems: ({ count }: SpanBatch) => count } as const;
  // Only for its warnings about settings. Later it would log each failed export.
  diag.setLogger({ error: warn, warn, info: ignore, debug: ignore, verbose: ignore }, DiagLogLevel.WARN);
  try {
    const options = convertLegacyHttpOptions({}, "TRACES", "v1/traces", { "Content-Type": "application/x-protobuf" });
    return new OTLPExporterBase(
      createOtlpHttpExportDelegate(options, serializer, "otlp_http_span_exporter", counter, undefined),
    );
  } finally {
    diag.disable();
  }
}
