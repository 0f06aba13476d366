import { describe, expect, test } from "vitest";
import { CURRENT_STEP } from "../../../../src/telemetry/trace-context.ts";
import type { Sampler } from "../../../../src/telemetry/tracing/sampler.ts";
import type { Span } from "../../../../src/telemetry/tracing/span.ts";
import { currentStep, SpanSteps } from "../../../../src/telemetry/tracing/span-step.ts";

function openSteps(sampler: Sampler) {
  const ended: Span[] = [];
  return { steps: new SpanSteps({ sampler, isPropagated: true, exportSpan: (span) => ended.push(span) }), ended };
}

describe("a step", () => {
  test("is the parent of the steps within it", () => {
    const { steps, ended } = openSteps(() => true);
    const outer = {};
    const step = steps.start(outer, { parent: undefined }, () => ({ name: "outer" }));
    CURRENT_STEP.run(step, () => {
      const inner = {};
      steps.start(inner, { parent: currentStep()?.place }, () => ({ name: "inner" }));
      steps.takeSpan(inner)!.end({});
    });
    steps.takeSpan(outer)!.end({});
    expect(steps.takeSpan(outer)).toBeUndefined();
    const [innerSpan, outerSpan] = ended;
    expect(innerSpan!.parent).toBe(outerSpan!.context);
    expect(innerSpan!.context.traceId).toBe(outerSpan!.context.traceId);
    expect(step.context.traceparent).toBe(`00-${step.place.traceId}-${step.place.spanId}-01`);
  });

  test("of a trace that is not sampled records nothing, and passes the decision on", () => {
    const { steps } = openSteps(() => false);
    const report = {};
    const step = steps.start(report, { parent: undefined }, () => {
      throw new Error("It is described.");
    });
    expect(steps.takeSpan(report)).toBeUndefined();
    expect(step.context.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    expect(steps.add({ parent: step.place }, { name: "end response" })).toBeUndefined();
  });

  test("has ids of its own", () => {
    const { steps } = openSteps(() => false);
    const places = Array.from(
      { length: 2_000 },
      () => steps.start({}, { parent: undefined }, () => ({ name: "" })).place,
    );
    expect(new Set(places.map(({ traceId }) => traceId)).size).toBe(places.length);
    expect(new Set(places.map(({ spanId }) => spanId)).size).toBe(places.length);
  });
});
