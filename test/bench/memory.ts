/** The cost of a waiting subscriber in the API's memory, and of a stored event in Redis's memory. */
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import type { BareStreamQuestion, BareStreamReply } from "./children/bare-stream.ts";
import type { ReceivedReply, SubscribersQuestion } from "./children/subscribers.ts";
import { besideGiven, compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, startApi } from "./processes.ts";
import { beginRecording, type BenchStorage, openBenchStorage, outputOf } from "./recording.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";

/** Subscribers that connect first: they take the heap's own steps of growth, which are not per subscriber. */
const FIRST = 2_000;
const SUBSCRIBERS = 6_000;
const TURNS = 3;
const EVENTS = 5_000;
const BATCH = 500;

export async function measureMemory(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "memory");
  const figures = [await measureStoredEvent(storage)];
  if (process.platform === "linux") figures.unshift(await measureIdleSubscriber(bench, storage));
  return figures;
}

type Subscribers = Child<SubscribersQuestion, ReceivedReply>;

async function measureIdleSubscriber(bench: Bench, storage: BenchStorage): Promise<Figure> {
  await using subscribers: Subscribers = new Child(new URL("./children/subscribers.ts", import.meta.url));
  const { id } = await beginRecording(storage);
  const limit = async (): Promise<number> => {
    await using bare = new Child<BareStreamQuestion, BareStreamReply>(
      new URL("./children/bare-stream.ts", import.meta.url),
    );
    const { port } = await bare.ask({ kind: "listen" });
    return await memoryOfEach(subscribers, { pid: bare.pid, port }, "/");
  };
  const ours = async (): Promise<number> => {
    await using api = await startApi(bench, "memory");
    return await memoryOfEach(subscribers, api, `/v1/responses/${id}?stream=true`);
  };
  return compare({
    name: `memory of an idle subscriber, ${SUBSCRIBERS.toLocaleString("en")} of them`,
    unit: "KiB",
    limitName: "an open node:http answer",
    turns: await takeTurns(TURNS, limit, ours),
    of: (bytes) => bytes / 1024,
    target: { kind: "at-most", value: 30 },
  });
}

/** In bytes. */
async function memoryOfEach(
  subscribers: Subscribers,
  server: { pid: number; port: number },
  path: string,
): Promise<number> {
  const { pid, port } = server;
  await subscribers.ask({ kind: "open", port, path, count: FIRST });
  const before = await settledMemory(pid);
  await subscribers.ask({ kind: "open", port, path, count: SUBSCRIBERS });
  const after = await settledMemory(pid);
  await subscribers.ask({ kind: "close" });
  return (after - before) / SUBSCRIBERS;
}

const PAGE_BYTES = 4096;
const SETTLE_MS = 300;
/** The heap releases unused memory in one step per collection. */
const COLLECTIONS = 4;

async function settledMemory(pid: number): Promise<number> {
  for (let i = 0; i < COLLECTIONS; i += 1) {
    process.kill(pid, "SIGUSR2");
    await delay(SETTLE_MS);
  }
  const pages = (await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1];
  return Number(pages) * PAGE_BYTES;
}

async function measureStoredEvent(storage: BenchStorage): Promise<Figure> {
  const { id, lease, last } = await beginRecording(storage);
  const encoded = sequenceEvents(last + 1, outputOf(EVENTS));
  for (let sent = 0; sent < encoded.length; sent += BATCH) {
    await storage.log.append(id, { lease, first: last + 1 + sent, events: encoded.slice(sent, sent + BATCH) });
  }
  const stored = Number(await storage.redis.memory("USAGE", storage.layout.events(id), "SAMPLES", 0));
  const count = last + 1 + EVENTS;
  const payloadBytes = encoded.reduce((sum, data) => sum + Buffer.byteLength(data), 0) / EVENTS;
  return besideGiven("memory of an event in Redis", "bytes", [stored / count], {
    name: "its JSON alone",
    value: payloadBytes,
  });
}
