/** The rows of a timeline: the run's steps, the turns they belong to, and what happened between them. */
import type { OutputItem } from "../../../protocol/item.ts";
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

/** Rows from `firstStep` on. Without times of steps, marks cannot be placed and come first. */
export function arrangeRows(
  steps: readonly Step[],
  marks: readonly Mark[],
  timeOf: (sequenceNumber: number) => number | undefined,
  firstStep = 0,
): TimelineRow[] {
  const rows: TimelineRow[] = [];
  let turn = 0;
  let nextMark = 0;
  for (const [index, step] of steps.entries()) {
    const addedMs = timeOf(step.addedAt);
    while (nextMark < marks.length && (addedMs === undefined || marks[nextMark]!.atMs <= addedMs)) {
      if (index >= firstStep) rows.push({ type: "mark", mark: marks[nextMark]! });
      nextMark += 1;
    }
    if (beginsTurn(steps[index - 1], step, timeOf)) {
      turn += 1;
      if (index >= firstStep) rows.push({ type: "turn", number: turn });
    }
    if (index >= firstStep) rows.push({ type: "step", index });
  }
  for (const mark of marks.slice(nextMark)) rows.push({ type: "mark", mark });
  return rows;
}

/** Calls of one turn are added together; the model takes longer than this to answer. */
const SAME_TURN_MS = 50;

/**
 * The log has no event for a turn. A turn begins where the model writes after the result of a call. For a call after a
 * call, the time between them decides.
 */
function beginsTurn(
  before: Step | undefined,
  step: Step,
  timeOf: (sequenceNumber: number) => number | undefined,
): boolean {
  if (before === undefined) return true;
  if (!isExecutedCall(before.item) || before.doneAt === undefined || before.doneAt > step.addedAt) return false;
  if (step.item.type === "reasoning" || step.item.type === "message") return true;
  const endMs = timeOf(before.doneAt);
  const startMs = timeOf(step.addedAt);
  return endMs !== undefined && startMs !== undefined && startMs - endMs > SAME_TURN_MS;
}

const EXECUTED_CALLS = new Set<OutputItem["type"]>([
  "web_search_call",
  "mcp_call",
  "code_interpreter_call",
  "file_search_call",
  "image_generation_call",
  "shell_call_output",
  "function_call_output",
]);

function isExecutedCall(item: OutputItem): boolean {
  return EXECUTED_CALLS.has(item.type);
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
