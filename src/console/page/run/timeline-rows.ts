/** The rows of a timeline: the run's steps, the turns they belong to, and what happened between them. */
import type { RunAttempt } from "../../../protocol/run.ts";
import type { Step } from "./run-log.ts";

export type TimelineRow =
  | { type: "step"; index: number }
  | { type: "turn"; number: number }
  | { type: "mark"; mark: Mark };

/** Something that happened to the run and is no item of it. */
export interface Mark {
  atMs: number;
  kind: "start" | "wait" | "trouble";
  attempt: RunAttempt;
}

export interface TimelineParts {
  steps: readonly Step[];
  marks: readonly Mark[];
  /** The index of the step at which each turn begins. */
  turnStarts: readonly number[];
  timeOf: (sequenceNumber: number) => number | undefined;
}

/** Rows from `firstStep` on. Without times of steps, marks cannot be placed and come first. */
export function arrangeRows({ steps, marks, turnStarts, timeOf }: TimelineParts, firstStep = 0): TimelineRow[] {
  const rows: TimelineRow[] = [];
  let turns = 0;
  let nextMark = 0;
  for (const [index, step] of steps.entries()) {
    const addedMs = timeOf(step.addedAt) ?? Number.POSITIVE_INFINITY;
    while (nextMark < marks.length && marks[nextMark]!.atMs <= addedMs) {
      if (index >= firstStep) rows.push({ type: "mark", mark: marks[nextMark]! });
      nextMark += 1;
    }
    const before = turns;
    while (turns < turnStarts.length && turnStarts[turns]! <= index) turns += 1;
    // A turn that wrote nothing begins where the next one does.
    if (turns > before && index >= firstStep) rows.push({ type: "turn", number: turns });
    if (index >= firstStep) rows.push({ type: "step", index });
  }
  for (const mark of marks.slice(nextMark)) rows.push({ type: "mark", mark });
  return rows;
}

/** The marks of a run's attempts, in the order of their times. An undisturbed run has only its start. */
export function marksOf(attempts: readonly RunAttempt[]): Mark[] {
  const marks = attempts.flatMap((attempt): Mark[] => {
    const start: Mark = { atMs: attempt.started_at_ms, kind: "start", attempt };
    if (attempt.end === null || attempt.ended_at_ms === null || attempt.end === "ended") return [start];
    const kind = attempt.end === "waited" || attempt.end === "handed_over" ? "wait" : "trouble";
    return [start, { atMs: attempt.ended_at_ms, kind, attempt }];
  });
  return marks.toSorted((a, b) => a.atMs - b.atMs);
}
