/** What happens within an attempt, as events of the span in which it happens. */
import { type Attributes, trace } from "@opentelemetry/api";
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { Channel } from "node:diagnostics_channel";
import { channels, type EndedReport } from "../channels.ts";
import { ATTR_COST_USD, ATTR_RESPONSE_STATUS, ATTR_WORKER, attributesOf, definedAttributes } from "./attributes.ts";
import { currentStep, readContext, type SpanStep, type SpanSteps } from "./span-step.ts";

const PREFIX = "background_responses";

export function traceRunEvents(steps: SpanSteps): void {
  addEvents(channels.retry, "retry", ({ provider, code, retries, delayMs }) => ({
    [ATTR_ERROR_TYPE]: code,
    [`${PREFIX}.provider`]: provider,
    [`${PREFIX}.retries`]: retries,
    [`${PREFIX}.delay_ms`]: delayMs,
  }));
  addEvents(channels.wait, "wait for provider", ({ provider, waitMs }) => ({
    [`${PREFIX}.provider`]: provider,
    [`${PREFIX}.wait_ms`]: waitMs,
  }));
  addEvents(channels.fallback, "fallback", ({ fallback, code }) => ({
    [ATTR_ERROR_TYPE]: code,
    [`${PREFIX}.fallback`]: fallback,
  }));
  addEvents(channels.recovery, "recovery", ({ lostWorker }) => ({ [ATTR_WORKER]: lostWorker }));
  channels.ended.subscribe((report) => traceEnd(steps, report as EndedReport));
}

function addEvents<T>(source: Channel<unknown, T>, name: string, describe: (report: T) => Attributes): void {
  source.subscribe((message) => {
    currentStep()?.span.addEvent(name, definedAttributes(describe(message as T)));
  });
}

/** In the attempt that ended the response. Otherwise (a cancel, a deadline) as a span of its own in the response's trace. */
function traceEnd(steps: SpanSteps, report: EndedReport): void {
  const { status, code, costUsd, trace: created } = report;
  const attributes = definedAttributes({
    [ATTR_RESPONSE_STATUS]: status,
    [ATTR_ERROR_TYPE]: code,
    [ATTR_COST_USD]: costUsd,
  });
  const parent = trace.getSpanContext(readContext(created));
  const current = currentStep();
  const end = (step: SpanStep): void => {
    if (status === "failed") step.fail(code ?? "_OTHER");
  };
  const isWithin = parent === undefined || current?.span.spanContext().traceId === parent.traceId;
  if (current !== undefined && isWithin) {
    current.span.addEvent("response ended", attributes);
    end(current);
  } else if (parent !== undefined) {
    const options = { name: "end response", parent: readContext(created), attributes: attributesOf(report) };
    steps.add(options, (step) => {
      end(step);
      step.end(attributes);
    });
  }
}
