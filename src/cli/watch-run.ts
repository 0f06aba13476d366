/** Asks now and then what a run waits for: while it waits, it has no events that say so. */
import { setTimeout as delay } from "node:timers/promises";
import type OpenAI from "openai";
import type { Run } from "../protocol/run.ts";
import { readRun } from "./read-run.ts";
import { describeStep } from "./words/step.ts";

const INTERVAL_MS = 2_000;
/** A shorter wait is none. */
const NOTABLE_MS = 1_000;
const WAITS: ReadonlySet<Run["step"]["type"]> = new Set([
  "queued",
  "waiting_for_provider",
  "waiting_for_configuration",
  "waiting_for_redis",
  "recovering",
]);

export interface WatchedRun {
  /** In words; undefined while the run works. */
  wait: { type: string; words: string } | undefined;
  /** So far; undefined before the first model call has ended. */
  tokens: number | undefined;
}

/** Ends with the signal, or at the first answer that says that the server has no such thing. */
export async function watchRun(
  client: OpenAI,
  id: string,
  signal: AbortSignal,
  onRun: (run: WatchedRun) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { run, nowMs } = await readRun(client, id, signal);
      const { step, usage } = run;
      const isWaiting = WAITS.has(step.type) && nowMs - step.since_ms >= NOTABLE_MS;
      const wait = isWaiting ? { type: step.type, words: describeStep(step, nowMs) } : undefined;
      onRun({ wait, tokens: usage?.total_tokens });
    } catch (error) {
      // Another server of this API. Other failures are those of following, which reports them.
      if (error instanceof Error && "status" in error && error.status === 404) return;
    }
    await delay(INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
}
