import { afterAll, describe, expect, test } from "vitest";
import { createCompletedEvent, createInProgressEvent } from "../../../../src/lifecycle/lifecycle-events.ts";

import type { EventLog } from "../../../../src/stream/log/event-log.ts";
import { EventWriter, LeaseLostError } from "../../../../src/stream/log/event-writer.ts";
import { LogRolledBackError } from "../../../../src/stream/log/recent-batches.ts";
import { foldLog } from "../../../../src/stream/log/snapshot.ts";
import { messageEvents, sampleRecord } from "../../../support/samples.ts";
import { createLeasedResponse, openTestStorage } from "../../../support/storage.ts";

const storage = await openTestStorage();
afterAll(() => storage[Symbol.asyncDispose]());

const USAGE = {
  input_tokens: 0,
  input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
  output_tokens: 0,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 0,
};

async function openWriter(log: Pick<EventLog, "append"> = storage.log) {
  const { id, lease, last } = await createLeasedResponse(storage, sampleRecord());
  const state = (await foldLog(storage.visibleLogReader, id))!;
  const control = new AbortController();
  const failures: Error[] = [];
  const writer = new EventWriter({
    log: log as EventLog,
    id,
    lease,
    last,
    state,
    signal: control.signal,
    onFailure: (error) => failures.push(error),
  });
  return { id, writer, control, failures };
}

const readAll = async (id: string) => await storage.visibleLogReader.read(id, 0, 100_000);
const fold = async (id: string) => (await foldLog(storage.visibleLogReader, id))!;

test("a flush writes events in order, and their fold equals the writer's state", async () => {
  const { id, writer } = await openWriter();
  await writer.write(createInProgressEvent(writer.state.response));
  for (const event of messageEvents(0, ["a", "b", "c"])) await writer.write(event);
  await writer.flush();
  const events = await readAll(id);
  expect(events.map((event) => event.sequenceNumber)).toEqual(events.map((_, i) => i));
  expect((await fold(id)).response).toEqual(writer.state.response);
  expect((await storage.records.read(id))?.status).toBe("in_progress");
});

describe("events that stay together", () => {
  const recording = () => {
    const batches: number[] = [];
    const append: EventLog["append"] = async (id, batch, signal) => {
      batches.push(batch.events.length);
      return await storage.log.append(id, batch, signal);
    };
    return { batches, append };
  };
  const words = (count: number, bytes: number) => Array.from({ length: count }, () => "w".repeat(bytes));

  test.each([
    ["more events than a batch holds", words(1_200, 1)],
    ["more bytes than a batch holds", words(40, 20_000)],
    ["more events than the writer buffers", words(4, 700_000)],
  ])("are one append: %s", async (_name, texts) => {
    const { batches, append } = recording();
    const { id, writer } = await openWriter({ append });
    const whole = messageEvents(1, texts);
    // They neither begin nor end at a batch's boundary.
    await writer.write(...messageEvents(0, words(490, 1)));
    await writer.writeAtomically(whole);
    await writer.write(...messageEvents(2, ["after"]));
    await writer.flush();
    // After the two opening events.
    let next = 2;
    const startsAt = batches.map((count) => (next += count) - count);
    const inside = startsAt.filter((at) => at > 2 + 495 && at < 2 + 495 + whole.length);
    expect(inside).toEqual([]);
    expect((await readAll(id)).length).toBe(2 + 495 + whole.length + 6);
  });

  test("are all rewritten if Redis lost them, and never exist in part", async () => {
    const { id, writer } = await openWriter();
    await writer.writeAtomically(messageEvents(0, ["a", "b"]));
    await writer.flush();
    const before = (await readAll(id)).length;
    for (const { sequenceNumber } of (await readAll(id)).slice(2)) {
      await storage.redis.xdel(storage.layout.events(id), `${sequenceNumber}-1`);
    }
    await storage.redis.hset(storage.layout.meta(id), "last", 1);
    await storage.redis.xsetid(storage.layout.events(id), "1-1");
    await writer.write(...messageEvents(1, ["c"]));
    await writer.flush();
    expect((await readAll(id)).length).toBe(before + 6);
  });
});

test("a terminal event sets the status and drops the snapshot in one step", async () => {
  const { id, writer } = await openWriter();
  const started = createInProgressEvent(writer.state.response);
  await writer.write(started, createCompletedEvent(started.response, { output: [], usage: USAGE }, 1));
  await writer.flush();
  expect((await storage.records.read(id))?.status).toBe("completed");
  expect(await storage.redis.exists(storage.layout.snapshot(id))).toBe(0);
});

test("snapshots shorten the fold and change no answer", async () => {
  const { id, writer } = await openWriter();
  const words = Array.from({ length: 4_000 }, (_, i) => `word ${i} `);
  const events = messageEvents(0, words);
  for (const event of events.slice(0, -3)) await writer.write(event);
  await writer.flush();
  expect(await storage.redis.exists(storage.layout.snapshot(id))).toBe(1);
  const withSnapshot = await fold(id);
  await storage.redis.del(storage.layout.snapshot(id));
  expect(withSnapshot).toEqual(await fold(id));
});

test("a writer that lost its lease fails, reports it once, and stops writing", async () => {
  const { id, writer, failures } = await openWriter();
  await storage.leases.acquire(id, Date.now(), 5, "test");
  await writer.write(...messageEvents(0, ["a"]));
  await expect(writer.flush()).rejects.toThrow(LeaseLostError);
  await expect(writer.write(...messageEvents(1, ["b"]))).rejects.toThrow(LeaseLostError);
  expect(failures).toHaveLength(1);
  expect(await readAll(id)).toHaveLength(2);
});

test("events lost with Redis's last second are rewritten unchanged", async () => {
  const { id, writer } = await openWriter();
  const [added, part, ...rest] = messageEvents(0, ["a", "b", "c"]);
  await writer.write(added!, part!);
  await writer.flush();
  await writer.write(rest[0]!, rest[1]!);
  await writer.flush();
  const before = await readAll(id);
  await rollBack(id, 3);
  await writer.write(...rest.slice(2));
  await writer.flush();
  const after = await readAll(id);
  expect(after.slice(0, before.length)).toEqual(before);
  expect(after.map((event) => event.sequenceNumber)).toEqual(after.map((_, i) => i));
});

/** Restores a log to its state at `last`, like a Redis that restarts from an older file. */
async function rollBack(id: string, last: number): Promise<void> {
  const { redis, layout } = storage;
  const remaining = (await readAll(id)).filter((event) => event.sequenceNumber <= last);
  await redis.del(layout.events(id));
  for (const { sequenceNumber, data } of remaining)
    await redis.xadd(layout.events(id), `${sequenceNumber}-1`, "d", data);
  await redis.hset(layout.meta(id), "last", last);
}

test("a log that lost more than the writer remembers ends the run", async () => {
  const { id, writer } = await openWriter();
  await rollBack(id, 0);
  await writer.write(...messageEvents(0, ["a"]));
  await expect(writer.flush()).rejects.toThrow(LogRolledBackError);
});

test("a writer remembers 4 MiB at most, however long the run", async () => {
  const { id, writer } = await openWriter();
  const [added, part, delta] = messageEvents(0, ["x".repeat(1024 * 1024)]);
  await writer.write(added!, part!);
  for (let i = 0; i < 6; i += 1) {
    await writer.write(delta!);
    await writer.flush();
  }
  await rollBack(id, 4);
  await writer.write(delta!);
  await expect(writer.flush()).rejects.toThrow(LogRolledBackError);
});

test("while Redis does not answer, the writer blocks its caller and drops nothing", async () => {
  const gate = Promise.withResolvers<void>();
  const gated: Pick<EventLog, "append"> = {
    append: async (...args) => {
      await gate.promise;
      return await storage.log.append(...args);
    },
  };
  const { id, writer } = await openWriter(gated);
  const word = "x".repeat(10_000);
  const [added, part, delta, ...rest] = messageEvents(0, [word]);
  await writer.write(added!, part!);
  let accepted = 0;
  const writing = (async () => {
    for (; accepted < 300; accepted += 1) await writer.write(delta!);
  })();
  await new Promise((resolve) => setImmediate(resolve));
  expect(accepted).toBeLessThan(200);
  gate.resolve();
  await writing;
  await writer.write(...rest);
  await writer.flush();
  expect(await readAll(id)).toHaveLength(2 + 2 + 300 + 3);
});

test("an ended run does not wait for an unavailable Redis", async () => {
  const never: Pick<EventLog, "append"> = { append: () => new Promise(() => {}) };
  const { writer, control } = await openWriter(never);
  await writer.write(...messageEvents(0, ["a"]));
  const flushing = writer.flush();
  control.abort(new Error("stop"));
  await expect(flushing).rejects.toThrow("stop");
});

test("the writer waits out an OOM reply", async () => {
  let failuresLeft = 2;
  const full: Pick<EventLog, "append"> = {
    append: async (...args) => {
      failuresLeft -= 1;
      if (failuresLeft >= 0) throw new Error("OOM command not allowed when used memory > 'maxmemory'.");
      return await storage.log.append(...args);
    },
  };
  const { id, writer } = await openWriter(full);
  await writer.write(...messageEvents(0, ["a"]));
  await writer.flush();
  expect(await readAll(id)).toHaveLength(8);
});
