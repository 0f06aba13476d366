/** The sampler that the operator's variables name. */
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { Config } from "../../config/config.ts";

const PARENT_BASED = "parentbased_";

/** Undefined for an unknown name. */
export function createSampler(config: Pick<Config, "OTEL_TRACES_SAMPLER" | "OTEL_TRACES_SAMPLER_ARG">) {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument } = config;
  const isParentBased = name.startsWith(PARENT_BASED);
  const root = createRootSampler(isParentBased ? name.slice(PARENT_BASED.length) : name, argument);
  return root !== undefined && isParentBased ? new ParentBasedSampler({ root }) : root;
}

function createRootSampler(name: string, argument: string | undefined): Sampler | undefined {
  switch (name) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return new TraceIdRatioBasedSampler(readRatio(argument));
    default:
      return undefined;
  }
}

/** The standard's default applies to anything that is no ratio. */
function readRatio(argument: string | undefined): number {
  const ratio = Number(argument ?? 1);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
