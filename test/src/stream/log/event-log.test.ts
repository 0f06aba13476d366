import { afterAll, describe, expect, test } from "vitest";
import type { EventDraft } from "../../../../src/protocol/event.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import { EventLogReader, type LoggedEvent, eventTypeOf } from "../../../../src/stream/log/event-log-reader.ts";
import { PAGE_BYTES } from "../../../../src/stream/log/log-page.ts";
import { foldLog } from "../../../../src/stream/log/snapshot.ts";
import { startCuttingProxy } from "../../../support/cutting-proxy.ts";
import { pollUntil } from "../../../support/poll-until.ts";
import { testRedisUrl, uniquePrefix } from "../../../support/redis.ts";
import { messageEvents, openingState, sampleRecord } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage } from "../../../support/storage.ts";
import { createCancelledEvent, createInProgressEvent } from "../../../../src/lifecycle/lifecycle-events.ts";

const storage = await openTestStorage();
afterAll(() => storage[Symbol.asyncDispose]());

const message = (first: number, words = ["a"]) => sequenceEvents(first, messageEvents(0, words));

async function logOf(id: string): Promise<number[]> {
  return (await storage.visibleLogReader.read(id, 0, 1_000)).map((event) => event.sequenceNumber);
}

const LEFT = { end: "failed", reason: "", step: { type: "starting", since_ms: 0 } } as const;

describe("append", () => {
  test("writes a batch after the last event, and readers get the same bytes", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    const events = message(2);
    expect(await storage.log.append(id, { lease, first: 2, events })).toEqual({ kind: "appended", last: 7 });
    const read = await storage.visibleLogReader.read(id, 2, 100);
    expect(read.map((event) => event.data)).toEqual(events);
    expect(read.map((event) => event.sequenceNumber)).toEqual([2, 3, 4, 5, 6, 7]);
    expect(eventTypeOf(read[0]!.data)).toBe("response.output_item.added");
  });

  test("reports a repeated batch as a duplicate", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    const batch = { lease, first: 2, events: message(2) };
    await storage.log.append(id, batch);
    expect(await storage.log.append(id, batch)).toEqual({ kind: "duplicate", last: 7 });
    expect(await logOf(id)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  test("rejects a gap and names the end of the log", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    expect(await storage.log.append(id, { lease, first: 3, events: message(3) })).toEqual({ kind: "gap", last: 1 });
    expect(await logOf(id)).toEqual([0, 1]);
  });

  test("fences a lease that another worker took", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    const next = await storage.leases.acquire(id, Date.now(), 5, "test");
    expect(await storage.log.append(id, { lease, first: 2, events: message(2) })).toEqual({ kind: "fenced", last: 1 });
    expect(next).toMatchObject({ kind: "held", attempt: 2, last: 1 });
    expect(await logOf(id)).toEqual([0, 1]);
  });

  test("accepts nothing after the terminal event", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    const ending = sequenceEvents(2, [createCancelledEvent(openingState().response)]);
    await storage.log.append(id, { lease, first: 2, events: ending, status: "cancelled" });
    expect((await storage.log.append(id, { lease, first: 3, events: message(3) })).kind).toBe("fenced");
    expect(await storage.journals.writeCallStart(id, lease, "call_1")).toBe(false);
    expect((await storage.records.read(id))?.status).toBe("cancelled");
    expect(await storage.leases.acquire(id, Date.now(), 5, "test")).toEqual({ kind: "over" });
    expect(await storage.leases.fence(id, "cancel")).toEqual({ kind: "over", status: "cancelled" });
  });

  test("starts the retention of every key with the terminal event", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord({ retentionSeconds: 30 }));
    await storage.journals.writeCallStart(id, lease, "call_1");
    const { meta, events, request, input, calls } = storage.layout;
    const keys = [meta(id), events(id), request(id), input(id), calls(id)];
    expect(await Promise.all(keys.map((key) => storage.redis.ttl(key)))).toEqual(keys.map(() => -1));
    const ending = sequenceEvents(2, [createCancelledEvent(openingState().response)]);
    await storage.log.append(id, { lease, first: 2, events: ending, status: "cancelled" });
    const lives = await Promise.all(keys.map((key) => storage.redis.ttl(key)));
    for (const seconds of lives) expect(seconds).toBeGreaterThan(25);
  });

  test("rejects a deleted response: no log restarts at 0", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    await storage.records.erase(id, 0);
    expect(await storage.log.append(id, { lease, first: 0, events: message(0) })).toEqual({ kind: "gone", last: -1 });
    expect(await storage.redis.exists(storage.layout.events(id))).toBe(0);
  });
});

describe("the lease", () => {
  test("is rejected once a process has begun to end the response", async () => {
    const { id } = await createLeasedResponse(storage, sampleRecord());
    expect(await storage.leases.fence(id, "cancel")).toMatchObject({ kind: "fenced", reason: "cancel", last: 1 });
    expect(await storage.leases.acquire(id, Date.now(), 5, "test")).toEqual({ kind: "ending" });
  });

  test("of an ending keeps its first reason, for every process that ends it", async () => {
    const { id } = await createLeasedResponse(storage, sampleRecord());
    const first = await storage.leases.fence(id, "cancel");
    const second = await storage.leases.fence(id, "fail", {
      code: "server_error",
      message: "m",
      type: "t",
      param: null,
    });
    expect(second).toEqual(first);
  });

  test("is rejected after the deadline and all attempts; a hand-over returns its attempt", async () => {
    const late = await createLeasedResponse(storage, sampleRecord({ deadlineMs: Date.now() + 50_000 }));
    expect(await storage.leases.acquire(late.id, Date.now() + 60_000, 5, "test")).toEqual({ kind: "expired" });
    const tired = await createLeasedResponse(storage, sampleRecord());
    expect(await storage.leases.release(tired.id, tired.lease, LEFT)).toBe(true);
    expect(await storage.leases.release(tired.id, tired.lease, LEFT)).toBe(false);
    const again = await storage.leases.acquire(tired.id, Date.now(), 1, "test");
    expect(again).toMatchObject({ kind: "held", attempt: 1 });
    expect(await storage.leases.chargeFailure(tired.id, again.kind === "held" ? again.lease : "", LEFT)).toBe(true);
    expect(await storage.leases.acquire(tired.id, Date.now(), 1, "test")).toEqual({ kind: "exhausted" });
  });

  test("is unique even if Redis comes back with an older epoch", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    await storage.redis.hset(storage.layout.meta(id), "epoch", "0");
    const again = await storage.leases.acquire(id, Date.now(), 5, "test");
    expect(again).toMatchObject({ kind: "held" });
    expect(again.kind === "held" && again.lease).not.toBe(lease);
    expect((await storage.log.append(id, { lease, first: 2, events: message(2) })).kind).toBe("fenced");
  });

  test("is the same when requested again after a lost reply", async () => {
    await using proxy = await startCuttingProxy(testRedisUrl());
    const prefix = uniquePrefix();
    await using far = await openTestStorage(prefix, proxy.url.replace(/^http/, "redis"));
    await using near = await openTestStorage(prefix);
    const record = sampleRecord();
    await near.records.create(record);
    proxy.isSilent = true;
    const acquiring = far.leases.acquire(record.id, Date.now(), 5, "test");
    await pollUntil(
      async () => await near.redis.hget(near.layout.meta(record.id), "epoch"),
      (epoch) => epoch !== "0",
    );
    proxy.isSilent = false;
    proxy.cut();
    const lease = await near.redis.hget(near.layout.meta(record.id), "lease");
    expect(await acquiring).toEqual({ kind: "held", lease, last: 1, attempt: 1, unknownSinceMs: 0, lostWorker: "" });
  });
});

describe("where replicas are required", () => {
  const careful = new EventLogReader(storage.redis, storage.layout, { minReplicasAcked: 1 });

  test("readers see only what the replicas have, snapshots included", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    const events = message(2, ["a", "b"]);
    const state = { ...openingState(), response: { ...openingState().response, user: "of the snapshot" } };
    const snapshot = { sequenceNumber: 8, response: state.response, openIndices: [] };
    await storage.log.append(id, { lease, first: 2, events, snapshot });
    await storage.redis.hset(storage.layout.meta(id), "durable", 4);
    const shown = (await foldLog(careful, id))!;
    expect(shown.last).toBe(4);
    expect(shown.response).toMatchObject({ user: null, output: [{ content: [{ text: "a" }] }] });
  });

  test("events appended while replicas were optional are shown", async () => {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord({ durable: 1 }));
    await storage.log.append(id, { lease, first: 2, events: message(2) });
    expect((await careful.readLast(id))?.sequenceNumber).toBe(7);
    expect((await storage.records.read(id))?.durable).toBeUndefined();
  });
});

test("creating the same record again changes nothing", async () => {
  const record = sampleRecord();
  expect(await storage.records.create(record)).toBe(true);
  expect(await storage.records.create({ ...record, project: "other" })).toBe(false);
  expect((await storage.records.read(record.id))?.project).toBe("default");
});

test("only characters that end lines in some clients are escaped", () => {
  const text = "a\u0085b\u2028c\u2029d\u000b\u000c\u001c\u001d\u001e\u007f\u00a0é日";
  const started = createInProgressEvent({ ...openingState().response, instructions: text });
  const [delta, lifecycle] = sequenceEvents(0, [messageEvents(0, [text])[2]!, started]);
  // All characters at which Python's str.splitlines() splits.
  const lineEnds = "\n\v\f\r\u001c\u001d\u001e\u0085\u2028\u2029".split("");
  for (const data of [delta!, lifecycle!]) expect(lineEnds.filter((end) => data.includes(end))).toEqual([]);
  expect(JSON.parse(delta!)).toMatchObject({ delta: text });
  expect(JSON.parse(lifecycle!)).toMatchObject({ response: { instructions: text } });
  expect(delta).toContain("b\\u2028c\\u2029d");
  expect(delta).toContain("\u007f\u00a0é日");
});

describe("a page of the log", () => {
  const bytesOf = (events: readonly LoggedEvent[]): number =>
    events.reduce((sum, { data }) => sum + Buffer.byteLength(data), 0);

  /** The log after its two opening events, with deltas of these sizes. */
  async function logOf(sizes: readonly number[]): Promise<string> {
    const { id, lease } = await createLeasedResponse(storage, sampleRecord());
    for (const [i, size] of sizes.entries()) {
      const events = sequenceEvents(2 + i, [{ ...messageEvents(0, [""])[2]!, delta: "x".repeat(size) } as EventDraft]);
      expect((await storage.log.append(id, { lease, first: 2 + i, events })).kind).toBe("appended");
    }
    return id;
  }

  async function pagesOf(id: string): Promise<LoggedEvent[][]> {
    const pages: LoggedEvent[][] = [];
    for (let from = 0; ;) {
      const { events, hasMore } = await storage.visibleLogReader.readPage(id, from);
      pages.push(events);
      from += events.length;
      if (!hasMore) return pages;
    }
  }

  test.each([
    ["small ones, then large ones", [...Array<number>(300).fill(10), ...Array<number>(40).fill(65_536)]],
    ["large ones, then small ones", [...Array<number>(20).fill(200_000), ...Array<number>(300).fill(10)]],
    ["one larger than a page among others", [10, 10, 3_000_000, 10, 10]],
    ["more events than a page has", Array<number>(1_300).fill(1)],
  ])("holds as many events as fit, at least one: %s", async (_, sizes) => {
    const id = await logOf(sizes);
    const pages = await pagesOf(id);
    const all = pages.flat();
    expect(all).toEqual(await storage.visibleLogReader.read(id, 0, 10_000));
    expect(all).toHaveLength(2 + sizes.length);
    const ofSeveral = pages.filter((page) => page.length > 1);
    expect(Math.max(...ofSeveral.map(bytesOf))).toBeLessThanOrEqual(PAGE_BYTES);
    expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(1_000);
    // The page is not just small: the next one's first event would not have fitted.
    expect(pages.length).toBeLessThanOrEqual(2 + Math.ceil((2 * bytesOf(all)) / PAGE_BYTES));
  });

  test("ends before a hole, and the next one begins behind it", async () => {
    const id = await logOf([1, 1, 1, 1]);
    await storage.redis.xdel(storage.layout.events(id), "4-1");
    const numbersFrom = async (from: number) => {
      const { events, hasMore } = await storage.visibleLogReader.readPage(id, from);
      return { numbers: events.map(({ sequenceNumber }) => sequenceNumber), hasMore };
    };
    expect(await numbersFrom(1)).toEqual({ numbers: [1, 2, 3], hasMore: true });
    expect(await numbersFrom(4)).toEqual({ numbers: [5], hasMore: false });
    expect(await numbersFrom(6)).toEqual({ numbers: [], hasMore: false });
  });
});
