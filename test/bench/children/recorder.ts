/** Appends to logs at a given pace, in a process of its own. */
import { setTimeout as delay } from "node:timers/promises";
import type { EventLog } from "../../../src/stream/log/event-log.ts";
import { nowMs } from "../measurement.ts";
import { type BenchStorage, encodeToTheEnd, openBenchStorage, outputOf, type Recording } from "../recording.ts";
import { openingState, sampleResponse } from "../../support/samples.ts";
import { answerQuestions } from "./answer.ts";

export interface RecorderQuestion {
  kind: "offer";
  redisUrl: string;
  prefix: string;
  recording: Omit<Recording, "state">;
  events: number;
  perSecond: number;
}

export interface RecorderReply {
  startedAtMs: number;
  endedAtMs: number;
}

const TICK_MS = 5;
const BATCH = 500;

let storage: BenchStorage | undefined;

answerQuestions(
  async ({ redisUrl, prefix, recording, events, perSecond }: RecorderQuestion): Promise<RecorderReply> => {
    storage ??= await openBenchStorage(redisUrl, prefix);
    const encoded = encodeToTheEnd(
      { ...recording, state: openingState(sampleResponse({}, recording.id)) },
      outputOf(events),
    );
    const startedAtMs = nowMs();
    await offer(storage.log, recording, encoded, perSecond);
    return { startedAtMs, endedAtMs: nowMs() };
  },
);

/** Every few milliseconds appends the events that are due, at most this many per append. */
async function offer(
  log: EventLog,
  { id, lease, last }: Omit<Recording, "state">,
  encoded: readonly string[],
  perSecond: number,
): Promise<void> {
  const startedMs = performance.now();
  let sent = 0;
  while (sent < encoded.length) {
    const due = Math.ceil(((performance.now() - startedMs + TICK_MS) / 1000) * perSecond);
    const events = encoded.slice(sent, Math.min(due, sent + BATCH));
    if (events.length > 0) {
      const isLast = sent + events.length === encoded.length;
      const status = isLast ? ("completed" as const) : undefined;
      const outcome = await log.append(id, { lease, first: last + 1 + sent, events, status });
      if (outcome.kind !== "appended") throw new Error(`The append was ${outcome.kind}.`);
      sent += events.length;
    }
    if (sent >= due - 1) await delay(TICK_MS);
  }
}
