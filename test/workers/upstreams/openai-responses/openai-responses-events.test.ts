/**
 * The events of a provider's stream that are passed on, and those that are corrected. Each log is checked as in the
 * suite.
 */
import { describe, expect, test } from "vitest";
import { textOf, type UpstreamLog } from "../../../conformance/upstream-log.ts";
import { readUpstream } from "../../../support/openai-responses.ts";
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

async function read(...frames: Frame[]): Promise<UpstreamLog> {
  await using server = await startUpstreamServer(streamAndEnd(created(), ...frames));
  return await readUpstream(server);
}

const types = (log: UpstreamLog) => log.events.map((event) => event.type);
const textMessage = (id: string, text: string, status = "completed") => ({
  type: "message",
  id,
  role: "assistant",
  status,
  content: [{ type: "output_text", text, annotations: [] }],
});

describe("passed-on events", () => {
  test("are item events in order, without lifecycle events, keepalives and padding", async () => {
    const inProgress = { type: "response.in_progress", response: {} };
    const queued = { type: "response.queued", response: {} };
    const keepalive = { type: "keepalive", sequence_number: 3 };
    const log = await read(queued, inProgress, keepalive, ...message(0, "msg_1", ["Hel", "lo"]), completed());
    expect(types(log)).toEqual(message(0, "msg_1", ["Hel", "lo"]).map((frame) => frame.type));
  });

  test("include items of unknown types", async () => {
    const item = { type: "time_travel_call", id: "tt_1", year: 1885 };
    const log = await read(added(0, item), done(0, item), completed());
    expect(log.events).toEqual([added(0, item), done(0, item)]);
  });

  test("include unchanged items of hosted tools", async () => {
    const item = { type: "web_search_call", id: "ws_1", status: "completed", action: { type: "search", query: "tea" } };
    const at = { item_id: "ws_1", output_index: 0 };
    const log = await read(
      added(0, { ...item, status: "in_progress" }),
      { type: "response.web_search_call.in_progress", ...at },
      { type: "response.web_search_call.searching", ...at },
      { type: "response.web_search_call.completed", ...at },
      done(0, item),
      completed(),
    );
    expect(log.events).toHaveLength(5);
    expect(log.output).toEqual([item]);
  });

  test("include shell command events without item_id", async () => {
    const at = { output_index: 0, command_index: 0 };
    const events = [
      { type: "response.shell_call_command.added", ...at, command: "" },
      { type: "response.shell_call_command.delta", ...at, delta: "ls" },
      { type: "response.shell_call_command.done", ...at, command: "ls" },
    ];
    const item = { type: "shell_call", id: "sh_1", call_id: "call_1", status: "completed" };
    const whole = { ...item, action: { commands: ["ls"] } };
    const log = await read(added(0, item), ...events, done(0, whole), completed());
    expect(log.events.slice(1, -1)).toEqual(events);
  });
});

describe("indices", () => {
  test("are counted from 0 without gaps", async () => {
    const log = await read(...message(3, "msg_a", ["A"]), ...message(7, "msg_b", ["B"]), completed());
    expect(log.output.map((item) => item.id)).toEqual(["msg_a", "msg_b"]);
  });

  test("may be interleaved", async () => {
    const [first, second] = [message(0, "msg_a", ["A"]), message(1, "msg_b", ["B"])];
    const log = await read(...first.flatMap((frame, i) => [frame, second[i]!]), completed());
    expect(log.output.map((item) => item.status)).toEqual(["completed", "completed"]);
  });

  test("separate items that share an id", async () => {
    const log = await read(...message(0, "msg_a", ["A"]), ...message(0, "msg_b", ["B"]), completed());
    expect(log.output.map((item) => item.id)).toEqual(["msg_a", "msg_b"]);
  });

  test("may be missing", async () => {
    const reasoning = { type: "reasoning", id: "1", summary: [] };
    const streamed = [...message(1, "1", ["A"]), ...message(2, "1", ["B"])];
    const log = await read(added(0, reasoning), done(0, reasoning), ...streamed, completed());
    expect(log.output.map((item) => item.type)).toEqual(["reasoning", "message", "message"]);
    expect(log.output.slice(1).map(textOf)).toEqual(["A", "B"]);
    expect(log.output.map((item) => item.id)).toEqual([
      "1",
      expect.stringMatching(/^msg_/),
      expect.stringMatching(/^msg_/),
    ]);
    const whole = await read(completed({ output: [reasoning, textMessage("1", "A")] }));
    expect(whole.output.map((item) => item.type)).toEqual(["reasoning", "message"]);
  });

  test("may be left out", async () => {
    const frames = message(0, "msg_a", ["A"]).map((frame): Frame => ({ ...frame, output_index: undefined }));
    const log = await read(...frames, completed());
    expect(log.output).toMatchObject([textMessage("msg_a", "A")]);
  });
});

describe("an added event", () => {
  test("completes an item that is only done", async () => {
    const log = await read(done(0, textMessage("msg_1", "Hello")), completed());
    expect(types(log)).toEqual(["response.output_item.added", "response.output_item.done"]);
    expect(log.events[0]).toMatchObject({ item: { id: "msg_1", status: "in_progress", content: [] } });
  });

  test("starts a part", async () => {
    const frames = message(0, "msg_1", ["Hel", "lo"]).filter((frame) => !frame.type.includes("content_part"));
    const log = await read(...frames, completed());
    expect(types(log).slice(0, 3)).toEqual([
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
    ]);
  });

  test("ends a text, its part and a call's arguments", async () => {
    const call = { type: "function_call", id: "fc_1", call_id: "call_1", name: "f", arguments: "{}" };
    const refusal = { output_index: 0, item_id: "msg_1", content_index: 1 };
    const log = await read(
      ...message(0, "msg_1", ["Hel", "lo"]).slice(0, 4),
      { type: "response.refusal.delta", ...refusal, delta: "No." },
      { type: "response.content_part.done", ...refusal, part: { type: "refusal", refusal: "No." } },
      done(0, { type: "message", id: "msg_1" }),
      added(1, { ...call, arguments: "" }),
      { type: "response.function_call_arguments.delta", output_index: 1, item_id: "fc_1", delta: "{}" },
      done(1, call),
      completed(),
    );
    expect(types(log).map((type) => type.replace("response.", ""))).toEqual([
      "output_item.added",
      "content_part.added",
      "output_text.delta",
      "output_text.delta",
      "output_text.done",
      "content_part.done",
      "content_part.added",
      "refusal.delta",
      "refusal.done",
      "content_part.done",
      "output_item.done",
      "output_item.added",
      "function_call_arguments.delta",
      "function_call_arguments.done",
      "output_item.done",
    ]);
    expect(log.events[5]).toMatchObject({ part: { type: "output_text", text: "Hello" } });
  });

  test("supplies the required fields of a message, a call and their events", async () => {
    const log = await read(
      added(0, { type: "message" }),
      { type: "response.output_text.delta", output_index: 0, delta: "Hi" },
      done(0, { type: "message", role: "assistant" }),
      added(1, { type: "function_call", name: "f" }),
      { type: "response.function_call_arguments.delta", output_index: 1, item_id: "other", delta: "{}" },
      done(1, { type: "function_call", name: "f", arguments: "{}", status: "in_progress" }),
      added(2, { type: "reasoning" }),
      done(2, { type: "reasoning" }),
      completed(),
    );
    expect(log.output).toMatchObject([
      { type: "message", role: "assistant", status: "completed", content: [{ text: "Hi", annotations: [] }] },
      { type: "function_call", call_id: expect.stringMatching(/^call_/), arguments: "{}", status: "completed" },
      { type: "reasoning", id: expect.stringMatching(/^rs_/), summary: [] },
    ]);
  });

  test("supplies the items of a server that streams none", async () => {
    const log = await read(completed({ output: [textMessage("msg_1", "Hello")] }));
    expect(log.output).toMatchObject([textMessage("msg_1", "Hello")]);
  });
});

describe("a dropped event", () => {
  test.for<[name: string, frame: Frame]>([
    ["a repeated added", added(0, { type: "message", id: "msg_1" })],
    ["a repeated part", { ...message(0, "msg_1", [])[1]! }],
    ["a delta of an item that was never added", { ...message(5, "msg_5", ["lost"])[2]! }],
    ["a delta without text", { type: "response.output_text.delta", output_index: 0, item_id: "msg_1" }],
    ["an event without an item", { type: "response.audio.delta", delta: "AAAA" }],
    ["an event of an unknown type", { type: "response.output_text.sung", output_index: 0, key: "C" }],
    ["an invalid item", added(1, [])],
  ])("is %s", async ([, frame]) => {
    const [start, part, ...rest] = message(0, "msg_1", ["Hello"]);
    const log = await read(start!, part!, frame, ...rest, completed());
    expect(log.events).toHaveLength(6);
  });

  test("follows its item's done", async () => {
    const frames = message(0, "msg_1", ["Hello"]);
    const log = await read(...frames, frames[2]!, frames.at(-1)!, completed());
    expect(log.events).toHaveLength(frames.length);
  });
});

describe("an item left open at the end", () => {
  const openItem = message(0, "msg_1", ["Hel", "lo"]).slice(0, 3);

  test("is closed as in the final response", async () => {
    const log = await read(
      ...message(0, "msg_1", ["Hello"]).slice(0, 3),
      completed({ output: [textMessage("another_id", "Hello")] }),
    );
    expect(log.output).toEqual([expect.objectContaining(textMessage("msg_1", "Hello"))]);
  });

  test("is closed as incomplete with its streamed content if the final response lacks it", async () => {
    const log = await read(...openItem, completed());
    expect(log.finish.status).toBe("completed");
    expect(log.output).toMatchObject([textMessage("msg_1", "Hel", "incomplete")]);
  });

  test("is closed as incomplete if the response is", async () => {
    const response = { status: "incomplete", incomplete_details: { reason: "content_filter" }, output: [] };
    const log = await read(...openItem, { type: "response.incomplete", response });
    expect(log.finish).toMatchObject({ status: "incomplete", details: { reason: "content_filter" } });
    expect(log.output).toMatchObject([textMessage("msg_1", "Hel", "incomplete")]);
  });
});

describe("the finish", () => {
  test("supplies missing usage counts", async () => {
    const usage = { input_tokens: 3, output_tokens: 4, output_tokens_details: { reasoning_tokens: 2 } };
    const { finish } = await read(completed({ usage, service_tier: "flex" }));
    expect(finish).toEqual({
      type: "finish",
      status: "completed",
      serviceTier: "flex",
      usage: {
        input_tokens: 3,
        input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
        output_tokens: 4,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 7,
      },
    });
  });

  test("has zero counts without usage", async () => {
    const { finish } = await read(completed());
    expect(finish).toMatchObject({ usage: { input_tokens: 0, output_tokens: 0, total_tokens: 0 } });
  });

  test("follows the response's status over the event's", async () => {
    const { finish } = await read(completed({ status: "incomplete" }));
    expect(finish).toMatchObject({ status: "incomplete", details: { reason: "max_output_tokens" } });
  });
});
