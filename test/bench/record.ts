/**
 * How fast events are recorded: many responses at once, each through an `EventWriter`, as in a worker. The limit is the
 * same bytes through the same client, as plain XADDs in pipelines.
 */
import { compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { beginRecording, type BenchStorage, openBenchStorage, outputOf, type Recording } from "./recording.ts";
import type { EventDraft } from "../../src/protocol/event.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";
import { EventWriter } from "../../src/stream/log/event-writer.ts";

const RESPONSES = 50;
/** Per response. */
export const EVENTS = 400;
const TURNS = 7;
const PIPELINE = 100;

export async function measureRecording(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "record");
  const drafts = outputOf(EVENTS);
  const limit = (turn: number) => addAll(storage, `raw-${turn}`, drafts);
  const ours = () => recordAll(storage, drafts);
  await takeTurns(2, limit, ours);
  return [
    compare({
      name: `events recorded, ${RESPONSES} responses at once`,
      unit: "1/s",
      limitName: "pipelined XADD of the same bytes",
      turns: await takeTurns(TURNS, limit, ours),
      of: (perSecond) => perSecond,
      target: { kind: "ratio-at-least", value: 20_000 / 75_000 },
    }),
  ];
}

/** Events recorded per second, by as many writers as a worker has slots. */
export async function recordAll(storage: BenchStorage, drafts: readonly EventDraft[]): Promise<number> {
  const recordings = await Promise.all(Array.from({ length: RESPONSES }, () => beginRecording(storage)));
  const seconds = await timed(() => Promise.all(recordings.map((recording) => write(storage, recording, drafts))));
  await Promise.all(recordings.map(({ id }) => storage.records.erase(id, 0)));
  return (RESPONSES * EVENTS) / seconds;
}

async function write(storage: BenchStorage, recording: Recording, drafts: readonly EventDraft[]): Promise<void> {
  const { signal } = new AbortController();
  const writer = new EventWriter({ log: storage.log, ...recording, signal, onFailure: () => {} });
  for (const draft of drafts) await writer.write(draft);
  await writer.flush();
}

async function addAll({ redis }: BenchStorage, name: string, drafts: readonly EventDraft[]): Promise<number> {
  const events = sequenceEvents(2, drafts);
  const keys = Array.from({ length: RESPONSES }, (_, i) => `${name}:${i}`);
  const seconds = await timed(async () => {
    const pipelines: Promise<unknown>[] = [];
    for (let first = 0; first < events.length; first += PIPELINE) {
      for (const key of keys) {
        const pipeline = redis.pipeline();
        for (const [i, data] of events.slice(first, first + PIPELINE).entries()) {
          pipeline.xadd(key, `${first + i + 2}-1`, "d", data);
        }
        pipelines.push(pipeline.exec());
      }
    }
    await Promise.all(pipelines);
  });
  await redis.unlink(...keys);
  return (RESPONSES * EVENTS) / seconds;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return (performance.now() - startedMs) / 1000;
}
