/**
 * How long a page of `GET /responses` takes while 100,000 responses are kept. The limit is a GET of one response: the same
 * server, the same connection, one read of the log.
 */
import { ANONYMOUS_PROJECT } from "../../src/config/config.ts";
import { createCompletedEvent } from "../../src/lifecycle/lifecycle-events.ts";
import { newResponse, createOpeningEvents } from "../../src/lifecycle/new-response.ts";
import { newId } from "../../src/protocol/id.ts";
import { settleEndedResponse } from "../../src/responses/ending/settle-ended-response.ts";
import { encodeRecord } from "../../src/store/encoded-record.ts";
import { openTokensOf } from "../../src/store/lists/response-list.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";
import { messageEvents, REQUEST, sampleRecord, USAGE } from "../support/samples.ts";
import { compare, type Figure, percentile, takeTurns } from "./figure.ts";
import type { Bench } from "./measurement.ts";
import { startApi } from "./processes.ts";
import { type BenchStorage, openBenchStorage } from "./recording.ts";

const KEPT = 100_000;
const CONCURRENCY = 256;
/** One response in so many has the rare metadata. */
const RARE = 2_000;
const REQUESTS = 200;
const TURNS = 5;
/** A page shows 20 responses, so it may cost as much as 20 reads of one. */
const MAX_RATIO = 20;
const NO_LIMITS = { maxOpen: 0, maxStoredBytes: 0, maxRequestsPerMinute: 0, maxTokensPerMinute: 0 };

export async function measureListing(bench: Bench): Promise<Figure[]> {
  await using storage = await openBenchStorage(bench.redisUrl, "list");
  await using api = await startApi(bench, "list");
  const ids = await keepResponses(storage);
  const url = `http://127.0.0.1:${api.port}/v1/responses`;
  const pages = {
    "first page": "limit=20",
    "page in the middle": `limit=20&after=${ids[KEPT / 2]}`,
    "page of a rare filter": "limit=20&status=completed&metadata[color]=rare",
    "page of a common filter": "limit=20&background=true&status=completed&order=asc",
  };
  const figures: Figure[] = [];
  for (const [name, query] of Object.entries(pages)) {
    const turns = await takeTurns(
      TURNS,
      () => readOften(`${url}/${ids[KEPT / 4]}`),
      () => readOften(`${url}?${query}`),
    );
    for (const at of [50, 99]) {
      figures.push(
        compare({
          name: `${name} of ${KEPT.toLocaleString("en")} kept responses, p${at}`,
          unit: "ms",
          limitName: "a GET of one response",
          turns,
          of: (sortedMs: number[]) => percentile(sortedMs, at),
          ...(at === 50 && { target: { kind: "ratio-at-most", value: MAX_RATIO } as const }),
        }),
      );
    }
  }
  return figures;
}

/** Sorted durations in milliseconds, one request after the other. */
async function readOften(url: string): Promise<number[]> {
  const durations: number[] = [];
  for (let i = 0; i < REQUESTS; i += 1) {
    const startedMs = performance.now();
    const answer = await fetch(url);
    if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
    await answer.arrayBuffer();
    durations.push(performance.now() - startedMs);
  }
  return durations.toSorted((a, b) => a - b);
}

/** Oldest first. */
async function keepResponses(storage: BenchStorage): Promise<string[]> {
  const ids: string[] = [];
  const firstMs = storage.clock.nowMs() - KEPT * 10;
  for (let from = 0; from < KEPT; from += CONCURRENCY) {
    const count = Math.min(CONCURRENCY, KEPT - from);
    const batch = Array.from({ length: count }, (_, i) => keepOne(storage, from + i, firstMs + (from + i) * 10));
    ids.push(...(await Promise.all(batch)));
  }
  return ids;
}

async function keepOne(storage: BenchStorage, index: number, createdAtMs: number): Promise<string> {
  const id = newId("resp");
  const color = index % RARE === 0 ? "rare" : ["red", "green", "blue"][index % 3]!;
  const request = { ...REQUEST, metadata: { color } };
  const opening = newResponse(id, request, Math.floor(createdAtMs / 1000));
  const deadlineMs = storage.clock.nowMs() + 60_000;
  const events = sequenceEvents(0, createOpeningEvents(opening));
  const project = ANONYMOUS_PROJECT;
  const record = sampleRecord({ id, project, createdAtMs, deadlineMs, retentionSeconds: 3_600, events });
  const encoded = await encodeRecord(record);
  const addition = { id, project, nowMs: createdAtMs, bytes: encoded.bytes, listTokens: openTokensOf(request) };
  await storage.records.acceptInOneStep(encoded, addition, NO_LIMITS);
  const acquired = await storage.leases.acquire(id, storage.clock.nowMs(), 3, "bench");
  if (acquired.kind !== "held") throw new Error(`The lease is ${acquired.kind}.`);
  const output = messageEvents(0, ["Hello"]).flatMap((event) =>
    event.type === "response.output_item.done" ? [event.item] : [],
  );
  const terminal = createCompletedEvent({ ...opening, status: "in_progress" }, { output, usage: USAGE }, 1);
  const batch = {
    lease: acquired.lease,
    first: 2,
    events: sequenceEvents(2, [terminal]),
    status: "completed",
  } as const;
  await storage.log.append(id, batch);
  await settleEndedResponse(storage, id, terminal.response);
  return id;
}
