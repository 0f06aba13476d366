/** Connects this server's reports with the exporter of spans. */
import { detectResources, envDetector } from "@opentelemetry/resources";
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_TELEMETRY_SDK_LANGUAGE,
  ATTR_TELEMETRY_SDK_NAME,
  ATTR_TELEMETRY_SDK_VERSION,
  TELEMETRY_SDK_LANGUAGE_VALUE_NODEJS,
} from "@opentelemetry/semantic-conventions";
import type { Logger } from "pino";
import type { Config } from "../../config/config.ts";
import { readRelease } from "../../config/release.ts";
import type { Attributes } from "./attributes.ts";
import { createOrigin } from "./encode-spans.ts";
import { createProviderAttributes } from "./provider-attributes.ts";
import { createSampler, followParent } from "./sampler.ts";
import { SpanExport } from "./span-export.ts";
import { SpanSteps } from "./span-step.ts";
import type { TracedProcess, Tracing } from "./tracing.ts";
import { traceRequests } from "./trace-requests.ts";
import { traceRunEvents } from "./trace-run-events.ts";
import { traceRuns } from "./trace-runs.ts";

const NAME = "background-responses";

export function openTracing({ name, config, providers, logger }: TracedProcess): Tracing {
  warnOfUnsupported(config, logger);
  const exported = new SpanExport(config, logger, createOrigin(describeProcess(name, config), NAME));
  const isPropagated = listPropagators(config).includes("tracecontext");
  const steps = new SpanSteps({
    sampler: createSampler(config) ?? followParent(() => true),
    isPropagated,
    exportSpan: exported.add,
  });
  traceRequests(steps, isPropagated);
  traceRuns(steps, createProviderAttributes(providers));
  traceRunEvents(steps);
  return exported;
}

/** OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win over the defaults. */
function describeProcess(name: string, config: Config): Attributes {
  const { attributes: ofOperator } = detectResources({ detectors: [envDetector] });
  const given = Object.entries(ofOperator).flatMap(([key, value]) => (typeof value === "string" ? [[key, value]] : []));
  return {
    [ATTR_SERVICE_NAME]: `${NAME}-${name}`,
    [ATTR_SERVICE_INSTANCE_ID]: config.processName,
    [ATTR_TELEMETRY_SDK_NAME]: NAME,
    [ATTR_TELEMETRY_SDK_LANGUAGE]: TELEMETRY_SDK_LANGUAGE_VALUE_NODEJS,
    [ATTR_TELEMETRY_SDK_VERSION]: readRelease(),
    ...Object.fromEntries(given),
  };
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
