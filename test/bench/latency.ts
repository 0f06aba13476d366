/**
 * The latency of an event: from a worker's write to a subscriber's receipt, buffers included; and from a POST to the
 * first event of the model.
 */
import type { ListeningReply } from "./children/bare-queue.ts";
import type { PacedQuestion, PacedReply } from "./children/pacer.ts";
import { compare, type Figure, percentile, takeTurns, type Turn } from "./figure.ts";
import { follow, postAndFollow } from "./follow.ts";
import { type Bench, nowMs } from "./measurement.ts";
import { Child, startApi, startWorker } from "./processes.ts";
import { beginRecording, connectTo, openBenchStorage, type Recording } from "./recording.ts";

/** One response that is generated very fast, and many at the speed of models. */
const RESPONSES = [1, 20];
const PER_SECOND = 1_000;
const EVENTS = 2_000;
const TURNS = 3;
const FIRST_EVENTS = 60;

interface Latency {
  p50Ms: number;
  p99Ms: number;
}

const latencyOf = (samples: readonly number[]): Latency => ({
  p50Ms: percentile(samples, 50),
  p99Ms: percentile(samples, 99),
});

export async function measureLatency(bench: Bench): Promise<Figure[]> {
  return [...(await measureWriteToReceipt(bench)), ...(await measureFirstEvent(bench))];
}

async function measureWriteToReceipt(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "latency");
  await using api = await startApi(bench, "latency");
  await using pacer = new Child<PacedQuestion, PacedReply>(new URL("./children/pacer.ts", import.meta.url));
  const pace = { redisUrl: bench.redisUrl, prefix: "latency", events: EVENTS, perSecond: PER_SECOND };
  const figures: Figure[] = [];
  for (const count of RESPONSES) {
    const ours = async (): Promise<Latency> => {
      const recordings = await Promise.all(Array.from({ length: count }, () => beginRecording(storage)));
      return await receiveWritten(api.port, recordings, (begun) =>
        pacer.ask({ kind: "write", ...pace, recordings: begun }),
      );
    };
    const limit = async (turn: number): Promise<Latency> => {
      const keys = Array.from({ length: count }, (_, i) => `raw-${count}-${turn}:${i}`);
      return await receiveAdded(bench, keys, () => pacer.ask({ kind: "add", ...pace, keys }));
    };
    const turns = await takeTurns(TURNS, limit, ours);
    const responses = count === 1 ? "one response" : `${count} responses`;
    const name = `written to received, ${PER_SECOND.toLocaleString("en")} events/s on ${responses}`;
    figures.push(...figuresOf(turns, name, "XADD to XREAD BLOCK", 50));
  }
  return figures;
}

async function receiveWritten(
  port: number,
  recordings: Recording[],
  write: (recordings: Omit<Recording, "state">[]) => Promise<unknown>,
): Promise<Latency> {
  const samples: number[] = [];
  const followed = await Promise.all(
    recordings.map(({ id }) =>
      follow(port, `/v1/responses/${id}?stream=true`, ({ data }) => {
        const writtenMs = stampIn(data);
        if (writtenMs !== undefined) samples.push(nowMs() - writtenMs);
      }),
    ),
  );
  await write(recordings.map(({ id, lease, last }) => ({ id, lease, last })));
  await Promise.all(followed.map(({ ended }) => ended));
  return latencyOf(expectAll(samples));
}

async function receiveAdded(bench: Bench, keys: string[], add: () => Promise<unknown>): Promise<Latency> {
  const reader = await connectTo(bench.redisUrl);
  const samples: number[] = [];
  const last = new Map(keys.map((key) => [key, "0-0"]));
  const added = add();
  added.catch(() => {}); // awaited below, after its effect
  while (samples.length < EVENTS) {
    const read = await reader.xread("BLOCK", 1_000, "STREAMS", ...last.keys(), ...last.values());
    if (read === null) break;
    for (const [key, entries] of read) {
      last.set(key, entries.at(-1)![0]);
      for (const [, fields] of entries) samples.push(nowMs() - stampIn(fields[1]!)!);
    }
  }
  await added;
  reader.disconnect();
  return latencyOf(expectAll(samples));
}

function expectAll(samples: number[]): number[] {
  if (samples.length !== EVENTS) throw new Error(`${samples.length} of ${EVENTS} events came.`);
  return samples;
}

/** The time of a delta's write; undefined for another event. */
function stampIn(data: string): number | undefined {
  const stamp = /"delta":"@([\d.]+)"/.exec(data)?.[1];
  return stamp === undefined ? undefined : Number(stamp);
}

async function measureFirstEvent(bench: Bench): Promise<Figure[]> {
  await using api = await startApi(bench, "first");
  await using _worker = await startWorker(bench, "first");
  await using bare = new Child<object, ListeningReply>(new URL("./children/bare-queue.ts", import.meta.url));
  const { port: barePort } = await bare.ask({ redisUrl: bench.redisUrl, works: true });
  const limit = async (): Promise<Latency> => latencyOf(await repeat(() => untilBegun(barePort)));
  const ours = async (): Promise<Latency> => latencyOf(await repeat(() => untilFirstOutput(api.port)));
  await takeTurns(1, limit, ours);
  const turns = await takeTurns(TURNS, limit, ours);
  return figuresOf(turns, "POST to first output event", "Express 5, queue.add, job begun");
}

async function repeat(once: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < FIRST_EVENTS; i += 1) samples.push(await once());
  return samples;
}

const REQUEST = {
  model: "simulator/default",
  input: "Tell me about durable logs.",
  background: true,
  stream: true,
  metadata: { "simulator.tokens": "3", "simulator.delay_ms": "0" },
};

async function untilFirstOutput(port: number): Promise<number> {
  const startedMs = performance.now();
  let firstMs: number | undefined;
  const followed = await postAndFollow(port, REQUEST, ({ type }) => {
    if (type === "response.output_item.added") firstMs ??= performance.now();
  });
  await followed.ended;
  if (firstMs === undefined) throw new Error("The stream ended without output.");
  return firstMs - startedMs;
}

async function untilBegun(port: number): Promise<number> {
  const startedMs = performance.now();
  const followed = await postAndFollow(port, REQUEST, () => {});
  const begunMs = performance.now();
  await followed.ended;
  return begunMs - startedMs;
}

function figuresOf(turns: readonly Turn<Latency>[], name: string, limitName: string, p99AtMost?: number): Figure[] {
  const shared = { unit: "ms", limitName, turns };
  const target = p99AtMost === undefined ? {} : { target: { kind: "at-most" as const, value: p99AtMost } };
  return [
    compare({ ...shared, name: `${name}, p50`, of: ({ p50Ms }) => p50Ms }),
    compare({ ...shared, name: `${name}, p99`, of: ({ p99Ms }) => p99Ms, ...target }),
  ];
}
