/**
 * Promise 7 (contract.md#promises): a client can act on the events it sees. A run crashes, or is asked to leave, at
 * every step. Afterwards a client that joins deltas and one that acts on done events both have exactly the items of the
 * finished response.
 */
import { describe, expect, test } from "vitest";
import type { ResolvedRequest } from "../../../../src/protocol/create-request.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { Response } from "../../../../src/protocol/response.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import type { Upstream, UpstreamCall, UpstreamEvent } from "../../../../workers/upstreams/upstream.ts";
import { SimulatorUpstream } from "../../../../workers/upstreams/simulator/simulator.ts";
import { actOnStream, actOnFinalResponse } from "../../../support/acting-client.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { crashingStorage } from "../../../support/crashing-storage.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";
import { pollUntil } from "../../../support/poll-until.ts";

const FUNCTION = {
  type: "function" as const,
  name: "delete_folder",
  parameters: { type: "object", properties: { path: { type: "string" } }, required: ["path"] },
};
/** Slow enough that each delta is appended alone. */
const PACE = { "simulator.delay_ms": "17" };
const call = (path: string) => ({ call: "delete_folder", arguments: { path } });

const REQUESTS: Record<string, Partial<ResolvedRequest>> = {
  "reasoning and a message": {
    reasoning: { summary: "auto" },
    metadata: { ...PACE, "simulator.reasoning": "4", "simulator.tokens": "8" },
  },
  "a refusal": { metadata: { ...PACE, "simulator.tokens": "5", "simulator.refusal": "true" } },
  "two calls of the client's": {
    tools: [FUNCTION],
    reasoning: { summary: "auto" },
    metadata: { ...scriptSteps([call("/srv/a folder"), call("/srv/another")]), ...PACE, "simulator.reasoning": "2" },
  },
  "a call of ours and an answer": {
    tools: [COUNTING_TOOL],
    metadata: { ...scriptSteps({ call: "look", arguments: { x: 1 } }), ...PACE, "simulator.text": "It is done now." },
  },
};

/** After any interruption: one legal log, no item cut off, and both kinds of clients agree with the response. */
async function expectSafe(storage: TestStorage, id: string): Promise<Response> {
  const { response, log } = await finalResponse(storage, id);
  expect(response.status).toBe("completed");
  expect(actOnStream(log)).toEqual(actOnFinalResponse(response));
  return response;
}

async function withoutInterruption(request: Partial<ResolvedRequest>) {
  await using storage = await openTestStorage();
  const id = await createResponse(storage, request);
  await runOnce({ storage, kinds: [countingTool().kind], upstream: new SimulatorUpstream() }, id, new AttemptControl());
  const { response } = await finalResponse(storage, id);
  return { acted: actOnFinalResponse(response), usage: response.usage };
}

describe.each(Object.entries(REQUESTS))("%s", (_name, request) => {
  test("is logged once at the same cost, wherever its worker crashes", { timeout: 120_000 }, async () => {
    const undisturbed = await withoutInterruption(request);
    await using storage = await openTestStorage();
    const usages: unknown[] = [];
    let hasDied = true;
    for (let deadly = 1; hasDied; deadly += 1) {
      const id = await createResponse(storage, request);
      const control = new AttemptControl();
      let step = 0;
      const dying = crashingStorage(storage, control, () => ++step === deadly);
      const setup = { kinds: [countingTool().kind], upstream: new SimulatorUpstream() };
      await runOnce({ ...setup, storage: dying }, id, control);
      hasDied = step >= deadly;
      await runOnce({ ...setup, storage }, id, new AttemptControl());
      const acted = actOnFinalResponse(await expectSafe(storage, id));
      // A client's call in the log ends the response: providers reject a conversation in which a call has no output.
      const calls = undisturbed.acted.calls.slice(0, acted.calls.length || undefined);
      expect(acted).toEqual({ ...undisturbed.acted, calls });
      if (calls.length === 0) usages.push((await finalResponse(storage, id)).response.usage);
    }
    for (const usage of usages) expect(usage).toEqual(undisturbed.usage);
  });

  test("is handed over only between two items when the worker leaves", async () => {
    const { acted } = await withoutInterruption(request);
    await using storage = await openTestStorage();
    let hasLeft = true;
    for (let index = 0; hasLeft; index += 1) {
      const id = await createResponse(storage, request);
      const control = new AttemptControl();
      const leaving = new LeavingUpstream(index, control);
      const kinds = [countingTool().kind];
      const outcome = await runOnce({ storage, kinds, upstream: leaving }, id, control);
      hasLeft = leaving.hasLeft;
      // A call of this server stays open while it runs or waits.
      const open = (await storage.visibleLogReader.readLast(id))!.data;
      expect(open).toMatch(/^{"type":"response\.(in_progress|queued|output_item\.done|mcp_call|completed)/);
      if (outcome === "handed-over") {
        await runOnce({ storage, kinds, upstream: new SimulatorUpstream() }, id, new AttemptControl());
      }
      expect(actOnFinalResponse(await expectSafe(storage, id))).toEqual(acted);
    }
  });
});

/** The simulator; its run is asked to leave right before it yields the event at `index`. */
class LeavingUpstream implements Upstream {
  readonly #simulator = new SimulatorUpstream();
  readonly #control: AttemptControl;
  #left: number;
  hasLeft = false;

  constructor(index: number, control: AttemptControl) {
    this.#left = index;
    this.#control = control;
  }

  async *run(call: UpstreamCall, signal: AbortSignal): AsyncGenerator<UpstreamEvent> {
    for await (const event of this.#simulator.run(call, signal)) {
      if (this.#left-- === 0) {
        this.hasLeft = true;
        this.#control.requestHandOver();
        signal.throwIfAborted();
      }
      yield event;
    }
  }
}

describe("a provider whose second text differs", () => {
  test("gets a new item, and the old one is closed as incomplete", async () => {
    await using storage = await openTestStorage();
    const request = { metadata: { ...PACE, "simulator.text": "One two three four five." } };
    const id = await createResponse(storage, request);
    await cutOffAt(storage, id, 7);
    const other: Upstream = {
      run: (call, signal) =>
        new SimulatorUpstream().run(
          { ...call, request: { ...call.request, metadata: { "simulator.text": "One too many." } } },
          signal,
        ),
    };
    await runOnce({ storage, kinds: [], upstream: other }, id, new AttemptControl());
    const { response, log } = await finalResponse(storage, id);
    expect(actOnFinalResponse(response).text).toBe("One too many.");
    expect(actOnStream(log).text).not.toBe("One too many.");
    const done = log
      .map((data) => JSON.parse(data) as { type: string; output_index: number; item: OutputItem })
      .filter(({ type }) => type === "response.output_item.done");
    expect(done.map(({ output_index, item }) => `${output_index} ${item.status}`)).toEqual([
      "0 incomplete",
      "1 completed",
    ]);
    expect(new Set(done.map(({ item }) => item.id)).size).toBe(2);
  });
});

/** Stops the run, as a crash would, once the log has this many events. */
async function cutOffAt(storage: TestStorage, id: string, events: number): Promise<void> {
  const control = new AttemptControl();
  const running = runOnce({ storage, kinds: [], upstream: new SimulatorUpstream() }, id, control);
  await pollUntil(async () => (await storage.visibleLogReader.read(id, 0, 1_000)).length >= events);
  control.stop("lock-lost");
  await running;
}

test("a model sees the cut-off text apart from complete items", async () => {
  await using storage = await openTestStorage();
  const request = { metadata: { ...PACE, "simulator.text": "One two three four five." } };
  const id = await createResponse(storage, request);
  await cutOffAt(storage, id, 7);
  const noting = new RecordingUpstream();
  await runOnce({ storage, kinds: [], upstream: noting }, id, new AttemptControl());
  const [firstCall] = noting.calls;
  expect(firstCall).toMatchObject({
    completedItems: [],
    firstOutputIndex: 0,
    unfinishedItem: { type: "message", status: "in_progress" },
  });
  expect(JSON.stringify(firstCall!.unfinishedItem)).toContain("One two");
});

describe("a client's call that the provider cut off", () => {
  const request = {
    tools: [FUNCTION],
    max_output_tokens: 16,
    metadata: scriptSteps(call("/srv/" + "a/b ".repeat(40))),
  };

  test("is not shown", async () => {
    await using storage = await openTestStorage();
    const id = await createResponse(storage, request);
    await runOnce({ storage, kinds: [], upstream: new SimulatorUpstream() }, id, new AttemptControl());
    const { response, log } = await finalResponse(storage, id);
    expect(response).toMatchObject({ status: "incomplete", output: [], usage: { output_tokens: 16 } });
    expect(actOnStream(log).calls).toEqual([]);
  });

  test("is shown up to the cut if calls are streamed", async () => {
    await using storage = await openTestStorage();
    const id = await createResponse(storage, request);
    const setup = { storage, kinds: [], upstream: new SimulatorUpstream(), streamsCalls: true };
    await runOnce(setup, id, new AttemptControl());
    const log = await storage.visibleLogReader.read(id, 0, 1_000);
    expect(actOnStream(log.map(({ data }) => data)).calls).toHaveLength(1);
    expect(log.length).toBeGreaterThan(20);
  });
});

describe("a worker that is asked to leave", () => {
  const leaveDuring = async (fn: "look" | "change") => {
    await using storage = await openTestStorage();
    const id = await createResponse(storage, {
      tools: [COUNTING_TOOL],
      metadata: scriptSteps({ call: fn, arguments: { x: 1 } }),
    });
    const control = new AttemptControl();
    const tool = countingTool(() => {
      control.requestHandOver();
      control.generating.throwIfAborted();
    });
    const again = countingTool();
    const setup = { storage, kinds: [tool.kind], upstream: new SimulatorUpstream() };
    const outcome = await runOnce(setup, id, control);
    const log = (await storage.visibleLogReader.read(id, 0, 1_000)).map(({ data }) => data);
    if (outcome === "handed-over") await runOnce({ ...setup, kinds: [again.kind] }, id, new AttemptControl());
    await expectSafe(storage, id);
    return {
      outcome,
      begun: [...tool.begun, ...again.begun],
      isShown: log.some((data) => data.includes("response.mcp_call.completed")),
    };
  };

  test("awaits a changing call, whose result would be lost", async () => {
    expect(await leaveDuring("change")).toEqual({ outcome: "handed-over", begun: ["change 1"], isShown: true });
  });

  test("hands over at once during a repeatable call", async () => {
    expect(await leaveDuring("look")).toEqual({ outcome: "handed-over", begun: ["look 1", "look 1"], isShown: false });
  });

  test("hands over at once an item that has only begun", async () => {
    await using storage = await openTestStorage();
    const id = await createResponse(storage, {});
    const control = new AttemptControl();
    control.requestHandOver();
    const upstream = new RecordingUpstream();
    expect(await runOnce({ storage, kinds: [], upstream }, id, control)).toBe("handed-over");
    expect(await storage.records.read(id)).toMatchObject({ attempts: 0 });
  });
});
