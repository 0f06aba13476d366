/** A run from its lease to its end: what is recorded, whatever stops it, and what can be known when its end is seen. */
import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { isTerminalStatus } from "../../../src/protocol/response.ts";
import { ItemIndex } from "../../../src/store/item-index.ts";
import { foldLog } from "../../../src/stream/log/snapshot.ts";
import { RunControl } from "../../../workers/attempt/run.ts";
import { failedFinish, type Upstream } from "../../../workers/upstreams/upstream.ts";
import { messageEvents, USAGE } from "../../support/samples.ts";
import { openTestStorage } from "../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce } from "../../support/tool-runs.ts";

const textOf = (item: OutputItem | undefined) =>
  item?.type === "message" ? item.content.map((part) => "text" in part && part.text).join("") : item?.type;

test.each([
  ["deadline", "ended"],
  ["drain", "handed-over"],
] as const)("what was generated before the %s is in the log", async (reason, outcome) => {
  await using storage = await openTestStorage();
  const control = new RunControl();
  const upstream: Upstream = {
    async *run(_call, signal) {
      yield* messageEvents(0, ["One ", "two ", "three."]).slice(0, 5) as ItemEventDraft[];
      control.stop(reason);
      signal.throwIfAborted();
    },
  };
  const id = await createResponse(storage, {});
  expect(await runOnce({ storage, kinds: [], upstream }, id, control)).toBe(outcome);
  const { response } = (await foldLog(storage.visibleLogReader, id))!;
  expect(textOf(response.output[0])).toBe("One two three.");
  expect(response.status).toBe(reason === "deadline" ? "failed" : "in_progress");
});

test("what a response has cost is reported if it failed, too", async () => {
  await using storage = await openTestStorage();
  const upstream: Upstream = {
    async *run() {
      yield { ...failedFinish("server_error", "It broke."), usage: USAGE };
    },
  };
  const id = await createResponse(storage, {});
  await runOnce({ storage, kinds: [], upstream }, id, new RunControl());
  expect((await finalResponse(storage, id)).response).toMatchObject({ status: "failed", usage: USAGE });
});

test("the least that a request may ask for is asked for", async () => {
  await using storage = await openTestStorage();
  const metadata = { "simulator.tokens": "100", "simulator.delay_ms": "0" };
  const id = await createResponse(storage, { max_output_tokens: 16, metadata });
  await runOnce({ storage, kinds: [], upstream: new RecordingUpstream() }, id, new RunControl());
  const { response } = await finalResponse(storage, id);
  expect(response).toMatchObject({ status: "incomplete", usage: { output_tokens: 16 } });
});

test("output is known by its ids before anyone can see the end that shows it", async () => {
  await using storage = await openTestStorage();
  const id = await createResponse(storage, { metadata: { "simulator.tokens": "2", "simulator.delay_ms": "0" } });
  const wasOver: boolean[] = [];
  class WatchedIndex extends ItemIndex {
    override async add(...args: Parameters<ItemIndex["add"]>): Promise<void> {
      wasOver.push(isTerminalStatus((await storage.records.readStatus(id))!));
      await super.add(...args);
    }
  }
  const watched = { ...storage, itemIndex: new WatchedIndex(storage.redis, storage.layout) };
  await runOnce({ storage: watched, kinds: [], upstream: new RecordingUpstream() }, id, new RunControl());
  const { response } = await finalResponse(storage, id);
  expect(await storage.itemIndex.findOwners("default", response.output[0]!.id)).toEqual([id]);
  expect(wasOver).toEqual([false]);
});

test("a response whose worker died between its end and its leaving is left by the next", async () => {
  await using storage = await openTestStorage();
  const id = await createResponse(storage, { metadata: { "simulator.tokens": "1", "simulator.delay_ms": "0" } });
  const upstream = new RecordingUpstream();
  await runOnce({ storage, kinds: [], upstream }, id, new RunControl());
  await storage.inFlight.add(id, Date.now());
  expect(await runOnce({ storage, kinds: [], upstream }, id, new RunControl())).toBe("not-needed");
  expect(await storage.inFlight.acceptedAtMs(id)).toBeUndefined();
  expect(upstream.calls).toHaveLength(1);
});

describe("an error that is thrown while a response runs", () => {
  const attempt = async (error: unknown) => {
    await using storage = await openTestStorage();
    let calls = 0;
    const upstream: Upstream = {
      async *run() {
        calls += 1;
        yield* messageEvents(0, ["One ", "two."]).slice(0, 4) as ItemEventDraft[];
        throw error;
      },
    };
    const id = await createResponse(storage, {});
    const setup = { storage, kinds: [], upstream };
    let outcome: unknown;
    try {
      outcome = await runOnce(setup, id, new RunControl());
    } catch (thrown) {
      outcome = thrown;
    }
    const { response } = (await foldLog(storage.visibleLogReader, id))!;
    return { outcome, response, calls };
  };

  test.each<[string, unknown]>([
    ["TypeError", new TypeError("Cannot read properties of null")],
    ["RangeError", new RangeError("Invalid array length")],
    ["ZodError", z.string().safeParse(1).error],
    ["failed assertion", new assert.AssertionError({ message: "No." })],
    ["Error of no known kind", new Error("Impossible.")],
    ["value that is no error", "what"],
  ])("fails it once if it is a %s", async (_name, error) => {
    const { outcome, response, calls } = await attempt(error);
    expect({ outcome, calls }).toEqual({ outcome: "ended", calls: 1 });
    expect(response).toMatchObject({ status: "failed", error: { code: "server_error" } });
    expect(textOf(response.output[0])).toContain("One ");
  });

  test.each<[string, Error]>([
    ["the machine's", Object.assign(new Error("No space left"), { code: "ENOSPC" })],
    [
      "the network's",
      new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "UND_ERR_SOCKET" }) }),
    ],
    ["an answer of Redis", Object.assign(new Error("ERR unknown command"), { name: "ReplyError" })],
  ])("is retried if it is %s", async (_name, error) => {
    const { outcome, response } = await attempt(error);
    expect(outcome).toBe(error);
    expect(response.status).toBe("in_progress");
  });
});
