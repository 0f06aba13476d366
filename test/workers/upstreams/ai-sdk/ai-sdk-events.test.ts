/** From the SDK's stream parts to item events: one legal log for any interleaving of the parts. */
import type { LanguageModelV4StreamPart, LanguageModelV4Usage } from "@ai-sdk/provider";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UpstreamCall, UpstreamEvent } from "../../../../workers/upstreams/upstream.ts";
import { OutputEvents } from "../../../../workers/upstreams/ai-sdk/output-events.ts";
import { readFinish } from "../../../../workers/upstreams/ai-sdk/finish.ts";
import { decodeReasoningState } from "../../../../src/providers/reasoning-state.ts";
import { Toolbox } from "../../../../workers/upstreams/ai-sdk/convert-tools.ts";
import { readLog, textOf } from "../../../conformance/upstream-log.ts";
import { sampleCall } from "../../../support/openai-responses.ts";

type Part = LanguageModelV4StreamPart;
type Reason = Extract<Part, { type: "finish" }>["finishReason"]["unified"];

const USAGE: LanguageModelV4Usage = {
  inputTokens: { total: 11, noCache: 4, cacheRead: 5, cacheWrite: 2 },
  outputTokens: { total: 9, text: 6, reasoning: 3 },
};
const finish = (unified: Reason = "stop"): Part => ({
  type: "finish",
  usage: USAGE,
  finishReason: { unified, raw: unified },
});
const text = (id: string, ...deltas: string[]): Part[] => [
  { type: "text-start", id },
  ...deltas.map((delta) => ({ type: "text-delta" as const, id, delta })),
  { type: "text-end", id },
];
const start = (id: string, toolName = "get_weather"): Part => ({ type: "tool-input-start", id, toolName });
const grow = (id: string, delta: string): Part => ({ type: "tool-input-delta", id, delta });
const end = (toolCallId: string, input: string, toolName = "get_weather"): Part[] => [
  { type: "tool-input-end", id: toolCallId },
  { type: "tool-call", toolCallId, toolName, input },
];

/** The upstream's handling of a stream, without the stream. */
async function* perform(call: UpstreamCall, parts: readonly Part[]): AsyncGenerator<UpstreamEvent> {
  const output = new OutputEvents(call, new Toolbox(call.request, []), { owner: "google" });
  for (const part of parts) {
    if (part.type !== "finish") yield* output.accept(part);
    else {
      const finish = readFinish(part, output);
      yield* output.finish(finish.status === "completed" ? "completed" : "incomplete");
      yield finish;
    }
  }
}

async function read(parts: readonly Part[], call: Partial<UpstreamCall> = {}) {
  return await readLog(perform(sampleCall(call), parts));
}

describe("output", () => {
  test("joins consecutive texts into one message with all citations", async () => {
    const source = (url: string) => ({ type: "source" as const, sourceType: "url" as const, id: url, url });
    const cited: Part = {
      type: "text-end",
      id: "2",
      citations: [
        { source: source("http://a"), startIndex: 1, endIndex: 3 },
        { source: { ...source("http://b"), title: "B" } },
      ],
    };
    const { output } = await read([
      source("http://whole"),
      ...text("1", "One"),
      ...text("2", "Two").with(2, cited),
      finish(),
    ]);
    const citation = { type: "url_citation", title: "" };
    expect(output).toMatchObject([
      {
        type: "message",
        status: "completed",
        content: [
          {
            text: "OneTwo",
            annotations: [
              { ...citation, url: "http://a", start_index: 4, end_index: 6 },
              { ...citation, url: "http://b", title: "B", start_index: 3, end_index: 6 },
              { ...citation, url: "http://whole", start_index: 0, end_index: 6 },
            ],
          },
        ],
      },
    ]);
  });

  test("has sequential calls though the vendor interleaves them", async () => {
    const { output, events } = await read([
      ...text("t", "Let me look."),
      start("a"),
      grow("a", '{"city":'),
      start("b"),
      grow("b", '{"city":"Ro'),
      grow("a", '"Paris"}'),
      grow("b", 'me"}'),
      ...end("b", '{"city":"Rome"}'),
      ...end("a", '{"city":"Paris"}'),
      ...text("t", "There."),
      finish("tool-calls"),
    ]);
    expect(output.map((item) => [item.type, textOf(item)])).toEqual([
      ["message", "Let me look."],
      ["function_call", '{"city":"Paris"}'],
      ["function_call", '{"city":"Rome"}'],
      ["message", "There."],
    ]);
    expect(events.filter((event) => event.type === "response.function_call_arguments.delta")).toHaveLength(4);
  });

  test("has calls of custom and namespaced tools under their own names", async () => {
    const tools: UpstreamCall["request"]["tools"] = [
      { type: "custom", name: "sql" },
      { type: "namespace", name: "crm", description: "d", tools: [{ type: "function", name: "find" }] },
    ];
    const parts = [start("a", "sql"), grow("a", '{"input":"SELECT'), grow("a", ' 1"}'), ...end("a", "", "sql")];
    const more: Part[] = [{ type: "tool-call", toolCallId: "b", toolName: "crm__find", input: "{}" }, finish()];
    const { output } = await read([...parts, ...more], { request: { model: "m", tools } });
    expect(output).toMatchObject([
      { type: "custom_tool_call", call_id: "a", name: "sql", input: "SELECT 1", status: "completed" },
      { type: "function_call", call_id: "b", name: "find", namespace: "crm", arguments: "{}" },
    ]);
  });

  test("has an empty object for a call without arguments", async () => {
    const parts = [start("a"), ...end("a", ""), start("b"), grow("b", " "), ...end("b", " ")];
    const { output } = await read([...parts, finish("tool-calls")]);
    expect(output).toMatchObject([{ arguments: "{}" }, { arguments: " {}" }]);
  });

  test("has ids by position, and new call ids where they are missing", async () => {
    const call: Partial<UpstreamCall> = {
      responseId: "resp_1",
      firstOutputIndex: 4,
      history: [{ type: "function_call", call_id: "call_0", name: "f", arguments: "{}" }],
    };
    const parts: Part[] = [...text("t", "A"), start("call_0"), ...end("call_0", "{}"), finish()];
    const [first, second] = [await read(parts, call), await read(parts, call)];
    expect(first.output).toEqual(second.output);
    expect(first.output[1]).toMatchObject({ call_id: expect.stringMatching(/^call_[0-9a-f]{24}$/) });
    expect(new Set(first.output.map((item) => item.id)).size).toBe(2);
    expect((await read(parts, { ...call, firstOutputIndex: 5 })).output[0]!.id).not.toBe(first.output[0]!.id);
  });

  test("has whole images", async () => {
    const data = { type: "data" as const, data: new Uint8Array([1, 2]) };
    const { output } = await read([{ type: "file", mediaType: "image/png", data }, finish()]);
    expect(output).toMatchObject([{ type: "image_generation_call", status: "completed", result: "AQI=" }]);
  });

  test("has an empty message if the model writes nothing", async () => {
    const { output } = await read([finish()]);
    expect(output).toMatchObject([{ type: "message", status: "completed", content: [{ text: "" }] }]);
  });
});

describe("reasoning", () => {
  const thought: Part[] = [
    { type: "reasoning-start", id: "0" },
    { type: "reasoning-delta", id: "0", delta: "Six and " },
    { type: "reasoning-delta", id: "0", delta: "seven." },
    { type: "reasoning-delta", id: "0", delta: "", providerMetadata: { google: { thoughtSignature: "s1" } } },
    { type: "reasoning-end", id: "0" },
  ];

  test.each([
    [{}, { summary: [], content: [{ type: "reasoning_text", text: "Six and seven." }] }],
    [{ reasoning: { summary: "auto" as const } }, { summary: [{ type: "summary_text", text: "Six and seven." }] }],
  ])("is streamed as the request asks: %j", async (request, streamed) => {
    const { output } = await read([...thought, ...text("1", "13"), finish()], { request: { model: "m", ...request } });
    expect(output.map((item) => item.type)).toEqual(["reasoning", "message"]);
    expect(output[0]).toMatchObject(streamed);
  });

  test("carries the state that its vendor needs back, also for its call", async () => {
    const signed = { providerMetadata: { google: { thoughtSignature: "s2" } } };
    const call = [{ ...start("a"), ...signed } as Part, ...end("a", "{}"), finish()];
    const { output } = await read([...thought, ...call]);
    expect(output.map((item) => item.type)).toEqual(["reasoning", "function_call"]);
    expect(stateOf(output[0])).toEqual({
      own: { google: { thoughtSignature: "s1" } },
      next: { google: { thoughtSignature: "s2" } },
    });
    const bare = await read(call);
    expect(bare.output, "without a thought before it").toMatchObject([{ type: "reasoning", summary: [] }, {}]);
    expect(stateOf(bare.output[0])).toEqual({ next: { google: { thoughtSignature: "s2" } } });
  });

  function stateOf(item: unknown) {
    return decodeReasoningState("google", (item as { encrypted_content: string }).encrypted_content);
  }
});

describe("the end", () => {
  test.each<[Reason, object, string | undefined]>([
    ["stop", { status: "completed" }, "completed"],
    ["tool-calls", { status: "completed" }, "completed"],
    ["length", { status: "incomplete", details: { reason: "max_output_tokens" } }, "incomplete"],
    ["content-filter", { status: "incomplete", details: { reason: "content_filter" } }, "incomplete"],
    ["other", { status: "completed" }, "completed"],
  ])("has the reason %s", async (reason, expected, status) => {
    const { finish: ended, output } = await read([...text("1", "Thir"), finish(reason)]);
    expect(ended).toMatchObject(expected);
    expect(output[0]!.status).toBe(status);
    expect(ended).toMatchObject({
      usage: {
        input_tokens: 11,
        input_tokens_details: { cached_tokens: 5, cache_write_tokens: 2 },
        output_tokens: 9,
        output_tokens_details: { reasoning_tokens: 3 },
        total_tokens: 20,
      },
    });
  });

  test.each<[Reason, string]>([
    ["error", "The provider stopped: error."],
    ["other", "The provider stopped: other."],
    ["interrupted", "The provider's stream ended before the response was finished."],
  ])("without output and with the reason %s is an error", async (reason, message) => {
    await expect(read([finish(reason)])).rejects.toThrow(message);
  });

  test("cuts off the call in progress, and releases those behind it", async () => {
    const { output } = await read([start("a"), grow("a", '{"ci'), start("b"), ...end("b", "{}"), finish("length")]);
    expect(output).toMatchObject([
      { type: "function_call", call_id: "a", arguments: '{"ci', status: "incomplete" },
      { type: "function_call", call_id: "b", arguments: "{}", status: "incomplete" },
    ]);
  });
});

test("any order of parts gives one legal, complete log", async () => {
  const id = fc.constantFrom("0", "1", "2");
  const delta = fc.constantFrom("", "a", "bc");
  const providerMetadata = fc.constantFrom({}, { providerMetadata: { google: { thoughtSignature: "s" } } });
  const toolName = fc.constantFrom("f", "sql");
  const part: fc.Arbitrary<Part> = fc.oneof(
    fc.record({ type: fc.constantFrom("text-start" as const, "text-end" as const), id }),
    fc.record({ type: fc.constant("text-delta" as const), id, delta }),
    fc.tuple(fc.record({ type: fc.constant("reasoning-delta" as const), id, delta }), providerMetadata).map(merge),
    fc.record({ type: fc.constantFrom("reasoning-start" as const, "reasoning-end" as const), id }),
    fc.tuple(fc.record({ type: fc.constant("tool-input-start" as const), id, toolName }), providerMetadata).map(merge),
    fc.record({ type: fc.constant("tool-input-delta" as const), id, delta }),
    fc.record({ type: fc.constant("tool-call" as const), toolCallId: id, toolName, input: fc.constant("{}") }),
    fc.constant<Part>({ type: "source", sourceType: "url", id: "s", url: "http://a" }),
    fc.constant<Part>({ type: "raw", rawValue: { choices: [{ delta: { refusal: "bc" } }] } }),
    fc.constant<Part>({ type: "file", mediaType: "image/png", data: { type: "data", data: "AQI=" } }),
  );
  const reason = fc.constantFrom<Reason>("stop", "length", "content-filter", "tool-calls");
  const request: UpstreamCall["request"] = { model: "m", tools: [{ type: "custom", name: "sql" }] };
  const property = fc.asyncProperty(fc.array(part, { maxLength: 40 }), reason, async (parts, unified) => {
    const { output } = await read([...parts, finish(unified)], { request });
    const partText = parts.map((each) => (each.type === "text-delta" ? each.delta : "")).join("");
    const streamed = output.map((item) => (item.type === "message" ? textOf(item) : "")).join("");
    // Parts wait for a call and follow it, so only the order between items may differ.
    expect(streamed).toBe(partText);
  });
  await fc.assert(property, { numRuns: 2_000 });
});

test("parallel calls come out whole, in their starting order", async () => {
  const chunks = fc.array(fc.stringMatching(/^[a-z]{0,3}$/), { maxLength: 5 });
  const calls = fc.array(chunks, { minLength: 1, maxLength: 4 });
  const property = fc.asyncProperty(calls, fc.infiniteStream(fc.nat()), async (written, picks) => {
    const left = written.map((deltas, call) => partsOfCall(`call_${call}`, deltas));
    const parts: Part[] = [];
    for (const pick of picks) {
      const open = left.filter((each) => each.length > 0);
      if (open.length === 0) break;
      parts.push(open[pick % open.length]!.shift()!);
    }
    const { output } = await read([...parts, finish("tool-calls")]);
    const startOrder = parts.flatMap((part) => (part.type === "tool-input-start" ? [Number(part.id.at(-1))] : []));
    const expected = startOrder.map((call) => [`call_${call}`, written[call]!.join("") || "{}", "completed"]);
    expect(output.map((item) => [(item as { call_id: string }).call_id, textOf(item), item.status])).toEqual(expected);
  });
  await fc.assert(property, { numRuns: 500 });
});

function partsOfCall(id: string, deltas: readonly string[]): Part[] {
  return [start(id), ...deltas.map((delta) => grow(id, delta)), ...end(id, deltas.join("") || "{}")];
}

function merge([part, more]: [object, object]): Part {
  return { ...part, ...more } as Part;
}
