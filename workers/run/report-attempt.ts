/** Reports an attempt: its start, its recovery of a lost run, and how it ended. */
import type { AttemptEnd, RunAttempt } from "../../src/protocol/run.ts";
import { parseAttemptLog } from "../../src/stream/log/attempt-log.ts";
import { type AttemptReport, channels } from "../../src/telemetry/channels.ts";
import { toTraceContext } from "../../src/telemetry/trace-context.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { HeldOutcome } from "./acquire-lease.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { describe } from "./release-lease.ts";

export async function reportAttempt(
  { workerName: worker }: { workerName: string },
  { record, writer, progress, attemptLog }: Attempt,
  { lostWorker, unknownSinceMs }: HeldOutcome,
  run: () => Promise<AttemptOutcome>,
): Promise<AttemptOutcome> {
  const { reported, attempt } = progress;
  const { background } = writer.state.response;
  const report: AttemptReport = {
    ...reported,
    attempt,
    worker,
    background,
    acceptedAtMs: record.createdAtMs,
    wasLeft: unknownSinceMs > 0,
    trace: toTraceContext(record),
    ...(channels.attempt.hasSubscribers && describeAttempts(parseAttemptLog(attemptLog))),
  };
  return await channels.attempt.tracePromise(async () => {
    if (lostWorker !== "") channels.recovery.publish({ ...reported, lostWorker, worker });
    try {
      const outcome = await run();
      report.end = endOf(outcome);
      return outcome;
    } catch (error) {
      report.end = "failed";
      report.reason = describe(error);
      throw error;
    }
  }, report);
}

const DIED: ReadonlySet<AttemptEnd | null> = new Set(["worker_lost", "crashed"]);

/** The last attempt is the one that starts now. */
function describeAttempts(attempts: readonly RunAttempt[]): Pick<AttemptReport, "startedAtMs" | "died"> {
  const [previous, current] = [attempts.at(-2), attempts.at(-1)];
  const hasDied = previous !== undefined && DIED.has(previous.end);
  return { startedAtMs: current?.started_at_ms, ...(hasDied && { died: previous }) };
}

function endOf(outcome: AttemptOutcome): AttemptEnd {
  switch (outcome.kind) {
    case "requeued":
      return outcome.end;
    case "handed-over":
      return "handed_over";
    case "lost":
      return "fenced";
    case "ended":
    case "not-needed":
      return "ended";
  }
}
