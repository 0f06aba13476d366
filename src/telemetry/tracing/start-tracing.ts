/** Starts tracing in a process if its configuration asks for it. Without tracing, OpenTelemetry is not even loaded. */
import type { Logger } from "pino";
import type { Config } from "../../config/config.ts";
import type { Provider } from "../../providers/catalog.ts";

export const TRACES_LIMIT_MS = 2_000;

export interface Tracing {
  /** Sends the spans that wait. Resolves within `TRACES_LIMIT_MS`, whatever the collector does. */
  stop(): Promise<void>;
}

export interface TracedProcess {
  /** The kind of process: `api` or `worker`. */
  name: "api" | "worker";
  config: Config;
  providers: readonly Provider[];
  logger: Logger;
}

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
