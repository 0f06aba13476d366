/** A run from its lease to its end: its log after any interruption, and the state once its end is visible. */
import assert from "node:assert/strict";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { isTerminalStatus } from "../../../src/protocol/response.ts";
import { ItemIndex } from "../../../src/store/item-index.ts";
import { foldLog } from "../../../src/stream/log/snapshot.ts";
import { AttemptControl } from "../../../workers/attempt/attempt.ts";
import { failedFinish, type Upstream } from "../../../workers/upstreams/upstream.ts";
import { messageEvents, USAGE } from "../../support/samples.ts";
import { openTestStorage } from "../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce } from "../../support/tool-runs.ts";

const textOf = (item: OutputItem | undefined) =>
  item?.type === "message" ? item.content.map((part) => "text" in part && part.text).join("") : item?.type;

test.each([
  ["deadline", "ended"],
  ["drain", "handed-over"],
] as const)("events generated before the %s are in the log", async (reason, outcome) => {
  await using storage = await openTestStorage();
  const control = new AttemptControl();
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

test("the usage of a failed response is reported", async () => {
  await using storage = await openTestStorage();
  const upstream: Upstream = {
    async *run() {
      yield { ...failedFinish("server_error", "It broke."), usage: USAGE };
    },
  };
  const id = await createResponse(storage, {});
  await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl());
  expect((await finalResponse(storage, id)).response).toMatchObject({ status: "failed", usage: USAGE });
});

test("the minimum max_output_tokens is sent to the model", async () => {
  await using storage = await openTestStorage();
  const metadata = { "simulator.tokens": "100", "simulator.delay_ms": "0" };
  const id = await createResponse(storage, { max_output_tokens: 16, metadata });
  await runOnce({ storage, kinds: [], upstream: new RecordingUpstream() }, id, new AttemptControl());
  const { response } = await finalResponse(storage, id);
  expect(response).toMatchObject({ status: "incomplete", usage: { output_tokens: 16 } });
});

test("output items are found by id before the terminal event appears", async () => {
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
  await runOnce({ storage: watched, kinds: [], upstream: new RecordingUpstream() }, id, new AttemptControl());
  const { response } = await finalResponse(storage, id);
  expect(await storage.itemIndex.findOwners("default", response.output[0]!.id)).toEqual([id]);
  expect(wasOver).toEqual([false]);
});

test("a response whose worker crashed after the end leaves the in-flight set", async () => {
  await using storage = await openTestStorage();
  const id = await createResponse(storage, { metadata: { "simulator.tokens": "1", "simulator.delay_ms": "0" } });
  const upstream = new RecordingUpstream();
  await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl());
  await storage.inFlight.add(id, Date.now());
  expect(await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl())).toBe("not-needed");
  expect(await storage.inFlight.acceptedAtMs(id)).toBeUndefined();
  expect(upstream.calls).toHaveLength(1);
});

describe("an error thrown during a run", () => {
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
      outcome = await runOnce(setup, id, new AttemptControl());
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
    ["Error of unknown type", new Error("Impossible.")],
    ["thrown value that is not an Error", "what"],
  ])("fails the response once if it is a %s", async (_name, error) => {
    const { outcome, response, calls } = await attempt(error);
    expect({ outcome, calls }).toEqual({ outcome: "ended", calls: 1 });
    expect(response).toMatchObject({ status: "failed", error: { code: "server_error" } });
    expect(textOf(response.output[0])).toContain("One ");
  });

  test.each<[string, Error]>([
    ["a machine error", Object.assign(new Error("No space left"), { code: "ENOSPC" })],
    [
      "a network error",
      new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "UND_ERR_SOCKET" }) }),
    ],
    ["a Redis reply", Object.assign(new Error("ERR unknown command"), { name: "ReplyError" })],
  ])("is retried if it is %s", async (_name, error) => {
    const { outcome, response } = await attempt(error);
    expect(outcome).toBe(error);
    expect(response.status).toBe("in_progress");
  });
});
