import { expect, test } from "vitest";
import { describeRun } from "../../../../src/cli/words/run.ts";
import type { Run, RunAttempt, RunStep } from "../../../../src/protocol/run.ts";

const STARTED_MS = 1_000_000;

function runOf(step: RunStep, attempts: RunAttempt[], attempt_count = attempts.length): Run {
  return {
    object: "response.run",
    id: "resp_1",
    project: "lab",
    status: "in_progress",
    background: true,
    model: "lab/large",
    served_model: "lab/large",
    step,
    created_at_ms: STARTED_MS,
    started_at_ms: STARTED_MS,
    first_event_at_ms: null,
    ended_at_ms: null,
    last_event_at_ms: STARTED_MS,
    deadline_at_ms: STARTED_MS + 3_600_000,
    last_sequence_number: 2,
    worker: "w:1",
    attempts,
    attempt_count,
    wait_count: 0,
    turn_count: 0,
    turn_starts: [],
    tool_calls: {},
    usage: null,
    cost_usd: null,
    error: null,
  };
}

const attempt = (fields: Partial<RunAttempt>): RunAttempt => ({
  attempt: 1,
  worker: "w:1",
  started_at_ms: STARTED_MS,
  ended_at_ms: null,
  end: null,
  reason: null,
  count: 1,
  ...fields,
});
const starting: RunStep = { type: "starting", since_ms: STARTED_MS };

const attemptsOf = (run: Run): string[] => {
  const lines = describeRun(run, STARTED_MS + 5_000);
  return lines.slice(lines.findIndex((line) => line.startsWith("attempts")));
};

test("attempts have the numbers of their order, and only the last one runs", () => {
  const handedOver = attempt({ end: "handed_over", ended_at_ms: STARTED_MS + 2_000 });
  expect(attemptsOf(runOf(starting, [handedOver, attempt({}), attempt({ worker: "w:2" })]))).toEqual([
    "attempts 3:",
    "  1. w:1: handed over after 2 s",
    "  2. w:1: lost",
    "  3. w:2: running",
  ]);
});

test("attempts in a row with the same end are one line with their numbers", () => {
  const left = { end: "left_to_others", ended_at_ms: STARTED_MS + 60_000, reason: "It lacks the model." } as const;
  expect(attemptsOf(runOf(starting, [attempt({ ...left, count: 49 }), attempt({})], 60))).toEqual([
    "attempts 60, the last 50:",
    "  11–59. w:1: left to others 49 times within 1 min: It lacks the model.",
    "  60. w:1: running",
  ]);
});

test("a run whose worker is gone says once that nobody is alive", () => {
  const step: RunStep = { type: "recovering", since_ms: STARTED_MS, reason: "Its worker is gone.", workers: 0 };
  const run = runOf(step, [attempt({})]);
  expect(describeRun(run, STARTED_MS + 5_000)).toContain(
    "step     recovering for 5 s: Its worker is gone; no worker is alive, so nothing will start it: run `background-responses worker`",
  );
  expect(attemptsOf(run)).toEqual(["attempts 1:", "  1. w:1: lost"]);
});
