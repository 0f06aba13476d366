/** Reports an attempt: its start, its recovery of a lost run, and how it ended. */
import type { AttemptEnd } from "../../src/protocol/run.ts";
import { type AttemptReport, channels } from "../../src/telemetry/channels.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { HeldOutcome } from "./acquire-lease.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { describe } from "./release-lease.ts";

export async function reportAttempt(
  { workerName: worker }: { workerName: string },
  { record, writer, progress }: Attempt,
  { lostWorker }: HeldOutcome,
  run: () => Promise<AttemptOutcome>,
): Promise<AttemptOutcome> {
  const { reported, attempt } = progress;
  if (lostWorker !== "") channels.recovery.publish({ ...reported, lostWorker, worker });
  const { background } = writer.state.response;
  const report: AttemptReport = { ...reported, attempt, worker, background, acceptedAtMs: record.createdAtMs };
  return await channels.attempt.tracePromise(async () => {
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
