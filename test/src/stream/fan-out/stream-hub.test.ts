import { once } from "node:events";
import { afterAll, afterEach, expect, test } from "vitest";
import { createCancelledEvent } from "../../../../src/lifecycle/lifecycle-events.ts";
import { connect } from "../../../../src/redis/connect.ts";
import { NotificationListener } from "../../../../src/stream/fan-out/notification-listener.ts";
import { sequenceEvents } from "../../../../src/stream/log/event-log.ts";
import type { LoggedEvent } from "../../../../src/stream/log/event-log-reader.ts";
import { encodeFrames, HEARTBEAT, createObfuscatingEncoder } from "../../../../src/stream/fan-out/frame.ts";
import type { FollowEndReason, FrameSink, StreamHubOptions } from "../../../../src/stream/fan-out/follower.ts";
import { StreamHub } from "../../../../src/stream/fan-out/stream-hub.ts";
import { Condition } from "../../../support/condition.ts";
import { pollUntil } from "../../../support/poll-until.ts";
import { testRedisUrl } from "../../../support/redis.ts";
import { messageEvents, openingState, sampleRecord } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage, silentLogger } from "../../../support/storage.ts";

const storage = await openTestStorage();
const notifierClient = await connect({ url: testRedisUrl(), cluster: false }, "patient", "bell", silentLogger);
notifierClient.setMaxListeners(0);
const hubs: StreamHub[] = [];
afterEach(() => {
  for (const hub of hubs.splice(0)) hub.close();
});
afterAll(async () => {
  notifierClient.disconnect();
  await storage[Symbol.asyncDispose]();
});

function openHub(options: Partial<StreamHubOptions> = {}): StreamHub {
  const hub = new StreamHub({
    reader: storage.visibleLogReader,
    logger: silentLogger,
    exists: async (id) => (await storage.records.readIncludingDeleted(id)) !== undefined,
    heartbeatMs: 50,
    ...options,
  });
  hub.setNotifier(new NotificationListener(notifierClient, storage.layout, () => hub.readAllLogs()));
  hubs.push(hub);
  return hub;
}

/** A connection that can be full. */
class TestSink implements FrameSink {
  readonly isResumable = true;
  readonly ended = Promise.withResolvers<FollowEndReason>();
  received = Buffer.alloc(0);
  isFull = false;
  writesWhileFull = 0;
  /** The silence before each heartbeat. */
  readonly silencesMs: number[] = [];
  lastSentMs = performance.now();
  readonly heldBytes = 0;
  #drained = Promise.withResolvers<void>();
  readonly #written = new Condition();

  write(frames: Buffer): boolean {
    if (this.isFull) this.writesWhileFull += 1;
    const nowMs = performance.now();
    if (frames.equals(HEARTBEAT)) this.silencesMs.push(nowMs - this.lastSentMs);
    else this.received = Buffer.concat([this.received, frames]);
    this.lastSentMs = nowMs;
    this.#written.notify();
    return !this.isFull;
  }

  async waitUntilDrained(): Promise<void> {
    await this.#drained.promise;
  }

  drain(): void {
    this.isFull = false;
    this.#drained.resolve();
    this.#drained = Promise.withResolvers();
  }

  end(reason: FollowEndReason): void {
    this.ended.resolve(reason);
  }

  get heartbeats(): number {
    return this.silencesMs.length;
  }

  get ids(): number[] {
    return [...this.received.toString().matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
  }

  async reaches(sequenceNumber: number): Promise<void> {
    await this.#written.waitUntil(() => this.ids.at(-1) === sequenceNumber);
  }

  async isKeptAlive(): Promise<void> {
    const { heartbeats } = this;
    await this.#written.waitUntil(() => this.heartbeats > heartbeats);
  }
}

async function begin() {
  const begun = await createLeasedResponse(storage, sampleRecord());
  let next = 2;
  const append = async (words: string[]): Promise<number> => {
    const events = sequenceEvents(next, messageEvents(0, words));
    await storage.log.append(begun.id, { lease: begun.lease, first: next, events });
    next += events.length;
    return next - 1;
  };
  const end = async (): Promise<number> => {
    const events = sequenceEvents(next, [createCancelledEvent(openingState().response)]);
    await storage.log.append(begun.id, { lease: begun.lease, first: next, events, status: "cancelled" });
    return next;
  };
  return { ...begun, append, end };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

test("followers that join before, during and after get the same bytes and one end", async () => {
  const hub = openHub();
  const response = await begin();
  const [early, middle, late] = [new TestSink(), new TestSink(), new TestSink()];
  hub.follow({ responseId: response.id, from: 0, sink: early });
  await early.reaches(await response.append(["a", "b"]));
  hub.follow({ responseId: response.id, from: 0, sink: middle });
  await response.append(["c"]);
  const last = await response.end();
  expect(await early.ended.promise).toBe("terminal");
  hub.follow({ responseId: response.id, from: 0, sink: late });
  expect([await middle.ended.promise, await late.ended.promise]).toEqual(["terminal", "terminal"]);
  expect(early.ids).toEqual(numbers(0, last));
  expect(middle.received.equals(early.received) && late.received.equals(early.received)).toBe(true);
  expect(hub.followerCount).toBe(0);
});

test("every cursor of a finished response gets exactly the rest", async () => {
  const hub = openHub();
  const response = await begin();
  await response.append(["a", "b", "c"]);
  const last = await response.end();
  const all = await storage.visibleLogReader.read(response.id, 0, 100);
  for (let from = 0; from <= last; from += 1) {
    const sink = new TestSink();
    hub.follow({ responseId: response.id, from, sink });
    expect(await sink.ended.promise).toBe("terminal");
    expect(sink.received.equals(encodeFrames(all.slice(from)))).toBe(true);
  }
});

test("a log of many pages is replayed completely", async () => {
  const hub = openHub();
  const response = await begin();
  await response.append(Array.from({ length: 2_500 }, (_, i) => `${i} `));
  const last = await response.end();
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.ended.promise;
  expect(sink.ids).toEqual(numbers(0, last));
});

test("a full follower gets no more, delays no other, and continues later", async () => {
  const hub = openHub();
  const response = await begin();
  const [slow, fast] = [new TestSink(), new TestSink()];
  hub.follow({ responseId: response.id, from: 0, sink: slow });
  hub.follow({ responseId: response.id, from: 0, sink: fast });
  await Promise.all([slow.reaches(1), fast.reaches(1)]);
  slow.isFull = true;
  await slow.reaches(await response.append(["a"]));
  for (let i = 0; i < 20; i += 1) await fast.reaches(await response.append(["b", "c"]));
  expect(slow.writesWhileFull).toBeLessThanOrEqual(2);
  slow.drain();
  // Like any other caught-up follower.
  await slow.isKeptAlive();
  const last = await response.end();
  await Promise.all([slow.ended.promise, fast.ended.promise]);
  expect(slow.ids).toEqual(numbers(0, last));
  expect(slow.received.equals(fast.received)).toBe(true);
});

test("an event appended while a follower catches up is not missed", async () => {
  const response = await begin();
  let hasAppended = false;
  const reader = {
    readPage: async (...args: Parameters<typeof storage.visibleLogReader.readPage>) => {
      const page = await storage.visibleLogReader.readPage(...args);
      if (!hasAppended) {
        hasAppended = true;
        // The notification arrives and is handled before this read returns.
        const rang = once(notifierClient, "message");
        await response.append(["late"]);
        await rang;
      }
      return page;
    },
  };
  const hub = openHub({ reader: reader as typeof storage.visibleLogReader, heartbeatMs: 600_000 });
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.reaches(7);
  expect(sink.ids).toEqual(numbers(0, 7));
});

test("more than a page of new events is read to its end", async () => {
  const hub = openHub({ heartbeatMs: 600_000 });
  const response = await begin();
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.reaches(1);
  const last = await response.append(Array.from({ length: 3_500 }, (_, i) => `${i} `));
  await sink.reaches(last);
  expect(sink.ids).toEqual(numbers(0, last));
});

test("a failed subscription to notifications is retried", async () => {
  class FailingNotifier extends NotificationListener {
    #refusals = 1;
    override async listen(...args: Parameters<NotificationListener["listen"]>): Promise<void> {
      this.#refusals -= 1;
      if (this.#refusals >= 0) throw new Error("CLUSTERDOWN The cluster is down");
      await super.listen(...args);
    }
  }
  const hub = openHub({ heartbeatMs: 600_000 });
  hub.setNotifier(new FailingNotifier(notifierClient, storage.layout, () => {}));
  const response = await begin();
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.reaches(1);
  await sink.reaches(await response.append(["a"]));
});

test("notifications end when the last follower leaves", async () => {
  const hub = openHub();
  const response = await begin();
  const [one, other] = [new TestSink(), new TestSink()];
  hub.follow({ responseId: response.id, from: 0, sink: one });
  const leave = hub.follow({ responseId: response.id, from: 0, sink: other });
  await Promise.all([one.reaches(1), other.reaches(1)]);
  const readChannels = async () =>
    await storage.redis.call("PUBSUB", "CHANNELS", storage.layout.notificationChannel(response.id));
  leave();
  await one.reaches(await response.append(["a"]));
  expect(await readChannels()).toEqual([storage.layout.notificationChannel(response.id)]);
  await response.end();
  await one.ended.promise;
  await pollUntil(readChannels, (channels) => (channels as string[]).length === 0);
});

test("a follower gets a heartbeat after a whole silent interval, not before", async () => {
  const hub = openHub({ heartbeatMs: 200 });
  const [busyOne, quietOne] = [await begin(), await begin()];
  const [busy, quiet] = [new TestSink(), new TestSink()];
  hub.follow({ responseId: busyOne.id, from: 0, sink: busy });
  hub.follow({ responseId: quietOne.id, from: 0, sink: quiet });
  while (quiet.heartbeats < 3) await busy.reaches(await busyOne.append(["a"]));
  await busy.isKeptAlive();
  expect(Math.min(...busy.silencesMs, ...quiet.silencesMs)).toBeGreaterThanOrEqual(200);
});

test("a follower catching up gets heartbeats during an outage, a full one none", async () => {
  const reader = { readPage: () => Promise.reject(new Error("Redis is away")) };
  const hub = openHub({ reader: reader as unknown as typeof storage.visibleLogReader });
  const response = await begin();
  const [sink, full] = [new TestSink(), new TestSink()];
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.isKeptAlive();
  await sink.isKeptAlive();
  const live = openHub();
  full.isFull = true;
  live.follow({ responseId: response.id, from: 0, sink: full });
  await full.reaches(1);
  const { heartbeats } = full;
  await sink.isKeptAlive();
  await sink.isKeptAlive();
  expect(full.heartbeats).toBe(heartbeats);
  full.drain();
  await full.isKeptAlive();
});

test("a heartbeat makes up for a lost notification", async () => {
  const hub = openHub();
  const response = await begin();
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.reaches(1);
  await notifierClient.unsubscribe(storage.layout.notificationChannel(response.id));
  await sink.reaches(await response.append(["a"]));
});

test("followers of a deleted log are ended", async () => {
  const hub = openHub();
  const response = await begin();
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.reaches(1);
  await storage.records.erase(response.id, 0);
  expect(await sink.ended.promise).toBe("gone");
});

test("a closing hub ends its streams without a terminal event", async () => {
  const hub = openHub();
  const response = await begin();
  const [sink, late] = [new TestSink(), new TestSink()];
  hub.follow({ responseId: response.id, from: 0, sink });
  await sink.reaches(1);
  hub.endResumableStreams();
  expect(await sink.ended.promise).toBe("closing");
  hub.follow({ responseId: response.id, from: 0, sink: late });
  expect(await late.ended.promise).toBe("closing");
});

test("a gap in the log ends the follower", async () => {
  const hub = openHub();
  const response = await begin();
  await response.append(["a", "b"]);
  await storage.redis.xdel(storage.layout.events(response.id), "4-1");
  const sink = new TestSink();
  hub.follow({ responseId: response.id, from: 4, sink });
  expect(await sink.ended.promise).toBe("failed");
  expect(sink.ids).toEqual([]);
});

test("obfuscation pads deltas only, with equal bytes each time, and is never recorded", async () => {
  const event = (type: string): LoggedEvent => ({ sequenceNumber: 7, data: JSON.stringify({ type, delta: "a" }) });
  const encode = createObfuscatingEncoder("resp_1");
  const frames = encode([event("response.output_text.delta")]).toString();
  expect(frames).toMatch(/,"obfuscation":"[\w-]+"\}\n\n$/);
  expect(encode([event("response.output_text.delta")]).toString()).toBe(frames);
  expect(encode([event("response.output_text.done")]).toString()).not.toContain("obfuscation");
});
