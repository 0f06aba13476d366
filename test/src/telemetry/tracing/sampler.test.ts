import { TraceFlags } from "@opentelemetry/api";
import { describe, expect, test } from "vitest";
import { createSampler } from "../../../../src/telemetry/tracing/sampler.ts";

const LOW = `${"0".repeat(31)}1`;
const HIGH = `${"f".repeat(8)}${"0".repeat(24)}`;

function isSampled(name: string, argument: string | undefined, traceId: string, parentFlags?: TraceFlags): boolean {
  const sampler = createSampler({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument })!;
  const parent = { traceId, spanId: "1".repeat(16), traceState: "", isRemote: true };
  return sampler(
    traceId,
    parentFlags === undefined ? undefined : { ...parent, isSampled: parentFlags === TraceFlags.SAMPLED },
  );
}

describe("the sampler", () => {
  test.each([
    ["always_on", undefined, HIGH, TraceFlags.NONE, true],
    ["always_off", undefined, LOW, TraceFlags.SAMPLED, false],
    ["parentbased_always_on", undefined, HIGH, undefined, true],
    ["parentbased_always_on", undefined, HIGH, TraceFlags.NONE, false],
    ["parentbased_always_off", undefined, HIGH, undefined, false],
    ["parentbased_always_off", undefined, HIGH, TraceFlags.SAMPLED, true],
    ["traceidratio", "0.5", LOW, undefined, true],
    ["traceidratio", "0.5", HIGH, undefined, false],
    ["traceidratio", "0.5", HIGH, TraceFlags.SAMPLED, false],
    ["parentbased_traceidratio", "0.5", HIGH, TraceFlags.SAMPLED, true],
    ["traceidratio", undefined, HIGH, undefined, true],
    ["traceidratio", "many", HIGH, undefined, true],
    ["traceidratio", "2", HIGH, undefined, true],
  ])("%s with the argument %s decides by the standard", (name, argument, traceId, flags, expected) => {
    expect(isSampled(name, argument, traceId, flags)).toBe(expected);
  });

  test("is undefined for an unknown name", () => {
    expect(createSampler({ OTEL_TRACES_SAMPLER: "jaeger_remote", OTEL_TRACES_SAMPLER_ARG: undefined })).toBeUndefined();
  });
});
