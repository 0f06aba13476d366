/** Answers in forms that were not asked for, and streams in which nothing is said for long. */
import { describe, expect, test } from "vitest";
import { type UpstreamLog, textOf } from "../../../conformance/upstream-log.ts";
import {
  chunk,
  endFrames,
  frames,
  type Kind,
  KINDS,
  messageStart,
  messageStop,
  readAiSdk,
  textFrames,
} from "../../../support/ai-sdk.ts";
import { generateMutations } from "../../../support/mutations.ts";
import { readUpstream } from "../../../support/openai-responses.ts";
import { type Answer, completed, created, message, startUpstreamServer } from "../../../support/upstream-server.ts";

type Protocol = Kind | "openai-responses";

async function read(protocol: Protocol, answer: Answer, settings: NodeJS.ProcessEnv = {}): Promise<UpstreamLog> {
  await using server = await startUpstreamServer(answer);
  const log =
    protocol === "openai-responses"
      ? await readUpstream(server, settings)
      : await readAiSdk(server, protocol, {}, settings);
  expect(server.requests).toHaveLength(1);
  return log;
}

const body =
  (text: string, type = "application/json"): Answer =>
  (response) =>
    void response.writeHead(200, { "content-type": type }).end(text);
const sse = (...data: string[]) => body(data.map((each) => `data: ${each}\n\n`).join(""), "text/event-stream");
const told = ({ finish, output }: UpstreamLog) => [finish.status, ...output.map(textOf)];

const ITEM = { type: "message", id: "msg_1", role: "assistant", content: [{ type: "output_text", text: "Hello" }] };
const CALL = { id: "call_1", type: "function", function: { name: "f", arguments: { x: 1 } } };
const chat = (message: object, finish_reason: string | null = "stop") => ({
  object: "chat.completion",
  choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason }],
  usage: { prompt_tokens: 3, completion_tokens: 2 },
});
const claude = (...content: object[]) => ({
  ...(messageStart() as { message: object }).message,
  content,
  stop_reason: "end_turn",
});
const gemini = (...parts: object[]) => ({ candidates: [{ content: { role: "model", parts }, finishReason: "STOP" }] });

describe("an answer in one piece is understood", () => {
  test.each<[Protocol, unknown, string]>([
    ["openai-responses", { object: "response", status: "completed", output: [ITEM] }, "Hello"],
    ["openai-responses", { output: [ITEM] }, "Hello"],
    ["openai-compatible", chat({ content: "Hello" }), "Hello"],
    ["openai-compatible", chat({ content: null, tool_calls: [CALL] }, "tool_calls"), '{"x":1}'],
    ["openai-compatible", chat({ content: "Hello" }, null), "Hello"],
    ["anthropic", claude({ type: "text", text: "Hello" }), "Hello"],
    ["anthropic", claude({ type: "tool_use", id: "toolu_1", name: "f", input: { x: 1 } }), '{"x":1}'],
    ["google", gemini({ text: "Hello" }), "Hello"],
    ["google", [gemini({ text: "Hel" }), gemini({ text: "lo" })], "Hello"],
  ])("%s: %j", async (protocol, answer, text) => {
    for (const type of ["application/json", "text/plain"]) {
      expect(told(await read(protocol, body(JSON.stringify(answer), type)))).toEqual(["completed", text]);
    }
  });

  test("also one that failed, or was cut off", async () => {
    const failed = {
      object: "response",
      status: "failed",
      output: [],
      error: { code: "server_error", message: "No." },
    };
    expect((await read("openai-responses", body(JSON.stringify(failed)))).finish).toMatchObject({
      error: { message: "No." },
    });
    const cut = { object: "response", status: "incomplete", output: [ITEM] };
    expect(told(await read("openai-responses", body(JSON.stringify(cut))))).toEqual(["incomplete", "Hello"]);
  });
});

describe("a chat completion's chunks are understood", () => {
  const call = (fn: object, rest: object = {}) => chunk({ tool_calls: [{ ...rest, function: fn }] });
  const end = (reason: string | null) => chunk({}, { finish_reason: reason });
  test.each<[string, object[], ...string[]]>([
    [
      "arguments as an object",
      [call({ name: "f", arguments: { x: 1 } }, { index: 0, id: "a" }), end("tool_calls")],
      '{"x":1}',
    ],
    [
      "arguments that are null, and come at the end",
      [
        call({ name: "f", arguments: null }, { index: 0, id: "a" }),
        call({ arguments: '{"x":1}' }, { index: 0 }),
        end("tool_calls"),
      ],
      '{"x":1}',
    ],
    [
      "arguments in pieces and then whole",
      [
        call({ name: "f", arguments: '{"x"' }, { index: 0, id: "a" }),
        call({ arguments: ":1}" }, { index: 0 }),
        call({ arguments: '{"x":1}' }, { index: 0 }),
        end("tool_calls"),
      ],
      '{"x":1}',
    ],
    [
      "no index",
      [
        call({ name: "f", arguments: "{" }, { id: "a" }),
        call({ arguments: "}" }),
        call({ name: "g", arguments: "{}" }, { id: "b" }),
        end("tool_calls"),
      ],
      "{}",
      "{}",
    ],
    [
      "index 0 for all",
      [
        call({ name: "f", arguments: "{}" }, { index: 0, id: "a" }),
        call({ name: "g", arguments: "{}" }, { index: 0, id: "b" }),
        end("tool_calls"),
      ],
      "{}",
      "{}",
    ],
    ["no id", [call({ name: "f", arguments: "{}" }, { index: 0 }), end("tool_calls")], "{}"],
    [
      "function_call",
      [
        chunk({ function_call: { name: "f", arguments: "{" } }),
        chunk({ function_call: { arguments: "}" } }),
        end("function_call"),
      ],
      "{}",
    ],
    ["content as a list", [chunk({ content: [{ type: "text", text: "Hel" }, "lo"] }), end("stop")], "Hello"],
    [
      "message in the place of delta",
      [chunk({}, { delta: undefined, message: { content: "Hello" } }), end("stop")],
      "Hello",
    ],
    [
      "null everywhere",
      [
        chunk({ role: null, content: "Hello", tool_calls: null, reasoning_content: null }, { logprobs: null }),
        { ...end("stop"), usage: { prompt_tokens: null } },
      ],
      "Hello",
    ],
    [
      "usage and no finish reason",
      [chunk({ content: "Hello" }), { choices: [], usage: { prompt_tokens: 1, completion_tokens: 1 } }],
      "Hello",
    ],
    ["an error that is null", [{ ...chunk({ content: "Hello" }), error: null }, end("stop")], "Hello"],
  ])("%s", async (_name, chunks, ...texts) => {
    expect(told(await read("openai-compatible", frames(...chunks)))).toEqual(["completed", ...texts]);
  });

  test.each([
    ["[DONE] and no finish reason", sse(JSON.stringify(chunk({ content: "Hello" })), "[DONE]")],
    [
      "a comment that was made an event",
      sse(": OPENROUTER PROCESSING", JSON.stringify(chunk({ content: "Hello" })), "{", "[DONE]"),
    ],
  ])("%s", async (_name, answer) => {
    expect(told(await read("openai-compatible", answer))).toEqual(["completed", "Hello"]);
  });

  test("an end without a reason, or without [DONE], is a broken stream", async () => {
    expect((await read("openai-compatible", frames(chunk({ content: "Hello" })))).finish.status).toBe("failed");
  });
});

test.each([
  ["[DONE]", "[DONE]"],
  ["response.done", JSON.stringify({ ...completed(), type: "response.done" })],
])("a response ends with %s", async (_name, last) => {
  const data = [created(), ...message(0, "msg_1", ["Hello"])].map((frame) => JSON.stringify(frame));
  expect(told(await read("openai-responses", sse(...data, last)))).toEqual(["completed", "Hello"]);
});

describe("chunks in which one thing is odd end the call", () => {
  const whole: Record<Kind, object[]> = {
    "openai-compatible": [
      chunk({ role: "assistant", content: "Hel", reasoning_content: "Hm" }),
      chunk({
        tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: '{"x":1}' } }],
      }),
      { ...chunk({}, { finish_reason: "tool_calls" }), usage: { prompt_tokens: 3, completion_tokens: 2 } },
    ],
    anthropic: [
      ...textFrames("anthropic", ["Hel", "lo"]),
      { type: "content_block_stop", index: 0 },
      {
        type: "content_block_start",
        index: 1,
        content_block: { type: "tool_use", id: "toolu_1", name: "f", input: {} },
      },
      { type: "content_block_delta", index: 1, delta: { type: "input_json_delta", partial_json: "{}" } },
      { type: "content_block_stop", index: 1 },
      ...messageStop("tool_use"),
    ],
    google: [
      ...textFrames("google", ["Hel", "lo"]),
      { candidates: [{ content: { parts: [{ functionCall: { name: "f", args: { x: 1 } } }] } }] },
      { ...(endFrames("google")[0] as object), usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2 } },
    ],
  };

  test.each(KINDS)("%s", { timeout: 60_000 }, async (kind) => {
    let data: object[] = [];
    await using server = await startUpstreamServer((response) => frames(...data)(response));
    const faults: string[] = [];
    for (const { name, events } of generateMutations(whole[kind])) {
      data = events;
      try {
        const { finish } = await readAiSdk(server, kind);
        expect(["completed", "incomplete", "failed"]).toContain(finish.status);
      } catch (error) {
        faults.push(`${name}: ${String(error)}`);
      }
    }
    expect(faults).toEqual([]);
  });
});

describe("comments are a sign of life", () => {
  const LIMIT = { UPSTREAM_IDLE_TIMEOUT_MS: "150", UPSTREAM_TIMEOUT_MS: "150", UPSTREAM_MAX_RETRIES: "0" };
  /** Comments for three times the limit, each after a part of it, then the answer. */
  const slow =
    (comment: string, answer: object[]): Answer =>
    (response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      let left = 9;
      const timer = setInterval(() => {
        if (left-- > 0) return void response.write(comment);
        clearInterval(timer);
        response.end(answer.map((each) => `data: ${JSON.stringify(each)}\n\n`).join(""));
      }, 50);
      response.on("close", () => clearInterval(timer));
    };
  const answers: Record<Protocol, object[]> = {
    "openai-responses": [created(), ...message(0, "msg_1", ["Hello"]), completed()],
    "openai-compatible": [...textFrames("openai-compatible", ["Hello"]), ...endFrames("openai-compatible")],
    anthropic: [...textFrames("anthropic", ["Hello"]), ...endFrames("anthropic")],
    google: [...textFrames("google", ["Hello"]), ...endFrames("google")],
  };

  test.each([
    [": OPENROUTER PROCESSING\n\n", ...KINDS],
    ["\n", ...KINDS],
    [": keep-alive\n", ...KINDS],
  ])("%j", async (comment) => {
    for (const protocol of [...KINDS, "openai-responses"] satisfies Protocol[]) {
      expect(told(await read(protocol, slow(comment, answers[protocol]), LIMIT))).toEqual(["completed", "Hello"]);
    }
  });
});

test.each([
  ["as an object named error", { object: "error", message: "Out of memory.", type: "InternalError", code: 400 }],
  ["as a text", { error: "Out of memory." }],
  ["beside the fields of a chunk", { ...chunk({}), error: { message: "Out of memory.", code: 400 } }],
  ["with a message that is a list", { error: { message: [{ msg: "Out of memory." }], code: 400 } }],
])("an error within a stream of chunks is the provider's word: %s", async (_, event) => {
  const answer = sse(...[chunk({ content: "Hello" }), event].map((each) => JSON.stringify(each)));
  const { finish } = await read("openai-compatible", answer);
  expect(finish).toMatchObject({ status: "failed", error: { message: expect.stringContaining("Out of memory.") } });
});
