/** Ends a run whose project has reached its spend limit, before its next turn, where SPEND_LIMIT_STOPS_RUNS says so. */
import { NANOS_PER_CENT, NANOS_PER_DOLLAR } from "../../../src/store/organization/usage-counts.ts";
import type { LoopContext } from "./loop-context.ts";

const CAUSE = "The project has reached its spend limit of this month.";

/** What the run itself has cost counts too: the project's sum has only ended responses. Other running ones are not seen. */
export async function hasReachedSpendLimit({ attempt, dependencies }: LoopContext): Promise<boolean> {
  if (dependencies.stopsAtSpendLimit !== true) return false;
  const { clock, projectLimits, usageCounts } = dependencies.storage;
  const { project } = attempt.record;
  const [cents, spentNanos] = await Promise.all([
    projectLimits.readSpendLimit(project),
    usageCounts.readSpendNanos(project, clock.nowMs()),
  ]);
  const ownNanos = (attempt.progress.costUsd ?? 0) * NANOS_PER_DOLLAR;
  if (cents === undefined || spentNanos + ownNanos < cents * NANOS_PER_CENT) return false;
  attempt.progress.noteError("max_output_tokens", "", CAUSE);
  return true;
}
