/**
 * How fast events reach subscribers while they are recorded: the API process, HTTP clients in a process of their own,
 * and a recorder that offers more than can be delivered. The limit is a server that writes the same frames, one per
 * write, to as many clients.
 */
import type { ReceivedReply, SubscribersQuestion } from "./children/subscribers.ts";
import type { BareStreamQuestion, BareStreamReply } from "./children/bare-stream.ts";
import type { RecorderQuestion, RecorderReply } from "./children/recorder.ts";
import { compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, type ServerProcess, startApi } from "./processes.ts";
import { beginRecording, type BenchStorage, openBenchStorage } from "./recording.ts";

/**
 * `perSecond` is the recorder's offer to each subscriber; `bareEvents` is the number of events for measuring the limit.
 */
const LOADS = [
  { subscribers: 4, events: 80_000, perSecond: 80_000, bareEvents: 30_000 },
  { subscribers: 200, events: 6_000, perSecond: 5_000, bareEvents: 1_000 },
];
type Load = (typeof LOADS)[number];
const TURNS = 3;

interface Stage {
  storage: BenchStorage;
  api: ServerProcess;
  subscribers: Child<SubscribersQuestion, ReceivedReply>;
  recorder: Child<RecorderQuestion, RecorderReply>;
  bare: Child<BareStreamQuestion, BareStreamReply>;
  barePort: number;
}

export async function measureDelivering(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "deliver");
  await using api = await startApi(bench, "deliver");
  await using subscribers: Stage["subscribers"] = new Child(new URL("./children/subscribers.ts", import.meta.url));
  await using recorder: Stage["recorder"] = new Child(new URL("./children/recorder.ts", import.meta.url));
  await using bare: Stage["bare"] = new Child(new URL("./children/bare-stream.ts", import.meta.url));
  const { port: barePort } = await bare.ask({ kind: "listen" });
  const stage = { storage, api, subscribers, recorder, bare, barePort };
  const figures: Figure[] = [];
  for (const load of LOADS) {
    const short = { ...load, events: load.events / 4, bareEvents: load.bareEvents / 4 };
    await takeTurns(
      1,
      () => deliverBare(stage, short),
      () => deliver(stage, bench, short),
    );
    const turns = await takeTurns(
      TURNS,
      () => deliverBare(stage, load),
      () => deliver(stage, bench, load),
    );
    figures.push(
      compare({
        name: `events delivered to ${load.subscribers} subscribers`,
        unit: "1/s",
        limitName: "a loop of res.write, one frame each",
        turns,
        of: (perSecond) => perSecond,
        target: { kind: "ratio-at-least", value: 60_000 / 50_000 },
      }),
    );
  }
  return figures;
}

export type DeliveryStage = Pick<Stage, "storage" | "api" | "subscribers" | "recorder">;

/** Frames delivered per second. */
export async function deliver(stage: DeliveryStage, bench: Bench, load: Omit<Load, "bareEvents">): Promise<number> {
  const { storage, api, subscribers, recorder } = stage;
  const recording = await beginRecording(storage);
  const path = `/v1/responses/${recording.id}?stream=true&starting_after=${recording.last}`;
  await subscribers.ask({ kind: "open", port: api.port, path, count: load.subscribers });
  const received = subscribers.ask({ kind: "read-to-the-end" });
  received.catch(() => {}); // if the other side fails first, its error is reported
  const { events, perSecond } = load;
  const question = { redisUrl: bench.redisUrl, prefix: "deliver", recording: withoutState(recording) };
  const recorded = await recorder.ask({ kind: "offer", ...question, events, perSecond });
  const result = await received;
  await storage.records.erase(recording.id, 0);
  // The extra one is the terminal event.
  expectFrames(result, (events + 1) * load.subscribers);
  return result.frames / ((result.endedAtMs - recorded.startedAtMs) / 1000);
}

async function deliverBare({ bare, barePort, subscribers }: Stage, load: Load): Promise<number> {
  await subscribers.ask({ kind: "open", port: barePort, path: "/", count: load.subscribers });
  const received = subscribers.ask({ kind: "read-to-the-end" });
  received.catch(() => {}); // if the other side fails first, its error is reported
  const { startedAtMs } = await bare.ask({ kind: "write", events: load.bareEvents });
  const result = await received;
  expectFrames(result, load.bareEvents * load.subscribers);
  return result.frames / ((result.endedAtMs - startedAtMs) / 1000);
}

function expectFrames({ frames }: ReceivedReply, expected: number): void {
  if (frames !== expected) throw new Error(`${frames} frames came, ${expected} were sent.`);
}

/** The fold contains a Set, which messages between processes cannot carry. */
function withoutState({ id, lease, last }: Awaited<ReturnType<typeof beginRecording>>) {
  return { id, lease, last };
}
