/**
 * Streams of a Responses provider in which one thing is odd: each ends the call with a legal log, after one request. They
 * are made of every kind of item, and of what servers are reported to send.
 */
import { describe, expect, test } from "vitest";
import { textOf, readLog, type UpstreamLog } from "../../../conformance/upstream-log.ts";
import { EVERY_ITEM, EVERY_KIND } from "../../../support/every-item.ts";
import { generateMutations } from "../../../support/mutations.ts";
import { openUpstream, readUpstream, sampleCall } from "../../../support/openai-responses.ts";
import {
  added,
  completed,
  created,
  done,
  type Frame,
  message,
  startUpstreamServer,
  streamAndEnd,
} from "../../../support/upstream-server.ts";

const LAST = message(1, "msg_last", ["Done", "."]);

describe("an item in whose stream one thing is odd", () => {
  test.for(EVERY_KIND)("%s", { timeout: 120_000 }, async (kind) => {
    let frames: Frame[] = [];
    await using server = await startUpstreamServer((response) =>
      streamAndEnd(created(), ...frames, completed())(response),
    );
    const upstream = openUpstream(server);
    const faults: string[] = [];
    for (const script of EVERY_ITEM[kind]) {
      for (const { name, events } of generateMutations(script(0) as Frame[])) {
        frames = [...events, ...LAST];
        const before = server.requests.length;
        try {
          const { finish, output } = await readLog(upstream.run(sampleCall(), new AbortController().signal));
          expect(finish.status).toBe("completed");
          expect(output.some((item) => textOf(item) === "Done.")).toBe(true);
          expect(server.requests.length - before).toBe(1);
        } catch (error) {
          faults.push(`${name}: ${String(error)}`);
        }
      }
    }
    expect(faults).toEqual([]);
  });
});

describe("an end in which one thing is odd", () => {
  const item = LAST.at(-1)!["item"] as object;
  const usage = { input_tokens: 3, output_tokens: 4, output_tokens_details: { reasoning_tokens: 2 } };
  const ends: Frame[] = [
    completed({ output: [item], usage, service_tier: "flex", tool_usage: { web_search: { num_requests: 1 } } }),
    {
      type: "response.incomplete",
      response: { status: "incomplete", incomplete_details: { reason: "content_filter" } },
    },
    { type: "response.failed", response: { status: "failed", error: { code: "server_error", message: "Oops" } } },
  ];

  test("ends the call, after one request", { timeout: 60_000 }, async () => {
    let frames: Frame[] = [];
    await using server = await startUpstreamServer((response) => streamAndEnd(created(), ...frames)(response));
    const upstream = openUpstream(server);
    for (const end of ends) {
      for (const { name, events } of generateMutations([end])) {
        if (events.length !== 1 || events[0]!.type !== end.type) continue;
        frames = [...LAST, ...events];
        const before = server.requests.length;
        const { output } = await readLog(upstream.run(sampleCall(), new AbortController().signal));
        expect([name, ...output.map(textOf)]).toEqual([name, "Done."]);
        expect([name, server.requests.length - before]).toEqual([name, 1]);
      }
    }
  });
});

async function read(...frames: Frame[]): Promise<UpstreamLog> {
  await using server = await startUpstreamServer(streamAndEnd(created(), ...frames));
  return await readUpstream(server);
}

const types = (log: UpstreamLog) => log.events.map((event) => event.type.replace("response.", ""));

describe("what servers are reported to send", () => {
  const at = { item_id: "rs_1", output_index: 0 };
  const thought = { type: "reasoning", id: "rs_1", summary: [], content: null, encrypted_content: null, status: null };

  test("vLLM: null in the place of a list, and each word of a thought a part of its own", async () => {
    const log = await read(
      added(0, thought),
      { type: "response.reasoning_part.added", ...at, content_index: 7, part: { type: "reasoning_text", text: "" } },
      ...["I ", "think ", "so."].map((delta, i) => ({
        type: "response.reasoning_text.delta",
        ...at,
        content_index: 7 + i,
        delta,
      })),
      {
        type: "response.reasoning_text.done",
        output_index: 1,
        item_id: "rs_1",
        content_index: 10,
        text: "I think so.",
      },
      done(0, { ...thought, status: "completed" }),
      ...LAST,
      completed(),
    );
    expect(log.output.map(textOf)).toEqual(["I think so.", "Done."]);
    expect(log.finish.status).toBe("completed");
  });

  test("a search of which only the end is told", async () => {
    const item = { type: "web_search_call", id: "ws_1", action: { type: "search", query: "tea" } };
    const log = await read(
      added(0, item),
      { type: "response.web_search_call.completed", item_id: "ws_1", output_index: 0 },
      done(0, item),
      completed(),
    );
    expect(types(log).slice(1, -1)).toEqual([
      "web_search_call.in_progress",
      "web_search_call.searching",
      "web_search_call.completed",
    ]);
  });

  test("arguments as an object, and in pieces and then whole", async () => {
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f" };
    const delta = (json: unknown): Frame => ({
      type: "response.function_call_arguments.delta",
      item_id: "fc_1",
      output_index: 0,
      delta: json,
    });
    const whole = await read(added(0, call), done(0, { ...call, arguments: { x: 1 } }), completed());
    const once = await read(added(0, call), delta({ x: 1 }), done(0, { ...call, arguments: { x: 1 } }), completed());
    const pieces = [delta('{"x"'), delta(":1}"), delta('{"x":1}')];
    const repeated = await read(added(0, call), ...pieces, done(0, { ...call, arguments: null }), completed());
    for (const { output } of [whole, once, repeated]) expect(output.map(textOf)).toEqual(['{"x":1}']);
  });

  test("a text that is another one at its end", async () => {
    const frames = message(0, "msg_1", [" Hel", "lo "]);
    const trimmed = frames.map((frame) =>
      JSON.parse(JSON.stringify(frame).replaceAll('" Hello "', '"Hello"')),
    ) as Frame[];
    const log = await read(...trimmed, completed());
    expect(log.output.map((item) => [textOf(item), item.status])).toEqual([[" Hello ", "completed"]]);
  });

  test("a message's content as one string, or as a chat completion's text", async () => {
    for (const content of ["Hello", [{ type: "text", text: "Hello" }]]) {
      const log = await read(done(0, { type: "message", id: "msg_1", role: "assistant", content }), completed());
      expect(log.output.map(textOf)).toEqual(["Hello"]);
    }
  });
});
