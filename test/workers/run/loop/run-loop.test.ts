/** The turns of a response with server-side tools, and the state after a crash between any two of their steps. */
import { describe, expect, test } from "vitest";
import type { ItemEventDraft } from "../../../../src/protocol/event.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { INTERRUPTED } from "../../../../workers/tools/execute-calls.ts";
import type { Upstream } from "../../../../workers/upstreams/upstream.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { crashingStorage } from "../../../support/crashing-storage.ts";
import { messageEvents, USAGE } from "../../../support/samples.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";
import { pollUntil } from "../../../support/poll-until.ts";

const look = (x: number) => ({ call: "look", arguments: { x } });
const change = (x: number) => ({ call: "change", arguments: { x } });
const TOOLS = { tools: [COUNTING_TOOL] };

async function run(request: Parameters<typeof createResponse>[1], options: { maxToolCalls?: number } = {}) {
  await using storage = await openTestStorage();
  const tool = countingTool();
  const upstream = new RecordingUpstream();
  const id = await createResponse(storage, request);
  const outcome = await runOnce({ storage, kinds: [tool.kind], upstream, ...options }, id, new AttemptControl());
  expect(outcome).toBe("ended");
  return { ...(await finalResponse(storage, id)), tool, upstream };
}

const textsOf = (output: readonly OutputItem[]) =>
  output.map((item) => {
    if (item.type === "mcp_call") return `${item.name} ${item.arguments} ${item.status}`;
    return item.type === "message" ? "message" : item.type;
  });

describe("a response with tools", () => {
  test("calls the model with each output until it answers", async () => {
    const { response, tool, upstream } = await run({ ...TOOLS, metadata: scriptSteps([look(1), change(2)], look(3)) });
    expect(response.status).toBe("completed");
    expect(textsOf(response.output)).toEqual([
      'look {"x":1} completed',
      'change {"x":2} completed',
      'look {"x":3} completed',
      "message",
    ]);
    expect(tool.begun).toEqual(["look 1", "change 2", "look 3"]);
    expect(upstream.calls).toHaveLength(3);
    const visible = upstream.calls[2]!.history.map((item) => item.type);
    expect(visible).toEqual([
      "message",
      "function_call",
      "function_call",
      "function_call_output",
      "function_call_output",
      "function_call",
      "function_call_output",
    ]);
    expect(upstream.calls[2]!.history.at(-1)).toMatchObject({ output: "look 3 is done" });
  });

  test("runs a turn's calls in parallel, and lists them in order", async () => {
    await using storage = await openTestStorage();
    const bothBegun = Promise.withResolvers<void>();
    const tool = countingTool(async (call) => {
      // The first call ends only after the second has begun.
      if (call === "look 2") bothBegun.resolve();
      await bothBegun.promise;
    });
    const id = await createResponse(storage, { ...TOOLS, metadata: scriptSteps([look(1), look(2)]) });
    await runOnce({ storage, kinds: [tool.kind], upstream: new RecordingUpstream() }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    expect(tool.atOnce).toBe(2);
    expect(textsOf(response.output)).toEqual(['look {"x":1} completed', 'look {"x":2} completed', "message"]);
  });

  test("sums the usage of its turns", async () => {
    const { response, upstream } = await run({ ...TOOLS, metadata: scriptSteps(look(1), look(2)) });
    const { usage } = response;
    expect(upstream.calls).toHaveLength(3);
    expect(usage!.total_tokens).toBe(usage!.input_tokens + usage!.output_tokens);
    const inputs = upstream.calls.map((call) => call.history.length);
    expect(inputs).toEqual([1, 3, 5]);
    // Each call sends everything before it again.
    expect(usage!.input_tokens).toBeGreaterThan(3);
  });

  test("skips the calls beyond max_tool_calls, and requests an answer", async () => {
    const request = { ...TOOLS, max_tool_calls: 2, metadata: scriptSteps([look(1), look(2), look(3)], look(4)) };
    const { response, tool, upstream } = await run(request);
    expect(tool.begun).toEqual(["look 1", "look 2"]);
    expect(textsOf(response.output)).toEqual(['look {"x":1} completed', 'look {"x":2} completed', "message"]);
    expect(upstream.calls.at(-1)!.request.tool_choice).toBe("none");
  });

  test.each([undefined, 9])("obeys the operator's limit if the request's is %s", async (max_tool_calls) => {
    const request = {
      ...TOOLS,
      ...(max_tool_calls && { max_tool_calls }),
      metadata: scriptSteps(look(1), look(2), look(3)),
    };
    const { tool } = await run(request, { maxToolCalls: 2 });
    expect(tool.begun).toEqual(["look 1", "look 2"]);
  });

  test("ends only after all of its calls", async () => {
    await using storage = await openTestStorage();
    const control = new AttemptControl();
    const order: string[] = [];
    const bothBegun = Promise.withResolvers<void>();
    const tool = countingTool(async (call) => {
      if (call === "look 2") bothBegun.resolve();
      await bothBegun.promise;
      if (call === "look 1") {
        control.stop("drain");
        throw control.generating.reason;
      }
      // It takes a while to stop.
      for (let i = 0; i < 50; i += 1) await storage.redis.ping();
      order.push(call);
    });
    const id = await createResponse(storage, { ...TOOLS, metadata: scriptSteps([look(1), look(2)]) });
    const outcome = await runOnce({ storage, kinds: [tool.kind], upstream: new RecordingUpstream() }, id, control);
    expect([...order, outcome]).toEqual(["look 2", "handed-over"]);
  });

  test("ends at a client's call, after its own calls of that turn", async () => {
    const tools = [COUNTING_TOOL, { type: "function" as const, name: "mine", parameters: {} }];
    const mine = { call: "mine", arguments: {} };
    const { response, upstream } = await run({ tools, metadata: scriptSteps([look(1), mine, look(2)]) });
    expect(upstream.calls).toHaveLength(1);
    expect(textsOf(response.output)).toEqual(['look {"x":1} completed', "function_call", 'look {"x":2} completed']);
  });

  test("counts max_output_tokens over all turns", async () => {
    const metadata = { ...scriptSteps(look(1), look(2)), "simulator.text": "word ".repeat(100) };
    const { response, upstream } = await run({ ...TOOLS, max_output_tokens: 40, metadata });
    expect(response).toMatchObject({ status: "incomplete", incomplete_details: { reason: "max_output_tokens" } });
    expect(response.usage!.output_tokens).toBeLessThanOrEqual(40);
    expect(upstream.calls[1]!.request.max_output_tokens).toBeLessThan(40);
  });

  test("shows the model an output's beginning, end and omitted length", async () => {
    await using storage = await openTestStorage();
    const open = await countingTool().kind.open(COUNTING_TOOL, undefined as never);
    const output = "x".repeat(2 * 1024 * 1024);
    const functions = open.functions.map((fn) => ({
      ...fn,
      run: () => Promise.resolve({ output, isError: false, details: null }),
    }));
    const kind = { types: ["mcp"] as const, open: () => Promise.resolve({ ...open, functions }) };
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, { ...TOOLS, metadata: scriptSteps(look(1)) });
    await runOnce({ storage, kinds: [kind], upstream }, id, new AttemptControl());
    const visible = upstream.calls[1]!.history.at(-1);
    expect(visible).toMatchObject({
      output: expect.stringMatching(/x\n\[cut off here: \d+ of 2097152 characters are left out\]\nx/),
    });
    expect(JSON.stringify(visible).length).toBeLessThan(64 * 1024 + 200);
  });

  test.each([
    ["not a JSON object produce an error that the model answers", "[1", [], "look [1 failed"],
    ["left out suit a call without parameters", "", ["look undefined"], "look {} completed"],
    ["only whitespace suit a call without parameters", " \n", ["look undefined"], "look {} completed"],
  ])("arguments that are %s", async (_name, written, begun, visible) => {
    await using storage = await openTestStorage();
    const tool = countingTool();
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, {
      ...TOOLS,
      metadata: scriptSteps({ call: "look", arguments: { x: 1 } }),
    });
    const spoil = {
      run: async function* (...[call, signal]: Parameters<RecordingUpstream["run"]>) {
        for await (const event of upstream.run(call, signal)) {
          if (event.type === "response.output_item.done" && event.item.type === "function_call") {
            yield { ...event, item: { ...event.item, arguments: written } };
          } else if (!event.type.startsWith("response.function_call_arguments")) yield event;
        }
      },
    };
    await runOnce({ storage, kinds: [tool.kind], upstream: spoil }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    expect(tool.begun).toEqual(begun);
    expect(textsOf(response.output)).toEqual([visible, "message"]);
  });
});

describe("a call in a provider's own form", () => {
  const tell = async (...events: ItemEventDraft[]) => {
    await using storage = await openTestStorage();
    const tool = countingTool();
    const calls: number[] = [];
    const upstream: Upstream = {
      async *run() {
        calls.push(calls.length);
        yield* calls.length === 1 ? events : (messageEvents(0, ["Done."]) as ItemEventDraft[]);
        yield { type: "finish", status: "completed", usage: USAGE };
      },
    };
    const id = await createResponse(storage, TOOLS);
    await runOnce({ storage, kinds: [tool.kind], upstream }, id, new AttemptControl());
    return { ...(await finalResponse(storage, id)), tool };
  };
  const call = (fields: object) => {
    const item = { type: "function_call" as const, id: "fc_1", call_id: "call_1", name: "look", ...fields };
    const at = { output_index: 0, item_id: "fc_1", name: "look" };
    const json = '{"x":1}';
    return [
      { type: "response.output_item.added", output_index: 0, item: { ...item, arguments: "", status: "in_progress" } },
      { type: "response.function_call_arguments.delta", ...at, delta: json },
      { type: "response.function_call_arguments.done", ...at, arguments: json },
      { type: "response.output_item.done", output_index: 0, item: { ...item, arguments: json, status: "completed" } },
    ] satisfies ItemEventDraft[];
  };

  test("in a client's namespace goes to the client under any name", async () => {
    const { response, tool } = await tell(...call({ namespace: "theirs" }));
    expect(tool.begun).toEqual([]);
    expect(response.output).toMatchObject([{ type: "function_call", name: "look", namespace: "theirs" }]);
  });

  test("without deltas gets one", async () => {
    const { tool, log } = await tell(...call({}).filter(({ type }) => !type.endsWith(".delta")));
    expect(tool.begun).toEqual(["look 1"]);
    const deltas = log.map((data) => JSON.parse(data) as { type: string; delta?: string });
    expect(deltas.find(({ type }) => type === "response.mcp_call_arguments.delta")).toMatchObject({ delta: '{"x":1}' });
  });

  test("fails the response if more follows than fits in memory", async () => {
    const long = messageEvents(
      1,
      Array.from({ length: 17 }, () => "x".repeat(1024 * 1024)),
    ) as ItemEventDraft[];
    const { response } = await tell(...call({}), ...long);
    expect(response).toMatchObject({
      status: "failed",
      error: { message: "The provider sent too much after a tool call." },
    });
  });
});

describe("after a crash between any two steps", () => {
  const request = { ...TOOLS, metadata: scriptSteps([look(1), change(2), look(3)], [change(4), change(5)], look(6)) };

  /** Runs until the process crashes before write number `step`, then to the end. */
  async function crashAt(step: number) {
    await using storage = await openTestStorage();
    let left = step;
    const die = (): boolean => left-- === 0;
    const control = new AttemptControl();
    const tool = countingTool(() => {
      // A call may also be cut off midway: it took effect, but its result is not logged.
      if (die()) {
        control.stop("lock-lost");
        throw control.generating.reason;
      }
    });
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, request);
    const first = runOnce(
      { storage: crashingStorage(storage, control, die), kinds: [tool.kind], upstream },
      id,
      control,
    ).catch((error: unknown) => error);
    await first;
    const hasDied = left < 0;
    const { turns, results } = await storage.journals.read(id);
    const recorded = [...turns.values()]
      .flatMap(({ segments }) => segments.flatMap((segment) => (segment.kind === "call" ? [segment.call] : [])))
      .filter(({ callId }) => results.has(callId))
      .map((call) => `${call.name} ${(JSON.parse(call.arguments) as { x: number }).x}`);
    const begunBefore = tool.begun.length;
    await runOnce({ storage, kinds: [tool.kind], upstream }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    return {
      hasDied,
      response,
      tool,
      recorded,
      begunAfter: tool.begun.slice(begunBefore),
      last: upstream.calls.at(-1)!,
    };
  }

  test("the run fails with a reason if the tool is not configured", async () => {
    await using storage = await openTestStorage();
    const control = new AttemptControl();
    const tool = countingTool(() => {
      control.stop("drain");
      throw control.generating.reason;
    });
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, request);
    expect(await runOnce({ storage, kinds: [tool.kind], upstream }, id, control)).toBe("handed-over");
    expect(await runOnce({ storage, kinds: [], upstream }, id, new AttemptControl())).toBe("ended");
    const { response } = await finalResponse(storage, id);
    const error = { code: "server_error", message: "The tool 'look' is not configured any more." };
    expect(response).toMatchObject({ status: "failed", error });
    expect(upstream.calls).toHaveLength(1);
  });

  test("the run logs nothing twice, even after a second crash", async () => {
    await using storage = await openTestStorage();
    const [first, second, third] = [new AttemptControl(), new AttemptControl(), new AttemptControl()];
    const isShown = async () =>
      (await storage.visibleLogReader.read(id, 0, 1_000)).some(({ data }) =>
        data.startsWith('{"type":"response.mcp_call.completed"'),
      );
    const die = (control: AttemptControl) => {
      control.stop("lock-lost");
      throw control.generating.reason;
    };
    const tool = countingTool(async (call) => {
      if (!first.generating.aborted) die(first);
      if (second.generating.aborted || call === "look 1") return;
      // A reader of the log sees the call before it as ended.
      await pollUntil(isShown);
      die(second);
    });
    const setup = { storage, kinds: [tool.kind], upstream: new RecordingUpstream() };
    const id = await createResponse(storage, { ...TOOLS, metadata: scriptSteps([look(1), look(2)]) });
    for (const control of [first, second, third]) await runOnce(setup, id, control);
    const { response } = await finalResponse(storage, id);
    expect(textsOf(response.output)).toEqual(['look {"x":1} completed', 'look {"x":2} completed', "message"]);
  });

  test("the run executes a changing call only once", async () => {
    let crashes = 0;
    for (let step = 0; ; step++) {
      const { hasDied, response, tool, recorded, begunAfter, last } = await crashAt(step);
      if (!hasDied) break;
      crashes += 1;
      expect(response.status).toBe("completed");
      const changes = tool.begun.filter((call) => call.startsWith("change"));
      expect(new Set(changes).size).toBe(changes.length);
      // The worker does not request recorded output again, and the model sees it.
      expect(begunAfter.filter((call) => recorded.includes(call))).toEqual([]);
      const visible = textsOf(response.output);
      // The model sees a call that may have taken effect as failed, and there is one of each in either case.
      expect(visible.map((text) => text.replace(/ (completed|failed)$/, ""))).toEqual([
        'look {"x":1}',
        'change {"x":2}',
        'look {"x":3}',
        'change {"x":4}',
        'change {"x":5}',
        'look {"x":6}',
        "message",
      ]);
      expect(visible.filter((text) => text.startsWith("look") && !text.endsWith("completed"))).toEqual([]);
      const outputs = last.history.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []));
      const expected = ["look 1", "change 2", "look 3", "change 4", "change 5", "look 6"];
      expect(outputs).toHaveLength(expected.length);
      for (const [i, output] of outputs.entries()) {
        const done = `${expected[i]} is done`;
        const mayBe = recorded.includes(expected[i]!) ? [done] : [done, INTERRUPTED];
        expect(mayBe).toContain(output);
      }
    }
    expect(crashes).toBeGreaterThan(30);
  });
});

describe("after Redis returns with a journal older than its log", () => {
  /** Runs until the second model call, changes the journal, then runs to the end. */
  async function runWith(request: Parameters<typeof createResponse>[1], callsBefore: number, lose: Lose) {
    await using storage = await openTestStorage();
    const tool = countingTool();
    const upstream = new RecordingUpstream();
    const control = new AttemptControl();
    const id = await createResponse(storage, request);
    const dying = {
      run: (...[call, signal]: Parameters<RecordingUpstream["run"]>) => {
        if (upstream.calls.length === callsBefore) control.stop("drain");
        return upstream.run(call, signal);
      },
    };
    expect(await runOnce({ storage, kinds: [tool.kind], upstream: dying }, id, control)).toBe("handed-over");
    await lose(storage, id);
    await runOnce({ storage, kinds: [tool.kind], upstream }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    return { response, tool, upstream, journal: await storage.journals.read(id) };
  }
  type Lose = (storage: Awaited<ReturnType<typeof openTestStorage>>, id: string) => Promise<unknown>;

  test("a call that ended in the log is not executed again", async () => {
    const request = { ...TOOLS, max_tool_calls: 2, metadata: scriptSteps(change(1), change(2), change(3)) };
    const { response, tool, upstream } = await runWith(request, 1, (storage, id) =>
      storage.redis.del(storage.layout.calls(id)),
    );
    expect(tool.begun).toEqual(["change 1", "change 2"]);
    expect(textsOf(response.output)).toEqual(['change {"x":1} completed', 'change {"x":2} completed', "message"]);
    const { history } = upstream.calls.at(-1)!;
    expect(history.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []))).toEqual([
      "change 1 is done",
      "change 2 is done",
    ]);
  });

  test("the remaining journal is not overwritten", async () => {
    const request = { ...TOOLS, metadata: scriptSteps(look(1), look(2), look(3)) };
    const { response, tool, journal } = await runWith(request, 2, (storage, id) =>
      storage.redis.hdel(storage.layout.calls(id), "turn:0"),
    );
    expect(tool.begun).toEqual(["look 1", "look 2", "look 3"]);
    expect(textsOf(response.output)).toHaveLength(4);
    const names = [...journal.turns].map(([index, { segments }]) => [
      index,
      segments.map((segment) => segment.kind === "call" && segment.call.arguments),
    ]);
    expect(names).toEqual([
      [1, ['{"x":2}']],
      [2, ['{"x":3}']],
    ]);
  });

  test("the running worker writes its journal and log again", async () => {
    await using storage = await openTestStorage();
    const { redis, layout } = storage;
    let before: Record<string, string> = {};
    /** Redis has its state from before the calls: the last events of the log and the whole journal are lost. */
    const rollBack = async () => {
      before = await redis.hgetall(layout.calls(id));
      const events = await storage.fullLogReader.read(id, 0, 100_000);
      const loggedEvents = events.slice(0, 3);
      const changes = redis.multi().del(layout.calls(id)).del(layout.events(id));
      for (const { sequenceNumber, data } of loggedEvents)
        changes.xadd(layout.events(id), `${sequenceNumber}-1`, "d", data);
      await changes.hset(layout.meta(id), "last", loggedEvents.at(-1)!.sequenceNumber).exec();
    };
    const tool = countingTool((call) => (call === "change 2" ? rollBack() : undefined));
    const id = await createResponse(storage, { ...TOOLS, metadata: scriptSteps(look(1), change(2)) });
    await runOnce({ storage, kinds: [tool.kind], upstream: new RecordingUpstream() }, id, new AttemptControl());
    const { response } = await finalResponse(storage, id);
    expect(textsOf(response.output)).toEqual(['look {"x":1} completed', 'change {"x":2} completed', "message"]);
    expect(Object.keys(before)).toHaveLength(4);
    expect(await redis.hgetall(layout.calls(id))).toMatchObject(before);
  });
});
