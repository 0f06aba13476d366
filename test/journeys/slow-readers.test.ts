/** Subscribers that read slowly, or not at all, as real connections to a real process. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createCancelledEvent } from "../../src/lifecycle/lifecycle-events.ts";
import type { EventDraft } from "../../src/protocol/event.ts";
import { sequenceEvents } from "../../src/stream/log/event-log.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { messageEvents, openingState, sampleRecord } from "../support/samples.ts";
import { createLeasedResponse, openTestStorage, type TestStorage } from "../support/storage.ts";
import { subscribe } from "../support/subscriber.ts";

const KIB = 1_024;
const MIB = 1_024 * KIB;
const prefix = uniquePrefix();
let storage: TestStorage;

beforeAll(async () => {
  storage = await openTestStorage(prefix);
});
afterAll(async () => await storage[Symbol.asyncDispose]());

/** A log of deltas of this many bytes, then cancelled. Its last sequence number is the terminal event's. */
async function logOf(sizes: readonly number[]): Promise<{ id: string; last: number }> {
  const { id, lease, last } = await createLeasedResponse(storage, sampleRecord());
  const [added, partAdded, delta] = messageEvents(0, [""]);
  const drafts = [added!, partAdded!, ...sizes.map((size) => ({ ...delta!, delta: "x".repeat(size) }) as EventDraft)];
  let first = last + 1;
  for (const draft of drafts) {
    await storage.log.append(id, { lease, first, events: sequenceEvents(first, [draft]) });
    first += 1;
  }
  const events = sequenceEvents(first, [createCancelledEvent(openingState().response)]);
  await storage.log.append(id, { lease, first, events, status: "cancelled" });
  return { id, last: first };
}

/** A connection that requests a stream. */
function open(api: ApiProcess, id: string, headers = ""): Socket {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET /v1/responses/${id}?stream=true HTTP/1.1\r\nhost: ${hostname}\r\n${headers}\r\n`);
  return socket;
}

/** A connection that has begun to read and then stopped. */
async function openStuck(api: ApiProcess, id: string, headers = ""): Promise<Socket> {
  const socket = open(api, id, headers);
  await once(socket, "data");
  return socket.pause();
}

/** The process's memory: now, and at its peak. */
async function memoryOf({ child }: ApiProcess): Promise<{ now: number; most: number }> {
  const status = await readFile(`/proc/${child.pid}/status`, "utf8");
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * KIB;
  return { now: bytes("VmRSS"), most: bytes("VmHWM") };
}

test("20 subscribers that read nothing cost little memory, at any event size", async () => {
  await using api = await startApi({ KEY_PREFIX: prefix });
  const { id, last } = await logOf(Array<number>(600).fill(64 * KIB));
  // The cost of reading the log once is not measured.
  await subscribe(api.url, id);
  const before = await memoryOf(api);
  const stuck = await Promise.all(Array.from({ length: 20 }, () => openStuck(api, id)));
  // Read in alternation with the full ones: when it reaches the end, they have long received all that they take.
  const { events } = await subscribe(api.url, id);
  expect(events.at(-1)!.id).toBe(last);
  const after = await memoryOf(api);
  // 20 MiB, and a margin for the garbage collector. Pages of a thousand events would be 800 MiB.
  expect(after.most - before.most).toBeLessThan(200 * MIB);
  for (const socket of stuck) socket.destroy();
});

test("a slow but steady subscriber gets an event of megabytes; a stopped one is cut", async () => {
  const stallTimeoutMs = 1_500;
  await using api = await startApi({ KEY_PREFIX: prefix, STREAM_STALL_TIMEOUT_MS: String(stallTimeoutMs) });
  const { id } = await logOf([16 * MIB]);
  const stuck = await openStuck(api, id, "x-request-id: stuck\r\n");
  stuck.on("error", () => {});
  const steady = open(api, id);
  const startedMs = performance.now();
  let tail = "";
  let bytes = 0;
  for await (const piece of steady as AsyncIterable<Buffer>) {
    bytes += piece.length;
    tail = (tail + piece.toString("latin1")).slice(-2_000);
    if (tail.endsWith("\r\n0\r\n\r\n")) break;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  expect(tail).toMatch(/event: response\.failed\n[^]*\r\n0\r\n\r\n$/);
  expect(bytes).toBeGreaterThan(16 * MIB);
  expect(performance.now() - startedMs).toBeGreaterThan(2 * stallTimeoutMs);
  await api.line((line) => line["requestId"] === "stuck", "the end of the one that stopped");
  stuck.resume();
  await once(stuck, "close");
  expect(stuck.bytesRead).toBeLessThan(16 * MIB);
});
