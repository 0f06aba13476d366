/** Writes deltas that contain the time of their write, evenly in time, to several logs in turn. */
import { setTimeout as delay } from "node:timers/promises";
import type { EventDraft } from "../../../src/protocol/event.ts";
import { EventWriter } from "../../../src/stream/log/event-writer.ts";
import { messageEvents, openingState, sampleResponse } from "../../support/samples.ts";
import { nowMs } from "../measurement.ts";
import { type BenchStorage, endingOf, openBenchStorage, type Recording } from "../recording.ts";
import { answerQuestions } from "./answer.ts";

interface Pace {
  redisUrl: string;
  prefix: string;
  /** In all. */
  events: number;
  perSecond: number;
}

export type PacedQuestion =
  /** Through a worker's event writer. */
  | (Pace & { kind: "write"; recordings: Omit<Recording, "state">[] })
  /** Plain XADDs. */
  | (Pace & { kind: "add"; keys: string[] });

export interface PacedReply {
  endedAtMs: number;
}

const TICK_MS = 1;
const ITEM_ID = "msg_bench";

let storage: BenchStorage | undefined;

answerQuestions(async (question: PacedQuestion): Promise<PacedReply> => {
  storage ??= await openBenchStorage(question.redisUrl, question.prefix);
  await (question.kind === "write" ? writeAll(storage, question) : addAll(storage, question));
  return { endedAtMs: nowMs() };
});

async function writeAll({ log }: BenchStorage, question: Extract<PacedQuestion, { kind: "write" }>): Promise<void> {
  const { signal } = new AbortController();
  const writers = question.recordings.map((recording) => {
    const state = openingState(sampleResponse({}, recording.id));
    return new EventWriter({ log, ...recording, state, signal, onFailure: () => {} });
  });
  const [added, partAdded, ...dones] = messageEvents(0, [], ITEM_ID);
  await Promise.all(writers.map((writer) => writer.write(added!, partAdded!)));
  await evenly(question, async (i) => await writers[i % writers.length]!.write(stampedDelta()));
  for (const writer of writers) {
    await writer.write(...dones);
    await writer.write(endingOf(writer.state.response, question.events));
    await writer.flush();
  }
}

async function addAll({ redis }: BenchStorage, question: Extract<PacedQuestion, { kind: "add" }>): Promise<void> {
  const added: Promise<unknown>[] = [];
  await evenly(question, async (i) => {
    added.push(redis.xadd(question.keys[i % question.keys.length]!, `${i + 1}-1`, "d", JSON.stringify(stampedDelta())));
  });
  await Promise.all(added);
}

function stampedDelta(): EventDraft {
  const at = { item_id: ITEM_ID, output_index: 0, content_index: 0 };
  return { type: "response.output_text.delta", ...at, delta: `@${nowMs()}`, logprobs: [] };
}

async function evenly({ events, perSecond }: Pace, perform: (i: number) => Promise<void>): Promise<void> {
  const startedMs = performance.now();
  for (let i = 0; i < events; i += 1) {
    const dueMs = startedMs + (i / perSecond) * 1000;
    while (performance.now() < dueMs) await delay(TICK_MS);
    await perform(i);
  }
}
