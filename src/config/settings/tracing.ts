/**
 * The variables of OpenTelemetry that this server honours, by their standard names and defaults
 * (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/). The OpenTelemetry SDK itself reads
 * those that describe the collector and the resource; they are listed here so that they are documented, checked and, if
 * they are secrets, redacted.
 */
import { flag, httpUrl, integer, milliseconds, optionalText, text } from "../setting.ts";

export const tracingSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl(
    "Address of an OpenTelemetry collector that receives traces over HTTP. The server appends `/v1/traces`. Without an address, nothing is traced and OpenTelemetry is not loaded.",
  ),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: httpUrl(
    "Whole address that receives traces, instead of `OTEL_EXPORTER_OTLP_ENDPOINT`. Nothing is appended.",
  ),
  OTEL_EXPORTER_OTLP_HEADERS: optionalText(
    "Headers sent to the collector: `name=value` pairs, separated by commas, with values in percent-encoding. No log line shows their values.",
  ),
  OTEL_EXPORTER_OTLP_TRACES_HEADERS: optionalText("Headers added to `OTEL_EXPORTER_OTLP_HEADERS`, in the same form."),
  OTEL_EXPORTER_OTLP_PROTOCOL: text("Protocol of the collector. Only `http/protobuf` is supported.", "http/protobuf"),
  OTEL_EXPORTER_OTLP_TIMEOUT: milliseconds("Timeout of one export, including its retries.", {
    default: 10_000,
    min: 1,
  }),
  OTEL_EXPORTER_OTLP_COMPRESSION: optionalText("Compression of exports: `gzip` or `none`. If empty, `none`."),
  OTEL_EXPORTER_OTLP_CERTIFICATE: optionalText(
    "Path of a PEM file with the authority that signed the collector's certificate. If empty, the authorities that Node knows.",
  ),
  OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: optionalText(
    "Path of a PEM file with the certificate that this server presents to the collector.",
  ),
  OTEL_EXPORTER_OTLP_CLIENT_KEY: optionalText("Path of a PEM file with the key of that certificate."),
  OTEL_SDK_DISABLED: flag("Switch that turns tracing off although an address is set.", false),
  OTEL_TRACES_EXPORTER: text("Exporter of traces: `otlp`, or `none` for no traces.", "otlp"),
  OTEL_SERVICE_NAME: optionalText(
    "Name of the service in traces. If empty, `background-responses-api` and `background-responses-worker`.",
  ),
  OTEL_RESOURCE_ATTRIBUTES: optionalText(
    "Attributes of every trace: `name=value` pairs, separated by commas, with values in percent-encoding.",
  ),
  OTEL_TRACES_SAMPLER: text(
    "Sampler: `always_on`, `always_off`, `traceidratio`, or one of these with the prefix `parentbased_`, which follows the decision of a client that sends `traceparent`.",
    "parentbased_always_on",
  ),
  OTEL_TRACES_SAMPLER_ARG: optionalText("Share of traces that `traceidratio` samples, from 0 to 1. If empty, 1."),
  OTEL_PROPAGATORS: text(
    "Trace contexts that this server accepts from clients and sends to providers and MCP servers: `tracecontext`, or `none` for neither.",
    "tracecontext",
  ),
  OTEL_BSP_MAX_QUEUE_SIZE: integer("Maximum spans that wait for their export in one process. Further spans are lost.", {
    default: 2_048,
    min: 1,
    max: 1_000_000,
  }),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: integer("Maximum spans of one export.", { default: 512, min: 1, max: 100_000 }),
  OTEL_BSP_SCHEDULE_DELAY: milliseconds("Interval between two exports.", { default: 5_000 }),
};
