/** Reports the end of a response, once: the process that removes it from the in-flight set does so. */
import { isTerminalStatus } from "../../protocol/response.ts";
import type { PassedThreshold } from "../../store/organization/usage-counts.ts";
import type { RunOutcome } from "../../store/response-record.ts";
import { channels } from "../../telemetry/channels.ts";
import { toTraceContext } from "../../telemetry/trace-context.ts";

export function reportEnd(responseId: string, project: string, run: RunOutcome): void {
  if (!channels.ended.hasSubscribers || !isTerminalStatus(run.status)) return;
  const { createdAtMs, startedAtMs, firstEventAtMs, endedAtMs = createdAtMs } = run;
  const sinceAccepted = (atMs: number | undefined) =>
    atMs === undefined ? undefined : Math.max(0, atMs - createdAtMs);
  channels.ended.publish({
    responseId,
    project,
    model: run.model,
    servedModel: run.servedModel,
    background: run.background,
    status: run.status,
    code: run.errorCode,
    reason: run.errorMessage,
    cause: run.errorCause,
    queuedMs: sinceAccepted(startedAtMs),
    firstEventMs: sinceAccepted(firstEventAtMs),
    durationMs: Math.max(0, endedAtMs - createdAtMs),
    attempts: run.attempts,
    waits: run.waits,
    usage: run.usage,
    costUsd: run.costUsd,
    toolCalls: run.toolCalls ?? {},
    trace: toTraceContext(run),
  });
}

/** Each threshold is passed once a month, by one response. */
export function reportThresholds(project: string, passed: readonly PassedThreshold[]): void {
  for (const { id, cents } of passed) channels.spendAlert.publish({ project, alert: id, thresholdCents: cents });
}
