/**
 * Spans of the code that runs responses. An attempt is a consumer span whose parent is the request that created the
 * response, even if that request was answered hours ago: so a response is one trace, over every worker that ran it. Model
 * calls and tool calls follow https://github.com/open-telemetry/semantic-conventions-genai. No attribute has prompts,
 * outputs, arguments or messages of errors.
 */
import {
  ATTR_GEN_AI_OPERATION_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_GEN_AI_RESPONSE_MODEL,
  ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
  ATTR_GEN_AI_TOOL_CALL_ID,
  ATTR_GEN_AI_TOOL_NAME,
  ATTR_GEN_AI_TOOL_TYPE,
  ATTR_MESSAGING_DESTINATION_NAME,
  ATTR_MESSAGING_MESSAGE_ID,
  ATTR_MESSAGING_OPERATION_NAME,
  ATTR_MESSAGING_OPERATION_TYPE,
  ATTR_MESSAGING_SYSTEM,
  GEN_AI_OPERATION_NAME_VALUE_CHAT,
  GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL,
  MESSAGING_OPERATION_TYPE_VALUE_PROCESS,
} from "@opentelemetry/semantic-conventions/incubating";
import type { TracingChannel } from "node:diagnostics_channel";
import type { AttemptEnd } from "../../protocol/run.ts";
import { type AttemptReport, channels, type ModelCallReport, type ToolCallReport } from "../channels.ts";
import { CURRENT_STEP } from "../trace-context.ts";
import {
  ATTR_ATTEMPT,
  ATTR_ATTEMPT_END,
  ATTR_COST_USD,
  ATTR_TOOL,
  ATTR_TURN,
  ATTR_WORKER,
  attributesOf,
  OTHER_ERROR,
  usageAttributes,
} from "./attributes.ts";
import type { ProviderAttributes } from "./provider-attributes.ts";
import { on } from "../subscribe.ts";
import type { Span, SpanOptions } from "./span.ts";
import { readRecordedContext } from "./span-context.ts";
import { attemptSpanId } from "./span-ids.ts";
import { currentStep, type SpanSteps, type StepPlace } from "./span-step.ts";

export function traceRuns(steps: SpanSteps, attributesOfProvider: ProviderAttributes): void {
  traceChannel(steps, channels.attempt, placeAttempt, describeAttempt, endAttempt);
  on(channels.attempt.start, (report) => addDeadAttempt(steps, report));
  traceChannel(steps, channels.modelCall, placeCall, describeModelCall, (span, report) =>
    endModelCall(span, report, attributesOfProvider),
  );
  traceChannel(steps, channels.toolCall, placeCall, describeToolCall, endToolCall);
}

/** A report gets the error if its work threw. */
type Failure = { error?: unknown };

function traceChannel<T extends object>(
  steps: SpanSteps,
  { start, asyncEnd }: TracingChannel<unknown, T>,
  placeOf: (report: T) => StepPlace,
  describe: (report: T) => SpanOptions,
  end: (span: Span, report: T & Failure) => void,
): void {
  start.bindStore(CURRENT_STEP, (report) => steps.start(report, placeOf(report), describe));
  on(asyncEnd, (report) => {
    const span = steps.takeSpan(report);
    if (span !== undefined) end(span, report);
  });
}

function placeAttempt({ responseId, worker, startedAtMs, trace }: AttemptReport): StepPlace {
  return { parent: readRecordedContext(trace), spanId: attemptSpanId(responseId, worker, startedAtMs) };
}

/** Within the attempt that makes the call. */
function placeCall(): StepPlace {
  return { parent: currentStep()?.place };
}

function describeAttempt(report: AttemptReport): SpanOptions {
  const { responseId, background, worker, attempt } = report;
  const queue = background ? "background" : "foreground";
  return {
    name: `process ${queue}`,
    kind: "consumer",
    attributes: {
      ...attributesOf(report),
      [ATTR_MESSAGING_SYSTEM]: "bullmq",
      [ATTR_MESSAGING_DESTINATION_NAME]: queue,
      [ATTR_MESSAGING_OPERATION_NAME]: "process",
      [ATTR_MESSAGING_OPERATION_TYPE]: MESSAGING_OPERATION_TYPE_VALUE_PROCESS,
      [ATTR_MESSAGING_MESSAGE_ID]: responseId,
      [ATTR_ATTEMPT]: attempt,
      [ATTR_WORKER]: worker,
    },
  };
}

const FAILED_ENDS: ReadonlySet<AttemptEnd> = new Set(["failed", "crashed", "worker_lost", "redis_unavailable"]);

function endAttempt(span: Span, { end, error }: AttemptReport & Failure): void {
  if (end === undefined && error !== undefined) span.fail(nameOf(error));
  if (end !== undefined && FAILED_ENDS.has(end)) span.fail(end);
  span.end({ [ATTR_ATTEMPT_END]: end });
}

/** The attempt before, whose process died. Only a traced response has a span for it: other calls have no known parent. */
function addDeadAttempt(steps: SpanSteps, report: AttemptReport): void {
  const { died, trace } = report;
  if (died === undefined || trace === undefined) return;
  const { attempt, worker, started_at_ms: startedAtMs, ended_at_ms: endedAtMs, end } = died;
  const dead = { ...report, attempt, worker, startedAtMs };
  const span = steps.add(placeAttempt(dead), { ...describeAttempt(dead), startMs: startedAtMs });
  span?.fail(end ?? "worker_lost");
  span?.end({ [ATTR_ATTEMPT_END]: end ?? undefined }, endedAtMs ?? undefined);
}

function describeModelCall(report: ModelCallReport): SpanOptions {
  return {
    name: `${GEN_AI_OPERATION_NAME_VALUE_CHAT} ${report.providerModel}`,
    kind: "client",
    attributes: {
      ...attributesOf(report),
      [ATTR_GEN_AI_OPERATION_NAME]: GEN_AI_OPERATION_NAME_VALUE_CHAT,
      [ATTR_GEN_AI_REQUEST_MODEL]: report.providerModel,
      [ATTR_ATTEMPT]: report.attempt,
      [ATTR_TURN]: report.turn,
    },
  };
}

function endModelCall(span: Span, report: ModelCallReport & Failure, attributesOfProvider: ProviderAttributes): void {
  const { provider, providerModel, status, code, usage, costUsd, firstEventMs, error } = report;
  if (status === "failed" || status === "postponed") span.fail(code ?? OTHER_ERROR);
  else if (error !== undefined) span.fail(nameOf(error));
  span.end({
    // Of the provider that served the call, which may be a fallback.
    ...attributesOfProvider(provider),
    [ATTR_GEN_AI_RESPONSE_MODEL]: usage === undefined ? undefined : providerModel,
    ...usageAttributes(usage),
    [ATTR_COST_USD]: costUsd,
    [ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: firstEventMs === undefined ? undefined : firstEventMs / 1_000,
  });
}

function describeToolCall(report: ToolCallReport): SpanOptions {
  return {
    name: `${GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL} ${report.name}`,
    kind: "internal",
    attributes: {
      ...attributesOf(report),
      [ATTR_GEN_AI_OPERATION_NAME]: GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL,
      [ATTR_GEN_AI_TOOL_NAME]: report.name,
      [ATTR_GEN_AI_TOOL_CALL_ID]: report.callId,
      // By the conventions: a tool that the agent's side executes.
      [ATTR_GEN_AI_TOOL_TYPE]: "extension",
      [ATTR_TOOL]: report.tool,
    },
  };
}

function endToolCall(span: Span, { isError, error }: ToolCallReport & Failure): void {
  if (isError === true) span.fail("tool_error");
  else if (isError === undefined) span.fail(nameOf(error));
  span.end({});
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : OTHER_ERROR;
}
