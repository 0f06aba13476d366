/**
 * Spans of the code that runs responses. An attempt is a consumer span whose parent is the request that created the
 * response, even if that request was answered hours ago: so a response is one trace, over every worker that ran it. Model
 * calls and tool calls follow https://github.com/open-telemetry/semantic-conventions-genai. No attribute has prompts,
 * outputs, arguments or messages of errors.
 */
import { SpanKind } from "@opentelemetry/api";
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
  definedAttributes,
  usageAttributes,
} from "./attributes.ts";
import type { ProviderAttributes } from "./provider-attributes.ts";
import { attemptSpanId } from "./span-ids.ts";
import { readContext, type SpanStep, type SpanSteps, type StepOptions } from "./span-step.ts";

export function traceRuns(steps: SpanSteps, attributesOfProvider: ProviderAttributes): void {
  traceChannel(steps, channels.attempt, describeAttempt, endAttempt);
  channels.attempt.start.subscribe((report) => addDeadAttempt(steps, report as AttemptReport));
  traceChannel(
    steps,
    channels.modelCall,
    (report) => describeModelCall(report, attributesOfProvider),
    (step, report) => endModelCall(step, report, attributesOfProvider),
  );
  traceChannel(steps, channels.toolCall, describeToolCall, endToolCall);
}

/** A report gets the error if its work threw. */
type Failure = { error?: unknown };

function traceChannel<T extends object>(
  steps: SpanSteps,
  { start, asyncEnd }: TracingChannel<unknown, T>,
  describe: (report: T) => StepOptions,
  end: (step: SpanStep, report: T & Failure) => void,
): void {
  start.bindStore(CURRENT_STEP, (report) => steps.start(report, describe(report)));
  asyncEnd.subscribe((message) => {
    const report = message as T;
    const step = steps.take(report);
    if (step !== undefined) end(step, report);
  });
}

function describeAttempt(report: AttemptReport): StepOptions {
  const { responseId, background, worker, attempt, startedAtMs, trace } = report;
  const queue = background ? "background" : "foreground";
  return {
    name: `process ${queue}`,
    kind: SpanKind.CONSUMER,
    parent: readContext(trace),
    spanId: attemptSpanId(responseId, worker, startedAtMs),
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

function endAttempt(step: SpanStep, { end, error }: AttemptReport & Failure): void {
  if (end === undefined && error !== undefined) step.fail(nameOf(error));
  if (end !== undefined && FAILED_ENDS.has(end)) step.fail(end);
  step.end(definedAttributes({ [ATTR_ATTEMPT_END]: end }));
}

/** The attempt before, whose process died. Only a traced response has a span for it: other calls have no known parent. */
function addDeadAttempt(steps: SpanSteps, report: AttemptReport): void {
  const { died, trace } = report;
  if (died === undefined || trace === undefined) return;
  const { attempt, worker, started_at_ms: startedAtMs, ended_at_ms: endedAtMs, end } = died;
  const options = describeAttempt({ ...report, attempt, worker, startedAtMs });
  steps.add({ ...options, startTime: startedAtMs }, (step) => {
    step.fail(end ?? "worker_lost");
    step.end(definedAttributes({ [ATTR_ATTEMPT_END]: end ?? undefined }), endedAtMs ?? undefined);
  });
}

function describeModelCall(report: ModelCallReport, attributesOfProvider: ProviderAttributes): StepOptions {
  return {
    name: `${GEN_AI_OPERATION_NAME_VALUE_CHAT} ${report.providerModel}`,
    kind: SpanKind.CLIENT,
    attributes: {
      ...attributesOf(report),
      [ATTR_GEN_AI_OPERATION_NAME]: GEN_AI_OPERATION_NAME_VALUE_CHAT,
      ...attributesOfProvider(report.provider),
      [ATTR_GEN_AI_REQUEST_MODEL]: report.providerModel,
      [ATTR_ATTEMPT]: report.attempt,
      [ATTR_TURN]: report.turn,
    },
  };
}

function endModelCall(
  step: SpanStep,
  report: ModelCallReport & Failure,
  attributesOfProvider: ProviderAttributes,
): void {
  const { provider, providerModel, status, code, usage, costUsd, firstEventMs, error } = report;
  if (status === "failed" || status === "postponed") step.fail(code ?? "_OTHER");
  else if (error !== undefined) step.fail(nameOf(error));
  step.end(
    definedAttributes({
      // A fallback may have served the call.
      ...attributesOfProvider(provider),
      [ATTR_GEN_AI_RESPONSE_MODEL]: usage === undefined ? undefined : providerModel,
      ...usageAttributes(usage),
      [ATTR_COST_USD]: costUsd,
      [ATTR_GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK]: firstEventMs === undefined ? undefined : firstEventMs / 1_000,
    }),
  );
}

function describeToolCall(report: ToolCallReport): StepOptions {
  return {
    name: `${GEN_AI_OPERATION_NAME_VALUE_EXECUTE_TOOL} ${report.name}`,
    kind: SpanKind.INTERNAL,
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

function endToolCall(step: SpanStep, { isError, error }: ToolCallReport & Failure): void {
  if (isError === true) step.fail("tool_error");
  else if (isError === undefined) step.fail(nameOf(error));
  step.end({});
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "_OTHER";
}
