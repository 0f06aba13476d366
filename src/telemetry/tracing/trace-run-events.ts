/** What happens within an attempt, as events of the span in which it happens. */
import { ATTR_ERROR_TYPE } from "@opentelemetry/semantic-conventions";
import type { Channel } from "node:diagnostics_channel";
import { channels, type EndedReport } from "../channels.ts";
import { on } from "../subscribe.ts";
import {
  ATTR_COST_USD,
  ATTR_RESPONSE_STATUS,
  ATTR_WORKER,
  type Attributes,
  attributesOf,
  OTHER_ERROR,
} from "./attributes.ts";
import { readRecordedContext } from "./span-context.ts";
import { currentStep, type SpanSteps } from "./span-step.ts";

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
  on(channels.ended, (report) => traceEnd(steps, report));
}

function addEvents<T>(source: Channel<unknown, T>, name: string, describe: (report: T) => Attributes): void {
  on(source, (report) => currentStep()?.span?.addEvent(name, describe(report)));
}

/** In the attempt that ended the response. Otherwise (a cancel, a deadline) as a span of its own in the response's trace. */
function traceEnd(steps: SpanSteps, report: EndedReport): void {
  const { status, code, costUsd } = report;
  const created = readRecordedContext(report.trace);
  const current = currentStep();
  const attributes = { [ATTR_RESPONSE_STATUS]: status, [ATTR_COST_USD]: costUsd };
  if (current !== undefined && (created === undefined || current.place.traceId === created.traceId)) {
    current.span?.addEvent("response ended", { ...attributes, [ATTR_ERROR_TYPE]: code });
    if (status === "failed") current.span?.fail(code ?? OTHER_ERROR);
  } else if (created !== undefined) {
    const span = steps.add({ parent: created }, { name: "end response", attributes: attributesOf(report) });
    if (status === "failed") span?.fail(code ?? OTHER_ERROR);
    span?.end(status === "failed" ? attributes : { ...attributes, [ATTR_ERROR_TYPE]: code });
  }
}
