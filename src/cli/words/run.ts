/** A run in words: what it does, what it has done, and why it ended. */
import type { Run, RunAttempt } from "../../protocol/run.ts";
import { describeCount, describeDuration } from "./duration.ts";
import { describeStep } from "./step.ts";

/** Lines with a label of the same width. `nowMs` is the server's time. */
export function describeRun(run: Run, nowMs: number): string[] {
  const rows: [label: string, text: string | undefined][] = [
    ["status", run.status],
    ["step", run.ended_at_ms === null ? describeStep(run.step, nowMs) : approvalOf(run, nowMs)],
    [
      "model",
      run.served_model === null || run.served_model === run.model
        ? run.model
        : `${run.model}, served by ${run.served_model}`,
    ],
    ["time", describeTimes(run, nowMs)],
    [
      "events",
      `${describeCount(run.last_sequence_number + 1)}, the last one ${describeDuration(nowMs - run.last_event_at_ms)} ago`,
    ],
    ["turns", describeCount(run.turn_count)],
    ["tools", describeTools(run)],
    [
      "tokens",
      run.usage === null
        ? undefined
        : `${describeCount(run.usage.input_tokens)} in, ${describeCount(run.usage.output_tokens)} out`,
    ],
    ["cost", run.cost_usd === null ? undefined : `$${run.cost_usd.toFixed(4)}`],
    ["waits", run.wait_count === 0 ? undefined : describeCount(run.wait_count)],
    ["worker", run.worker ?? undefined],
    ["error", run.error === null ? undefined : `${run.error.code}: ${run.error.message}`],
    ["cause", run.error?.cause ?? undefined],
  ];
  const lines = rows.flatMap(([label, text]) => (text === undefined ? [] : [`${label.padEnd(9)}${text}`]));
  return [run.id, ...lines, ...describeAttempts(run)];
}

function approvalOf({ step }: Run, nowMs: number): string | undefined {
  return step.type === "waiting_for_approval" ? describeStep(step, nowMs) : undefined;
}

function describeTimes(run: Run, nowMs: number): string {
  const created = `created ${new Date(run.created_at_ms).toISOString()}`;
  const waited =
    run.started_at_ms === null ? [] : [`started after ${describeDuration(run.started_at_ms - run.created_at_ms)}`];
  const from = run.started_at_ms ?? run.created_at_ms;
  const ran =
    run.ended_at_ms === null
      ? `running for ${describeDuration(nowMs - from)}, at most ${describeDuration(run.deadline_at_ms - nowMs)} more`
      : `ended after ${describeDuration(run.ended_at_ms - from)}`;
  return [created, ...waited, ran].join(", ");
}

function describeTools({ tool_calls }: Run): string | undefined {
  const kinds = Object.entries(tool_calls).map(([kind, { completed, failed }]) =>
    failed === 0 ? `${kind} ${completed}` : `${kind} ${completed + failed} (${failed} failed)`,
  );
  return kinds.length === 0 ? undefined : kinds.join(", ");
}

function describeAttempts({ attempts, attempt_count, step }: Run): string[] {
  if (attempts.length === 0) return [];
  const hidden = attempt_count - attempts.reduce((sum, { count }) => sum + count, 0);
  const heading =
    hidden > 0 ? `attempts ${attempt_count}, the last ${attempt_count - hidden}:` : `attempts ${attempt_count}:`;
  const isLost = step.type === "recovering";
  let number = Math.max(0, hidden);
  const lines = attempts.map((each, i) => {
    number += each.count;
    return describeAttempt(each, number, isLost || i < attempts.length - 1);
  });
  return [heading, ...lines];
}

/** `isOver`: an attempt without an end is one whose worker was lost. */
function describeAttempt(
  { worker, started_at_ms, ended_at_ms, end, reason, count }: RunAttempt,
  last: number,
  isOver: boolean,
): string {
  const times = count === 1 ? "after" : `${count} times within`;
  const words = end?.replaceAll("_", " ") ?? (isOver ? "lost" : "running");
  const lasted = ended_at_ms === null ? "" : ` ${times} ${describeDuration(ended_at_ms - started_at_ms)}`;
  const number = count === 1 ? `${last}` : `${last - count + 1}–${last}`;
  return `  ${number}. ${worker}: ${words}${lasted}${reason === null ? "" : `: ${reason}`}`;
}
