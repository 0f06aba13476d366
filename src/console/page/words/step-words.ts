/** What a run does now, and how it ended, in words. */
import type { AttemptEnd, Run, RunStep } from "../../../protocol/run.ts";
import { formatTicking } from "./durations.ts";

/** The step without its time, such as `waiting for mistral`. */
export function describeStep(step: RunStep): string {
  switch (step.type) {
    case "queued":
      return step.workers === 0 ? "no worker serves its queue" : "waiting for a worker";
    case "waiting_for_provider":
      return `waiting for ${step.provider}`;
    case "waiting_for_configuration":
      return "waiting for a worker with its model and tools";
    case "waiting_for_redis":
      return "waiting for Redis";
    case "recovering":
      return step.workers === 0 ? "interrupted, and no worker is alive" : "interrupted, starts again soon";
    case "starting":
      return "starting";
    case "calling_model":
      return step.retries === undefined || step.retries === 0
        ? `calling ${step.provider}`
        : `retrying ${step.provider}`;
    case "running_tools":
      return `running ${step.tools.map(describeTool).join(", ")}`;
    case "waiting_for_approval":
      return "waiting for approval";
    case "ended":
      return "ended";
  }
}

/** `waiting for mistral, 40 s`. An ended run has no time: nothing lasts. */
export function describeStepWithTime(step: RunStep, nowMs: number): string {
  const words = describeStep(step);
  if (step.type === "ended") return words;
  if (step.type === "waiting_for_provider" && step.until_ms > nowMs) {
    return `${words}, tries again in ${formatTicking(step.until_ms - nowMs)}`;
  }
  return `${words}, ${formatTicking(nowMs - step.since_ms)}`;
}

/** Why the step lasts, where the server knows. */
export function explainStep(step: RunStep, nowMs: number): string | undefined {
  switch (step.type) {
    case "queued":
      return step.workers === 0 ? "Start a worker: nothing else will start this run." : undefined;
    case "recovering":
      return step.workers === 0 ? `${step.reason} Start a worker: nothing else will resume this run.` : step.reason;
    case "waiting_for_provider":
    case "waiting_for_configuration":
    case "waiting_for_redis":
      return step.reason;
    case "calling_model":
      return (
        [explainSilence(step, nowMs), explainRetries(step)].filter((each) => each !== undefined).join(" ") || undefined
      );
    default:
      return undefined;
  }
}

type CallingModel = Extract<RunStep, { type: "calling_model" }>;

/** Shorter silences are usual. */
const NOTABLE_SILENCE_MS = 10_000;

function explainSilence({ silent_since_ms }: CallingModel, nowMs: number): string | undefined {
  const silentMs = nowMs - (silent_since_ms ?? nowMs);
  return silentMs < NOTABLE_SILENCE_MS ? undefined : `No event for ${formatTicking(silentMs)}.`;
}

function explainRetries({ error, retries = 1 }: CallingModel): string | undefined {
  return error === undefined ? undefined : `Failed ${retries} times: ${error}`;
}

const describeTool = ({ type, name }: { type: string; name: string }): string =>
  type === "mcp_list_tools" ? `the listing of ${name}'s tools` : name;

const ENDS: Readonly<Record<AttemptEnd, string>> = {
  ended: "reached the end",
  handed_over: "handed the run over",
  waited: "left the run to wait",
  left_to_others: "left the run to other workers",
  redis_unavailable: "lost Redis",
  failed: "failed",
  crashed: "crashed",
  worker_lost: "was lost",
  fenced: "was stopped from outside",
};

export function describeAttemptEnd(end: AttemptEnd): string {
  return ENDS[end];
}

/** From acceptance to the end, or until now. */
export function durationOf(run: Pick<Run, "created_at_ms" | "ended_at_ms">, nowMs: number): number {
  return (run.ended_at_ms ?? nowMs) - run.created_at_ms;
}
