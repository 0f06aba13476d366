/** Starts tracing in a process if its configuration asks for it. Without tracing, OpenTelemetry is not even loaded. */
import type { Config } from "../../config/config.ts";
import type { TracedProcess, Tracing } from "./tracing.ts";

const NOT_TRACED: Tracing = { stop: async () => {} };

export async function startTracing(traced: TracedProcess): Promise<Tracing> {
  if (!isTraced(traced.config)) return NOT_TRACED;
  const { openTracing } = await import("./open-tracing.ts");
  return openTracing(traced);
}

function isTraced(config: Config): boolean {
  const endpoint = config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_ENDPOINT;
  return endpoint !== undefined && !config.OTEL_SDK_DISABLED && config.OTEL_TRACES_EXPORTER !== "none";
}
