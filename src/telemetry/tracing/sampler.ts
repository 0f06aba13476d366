/** The sampler that the operator's variables name. */
import { ROOT_CONTEXT } from "@opentelemetry/api";
import { SamplingDecision, TraceIdRatioBasedSampler } from "@opentelemetry/sdk-trace";
import type { Config } from "../../config/config.ts";
import type { SpanContext } from "./span-context.ts";

/** Decides before anything of a span is described: a trace that is not sampled has ids and nothing else. */
export type Sampler = (traceId: string, parent: SpanContext | undefined) => boolean;

const PARENT_BASED = "parentbased_";

/** Undefined for an unknown name. */
export function createSampler(
  config: Pick<Config, "OTEL_TRACES_SAMPLER" | "OTEL_TRACES_SAMPLER_ARG">,
): Sampler | undefined {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument } = config;
  const isParentBased = name.startsWith(PARENT_BASED);
  const root = createRootSampler(isParentBased ? name.slice(PARENT_BASED.length) : name, argument);
  return root !== undefined && isParentBased ? followParent(root) : root;
}

export function followParent(root: Sampler): Sampler {
  return (traceId, parent) => (parent === undefined ? root(traceId, parent) : parent.isSampled);
}

function createRootSampler(name: string, argument: string | undefined): Sampler | undefined {
  switch (name) {
    case "always_on":
      return () => true;
    case "always_off":
      return () => false;
    case "traceidratio": {
      const sampler = new TraceIdRatioBasedSampler(readRatio(argument));
      return (traceId) => sampler.shouldSample(ROOT_CONTEXT, traceId).decision === SamplingDecision.RECORD_AND_SAMPLED;
    }
    default:
      return undefined;
  }
}

/** The standard's default applies to anything that is no ratio. */
function readRatio(argument: string | undefined): number {
  const ratio = Number(argument ?? 1);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
