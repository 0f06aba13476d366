/**
 * How fast a long finished response is read from its beginning. The limit is reading the same log page by page with the
 * Redis client, without serving it.
 */
import type { ReceivedReply, SubscribersQuestion } from "./children/subscribers.ts";
import { compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { Child, startApi } from "./processes.ts";
import {
  beginRecording,
  type BenchStorage,
  connectTo,
  encodeToTheEnd,
  openBenchStorage,
  outputOf,
} from "./recording.ts";
import type { RedisClient } from "../../src/redis/script.ts";

const EVENTS = 50_000;
const PAGE = 1_000;
const BATCH = 500;
const TURNS = 5;

export async function measureReplaying(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "replay");
  await using api = await startApi(bench, "replay");
  await using subscribers = new Child<SubscribersQuestion, ReceivedReply>(
    new URL("./children/subscribers.ts", import.meta.url),
  );
  const { id, count } = await recordLong(storage);
  const reader = await connectTo(bench.redisUrl);
  const limit = () => readPages(reader, storage.layout.events(id), count);
  const ours = async (): Promise<number> => {
    const startedMs = performance.now();
    await subscribers.ask({ kind: "open", port: api.port, path: `/v1/responses/${id}?stream=true`, count: 1 });
    const { frames } = await subscribers.ask({ kind: "read-to-the-end" });
    if (frames !== count) throw new Error(`${frames} of ${count} events came.`);
    return count / ((performance.now() - startedMs) / 1000);
  };
  await takeTurns(2, limit, ours);
  const turns = await takeTurns(TURNS, limit, ours);
  reader.disconnect();
  return [
    compare({
      name: `events replayed, ${EVENTS.toLocaleString("en")} in all`,
      unit: "1/s",
      limitName: `XRANGE in pages of ${PAGE.toLocaleString("en")}`,
      turns,
      of: (perSecond) => perSecond,
      target: { kind: "ratio-at-least", value: 0.5 },
    }),
  ];
}

async function recordLong(storage: BenchStorage): Promise<{ id: string; count: number }> {
  const recording = await beginRecording(storage);
  const { id, lease, last } = recording;
  const encoded = encodeToTheEnd(recording, outputOf(EVENTS));
  for (let sent = 0; sent < encoded.length; sent += BATCH) {
    const events = encoded.slice(sent, sent + BATCH);
    const status = sent + BATCH >= encoded.length ? ("completed" as const) : undefined;
    const outcome = await storage.log.append(id, { lease, first: last + 1 + sent, events, status });
    if (outcome.kind !== "appended") throw new Error(`The append was ${outcome.kind}.`);
  }
  return { id, count: last + 1 + encoded.length };
}

async function readPages(redis: RedisClient, key: string, expected: number): Promise<number> {
  const startedMs = performance.now();
  let count = 0;
  for (;;) {
    const page = await redis.xrange(key, `${count}-1`, "+", "COUNT", PAGE);
    count += page.length;
    if (page.length < PAGE) break;
  }
  if (count !== expected) throw new Error(`${count} of ${expected} events were read.`);
  return count / ((performance.now() - startedMs) / 1000);
}
