import { describe, expect, test } from "vitest";
import type { Step } from "../../../../../src/console/page/run/run-log.ts";
import { arrangeRows, marksOf, type TimelineRow } from "../../../../../src/console/page/run/timeline-rows.ts";
import type { AttemptEnd, RunAttempt } from "../../../../../src/protocol/run.ts";

/** Steps that are added at these times. */
function stepsAt(...times: number[]): Step[] {
  return times.map((addedAt, index) => ({
    index,
    item: { type: "reasoning", id: `rs_${index}`, summary: [] },
    addedAt,
    doneAt: addedAt,
  }));
}

function attempt(
  number: number,
  startMs: number,
  endMs: number | null = null,
  end: AttemptEnd | null = null,
): RunAttempt {
  const reason = end === null || end === "ended" ? null : "It broke.";
  return { attempt: number, worker: `w${number}`, started_at_ms: startMs, ended_at_ms: endMs, end, reason, count: 1 };
}

function describeRows(rows: readonly TimelineRow[]): string[] {
  return rows.map((row) => {
    if (row.type === "step") return `step ${row.index}`;
    if (row.type === "turn") return `turn ${row.number}`;
    return `${row.mark.kind} ${row.mark.attempt.attempt}`;
  });
}

const timeOf = (number: number): number => number;

describe("a timeline", () => {
  test("has each turn before its first step", () => {
    const rows = arrangeRows({ steps: stepsAt(1, 2, 3, 4), marks: [], turnStarts: [0, 3], timeOf });
    expect(describeRows(rows)).toEqual(["turn 1", "step 0", "step 1", "step 2", "turn 2", "step 3"]);
  });

  test("shows one turn where others wrote nothing", () => {
    const rows = arrangeRows({ steps: stepsAt(1, 2), marks: [], turnStarts: [0, 1, 1], timeOf });
    expect(describeRows(rows)).toEqual(["turn 1", "step 0", "turn 3", "step 1"]);
  });

  test("has a lost worker between the steps around it", () => {
    const marks = marksOf([attempt(1, 5, 25, "worker_lost"), attempt(2, 28)]);
    const rows = arrangeRows({ steps: stepsAt(10, 20, 30), marks, turnStarts: [], timeOf });
    expect(describeRows(rows)).toEqual(["start 1", "step 0", "step 1", "trouble 1", "start 2", "step 2"]);
  });

  test("ends with what came after the last step", () => {
    const marks = marksOf([attempt(1, 5, 40, "waited")]);
    expect(describeRows(arrangeRows({ steps: stepsAt(10), marks, turnStarts: [], timeOf }))).toEqual([
      "start 1",
      "step 0",
      "wait 1",
    ]);
  });

  test("leaves out what comes before its first step", () => {
    const marks = marksOf([attempt(1, 5)]);
    const rows = arrangeRows({ steps: stepsAt(10, 20, 30), marks, turnStarts: [0, 2], timeOf }, 1);
    expect(describeRows(rows)).toEqual(["step 1", "turn 2", "step 2"]);
  });
});

describe("an attempt", () => {
  test("that reached the end leaves only its start", () => {
    expect(marksOf([attempt(1, 5, 9, "ended")]).map(({ kind }) => kind)).toEqual(["start"]);
  });
});
