/**
 * How fast webhooks are enqueued while the same process records events at full speed: from the settling of ended responses to
 * their jobs in the queue, one per response. The limit is the same settling in a project without an endpoint.
 */
import { newId } from "../../src/protocol/id.ts";
import { settleEndedResponse } from "../../src/responses/ending/settle-ended-response.ts";
import { EventWriter } from "../../src/stream/log/event-writer.ts";
import { sampleRecord } from "../support/samples.ts";
import { compare, type Figure, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { beginRecording, type BenchStorage, openBenchStorage, outputOf } from "./recording.ts";

const RESPONSES = 1_000;
const TURNS = 5;
const WRITERS = 25;
const EVENTS = 200;
const ENDPOINT = {
  name: "Bench",
  url: "https://example.com/",
  event_types: ["response.completed" as const],
};

export async function measureWebhooks(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "webhooks");
  const stopping = new AbortController();
  const load = Promise.all(Array.from({ length: WRITERS }, () => recordUntilStopped(storage, stopping.signal)));
  const limit = () => settleAll(storage, newId("item", 12), false);
  const ours = () => settleAll(storage, newId("item", 12), true);
  const turns = await takeTurns(TURNS, limit, ours);
  stopping.abort();
  await load;
  return [
    compare({
      name: "webhooks enqueued beside full load",
      unit: "1/s",
      limitName: "ends settled without an endpoint",
      turns,
      of: (perSecond) => perSecond,
      target: { kind: "at-least", value: 1_000 },
    }),
  ];
}

/** Ended responses per second, until each has its job if the project has an endpoint. */
async function settleAll(storage: BenchStorage, project: string, hasEndpoint: boolean): Promise<number> {
  if (hasEndpoint) await storage.webhooks.endpoints.create(project, ENDPOINT, 1);
  const ids = await Promise.all(Array.from({ length: RESPONSES }, () => endResponse(storage, project)));
  const startedMs = performance.now();
  await Promise.all(ids.map((id) => settleEndedResponse(storage, id)));
  while ((await storage.redis.zcard(storage.layout.webhookOutbox)) > 0) await storage.webhooks.relay.close();
  const seconds = (performance.now() - startedMs) / 1000;
  await Promise.all(ids.map((id) => storage.records.erase(id, 0)));
  return RESPONSES / seconds;
}

/** A response that has ended and is not settled. */
async function endResponse({ records, inFlight, redis, layout }: BenchStorage, project: string): Promise<string> {
  const record = sampleRecord({ project });
  await inFlight.add(record.id, record.createdAtMs);
  await records.create(record);
  await redis.hset(layout.meta(record.id), "status", "completed", "expiresAtMs", Date.now() + 60_000);
  return record.id;
}

async function recordUntilStopped(storage: BenchStorage, stop: AbortSignal): Promise<void> {
  const drafts = outputOf(EVENTS);
  const { signal } = new AbortController();
  while (!stop.aborted) {
    const recording = await beginRecording(storage);
    const writer = new EventWriter({ log: storage.log, ...recording, signal, onFailure: () => {} });
    for (const draft of drafts) await writer.write(draft);
    await writer.flush();
    await storage.records.erase(recording.id, 0);
  }
}
