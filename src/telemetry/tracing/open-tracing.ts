/** Connects this server's reports with the OpenTelemetry SDK. */
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from "@opentelemetry/semantic-conventions";
import type { Logger } from "pino";
import type { Config } from "../../config/config.ts";
import { createProviderAttributes } from "./provider-attributes.ts";
import { createSampler } from "./sampler.ts";
import { SpanExport } from "./span-export.ts";
import { SpanIds } from "./span-ids.ts";
import { SpanSteps } from "./span-step.ts";
import type { TracedProcess, Tracing } from "./tracing.ts";
import { traceRequests } from "./trace-requests.ts";
import { traceRunEvents } from "./trace-run-events.ts";
import { traceRuns } from "./trace-runs.ts";

/** Model and tool names come from requests. */
const MAX_VALUE_CHARACTERS = 1_024;

export function openTracing({ name, config, providers, logger }: TracedProcess): Tracing {
  warnOfUnsupported(config, logger);
  const exported = new SpanExport(config, logger);
  const sampler = createSampler(config);
  const ids = new SpanIds();
  const provider = new TracerProvider({
    resource: openResource(name, config),
    idGenerator: ids,
    spanProcessors: [exported],
    spanLimits: { attributeValueLengthLimit: MAX_VALUE_CHARACTERS },
    ...(sampler !== undefined && { sampler }),
  });
  const isPropagated = listPropagators(config).includes("tracecontext");
  const steps = new SpanSteps(provider.getTracer("background-responses"), ids, isPropagated);
  traceRequests(steps, isPropagated);
  traceRuns(steps, createProviderAttributes(providers));
  traceRunEvents(steps);
  return exported;
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the defaults. */
function openResource(name: string, config: Config) {
  const defaults = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: `background-responses-${name}`,
    [ATTR_SERVICE_INSTANCE_ID]: config.processName,
  });
  return defaultResource()
    .merge(defaults)
    .merge(detectResources({ detectors: [envDetector] }));
}

function listPropagators({ OTEL_PROPAGATORS }: Config): string[] {
  return OTEL_PROPAGATORS.split(",").map((each) => each.trim());
}

/** By the standard, a value that this server does not know is ignored with a warning. */
function warnOfUnsupported(config: Config, logger: Logger): void {
  const warn = (setting: keyof Config, used: string): void =>
    logger.warn(
      { setting, value: config[setting], used },
      "A setting of OpenTelemetry has a value that is not supported",
    );
  if (config.OTEL_EXPORTER_OTLP_PROTOCOL !== "http/protobuf") warn("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
  if (config.OTEL_TRACES_EXPORTER !== "otlp") warn("OTEL_TRACES_EXPORTER", "otlp");
  if (createSampler(config) === undefined) warn("OTEL_TRACES_SAMPLER", "parentbased_always_on");
  // `baggage` is in the standard's default. This server has no baggage to carry.
  const unknown = listPropagators(config).some((each) => !["tracecontext", "baggage", "none"].includes(each));
  if (unknown) warn("OTEL_PROPAGATORS", "tracecontext");
}
