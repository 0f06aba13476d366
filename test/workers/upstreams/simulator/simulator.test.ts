import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { applyEvent } from "../../../../src/lifecycle/apply-event.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import { type ItemEventDraft, itemEventSchema } from "../../../../src/protocol/event.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { Tool } from "../../../../src/protocol/tool.ts";
import type { UpstreamCall, UpstreamEvent, UpstreamFinish } from "../../../../workers/upstreams/upstream.ts";
import { SUMMARY_PROMPT } from "../../../../src/context-window/compaction.ts";
import { SimulatorUpstream } from "../../../../workers/upstreams/simulator/simulator.ts";
import { openingState } from "../../../support/samples.ts";

const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" }, unit: { enum: ["C", "F"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
const functionTool = (name: string): Tool => ({ type: "function", name, parameters: PARAMETERS });
const TOOLS = ["get_weather", "get_time", "get_tide"].map(functionTool);
const SAYS_HELLO: UpstreamCall["history"] = [{ type: "message", role: "user", content: "Hello there" }];
const WITH_OUTPUT: UpstreamCall["history"] = [
  ...SAYS_HELLO,
  { type: "function_call", call_id: "call_1", name: "get_weather", arguments: "{}" },
  { type: "function_call_output", call_id: "call_1", output: "17 degrees" },
];

/** Settings without their prefix; no timers unless a test sets them. */
function callWith(
  settings: Record<string, string> = {},
  request: Partial<CreateRequest> = {},
  rest: Partial<UpstreamCall> = {},
): UpstreamCall {
  const entries = Object.entries({ delay_ms: "0", ...settings });
  const metadata = Object.fromEntries(entries.map(([key, value]) => [`simulator.${key}`, value]));
  const whole = { model: "simulator/default", metadata, ...request };
  return {
    responseId: "resp_1",
    model: "default",
    request: whole,
    history: SAYS_HELLO,
    completedItems: [],
    firstOutputIndex: rest.completedItems?.length ?? 0,
    ...rest,
  };
}

async function collect(call: UpstreamCall, signal = new AbortController().signal): Promise<UpstreamEvent[]> {
  const events: UpstreamEvent[] = [];
  for await (const event of new SimulatorUpstream().run(call, signal)) events.push(event);
  return events;
}

interface Recorded {
  events: ItemEventDraft[];
  output: OutputItem[];
  finish: UpstreamFinish;
}

/** Runs a call to its end. The fold rejects an illegal order, and the schema an illegal shape. */
async function record(call: UpstreamCall): Promise<Recorded> {
  const all = await collect(call);
  const finish = all.pop();
  if (finish?.type !== "finish") throw new Error("The last event is not a finish.");
  const events = all.filter((event) => event.type !== "finish" && event.type !== "hidden_reasoning");
  expect(all.filter((event) => event.type === "finish")).toEqual([]);
  for (const [i, event] of events.entries()) {
    const sequenced = { ...event, sequence_number: i };
    expect(itemEventSchema.parse(sequenced)).toEqual(sequenced);
  }
  const state = events.reduce(applyEvent, openingState());
  // A call that fails may leave an item open, which its caller closes.
  expect(finish.status === "failed" ? 0 : state.openIndices.size).toBe(0);
  return { events, output: [...state.response.output], finish };
}

function deltasOf(events: readonly ItemEventDraft[]): string[] {
  return events.flatMap((event) => ("delta" in event && typeof event.delta === "string" ? [event.delta] : []));
}

function textOf(item: OutputItem | undefined): string {
  if (item?.type !== "message") throw new Error("That is not a message.");
  return item.content.map((part) => (part.type === "refusal" ? part.refusal : part.text)).join("");
}

/** A failed finish whose message names the error. */
const failedPrompt = (part: string) => ({
  status: "failed",
  error: { code: "invalid_prompt", message: expect.stringContaining(part) as string },
});

const allowed = (mode: "auto" | "required", ...tools: string[]) =>
  ({ type: "allowed_tools", mode, tools: tools.map((name) => ({ type: "function", name })) }) as const;

const typesOf = (output: readonly OutputItem[]) => output.map((item) => item.type);

describe("a message", () => {
  test("names itself, quotes the user and ends with a sentence", async () => {
    const { output, events, finish } = await record(callWith());
    expect(typesOf(output)).toEqual(["message"]);
    expect(textOf(output[0])).toMatch(
      /^This is the simulator of background-responses, not a model\. .*“Hello there”.*\.$/,
    );
    expect(deltasOf(events).join("")).toBe(textOf(output[0]));
    expect(deltasOf(events).length).toBeGreaterThanOrEqual(40);
    expect(finish).toMatchObject({ status: "completed", usage: { input_tokens: 2 } });
  });

  test("quotes only the beginning of a long message", async () => {
    const content = [{ type: "input_text" as const, text: `${"🦉".repeat(100)} secret` }];
    const { output } = await record(callWith({}, {}, { history: [{ type: "message", role: "user", content }] }));
    expect(textOf(output[0])).toContain(`“${"🦉".repeat(60)}…”`);
  });

  test("has events in the order clients check", async () => {
    const { events } = await record(callWith({ tokens: "2" }));
    expect(events.map((event) => event.type)).toEqual([
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
    ]);
  });

  test.each(["0", "1", "100"])("has exactly %s deltas on request", async (tokens) => {
    const { events, finish } = await record(callWith({ tokens }));
    expect(deltasOf(events)).toHaveLength(Number(tokens));
    expect(finish).toMatchObject({ usage: { output_tokens: Number(tokens), total_tokens: Number(tokens) + 2 } });
  });

  test("has 50,000 deltas in little time", async () => {
    let deltas = 0;
    const upstream = new SimulatorUpstream();
    for await (const event of upstream.run(callWith({ tokens: "50000" }), new AbortController().signal)) {
      if (event.type === "response.output_text.delta") deltas++;
    }
    expect(deltas).toBe(50_000);
  }, 5_000);

  test("repeats a literal text, in words", async () => {
    const text = "  Say  this,\nword for word. ";
    const { output, events } = await record(callWith({ text }));
    expect(textOf(output[0])).toBe(text);
    expect(deltasOf(events)).toEqual(["  Say", "  this,", "\nword", " for", " word.", " "]);
  });

  test("pads its deltas", async () => {
    const { events } = await record(callWith({ tokens: "5", delta_bytes: "200" }));
    const lengths = deltasOf(events).map((delta) => delta.length);
    expect(lengths).toHaveLength(5);
    for (const length of lengths) expect(length).toSatisfy((n: number) => n >= 200 && n < 230);
  });

  test("is a refusal on request, even if a function is required", async () => {
    const { output, events } = await record(callWith({ refusal: "true" }, { tools: TOOLS, tool_choice: "required" }));
    expect(output).toMatchObject([{ type: "message", content: [{ type: "refusal" }] }]);
    expect(deltasOf(events).join("")).toBe(textOf(output[0]));
  });

  test("has the requested content, in as many parts as needed", async () => {
    const parts = { "text.2": "ght ", "text.10": "!", text: "A li", "text.3": "house" };
    const upToTen = [4, 5, 6, 7, 8, 9].map((number) => [`text.${number}`, `${number}`]);
    const { output } = await record(callWith({ ...parts, ...Object.fromEntries(upToTen) }));
    expect(textOf(output[0])).toBe("A light house456789!");
  });

  test.each([
    [{ "text.2": "b" }, "'metadata.simulator.text.2' needs 'metadata.simulator.text'."],
    [{ text: "a", "text.3": "c" }, "'metadata.simulator.text.3' needs 'metadata.simulator.text.2'."],
    [{ text: "a", "text.1": "b" }, "The simulator has no setting 'metadata.simulator.text.1'."],
  ])("fails with the parts %j", async (parts, message) => {
    const { finish } = await record(callWith(parts));
    expect(finish).toMatchObject(failedPrompt(message));
  });

  test("is JSON if the request asks for it", async () => {
    const format = { type: "json_schema", name: "place", schema: PARAMETERS } as const;
    const strict = await record(callWith({}, { text: { format } }));
    expect(z.fromJSONSchema(PARAMETERS as never).safeParse(JSON.parse(textOf(strict.output[0]))).success).toBe(true);
    expect(deltasOf(strict.events).length).toBeGreaterThan(5);
    const loose = await record(callWith({}, { text: { format: { type: "json_object" } } }));
    expect(JSON.parse(textOf(loose.output[0]))).toEqual({ message: expect.stringContaining("not a model") as string });
  });
});

describe("the same request", () => {
  const request = { tools: TOOLS, reasoning: { effort: "low" as const } };

  test("has the same events; another response differs in ids only", async () => {
    const settings = { calls: "3" };
    const first = await record(callWith(settings, request));
    expect(await record(callWith(settings, request))).toEqual(first);
    const other = await record(callWith(settings, request, { responseId: "resp_2" }));
    expect(deltasOf(other.events)).toEqual(deltasOf(first.events));
    const ids = [...first.output, ...other.output].map((item) => item.id);
    expect(new Set(ids).size).toBe(8);
    expect(ids[0]).toMatch(/^rs_[0-9a-f]{50}$/);
    expect(first.output[1]).toMatchObject({ id: expect.stringMatching(/^fc_[0-9a-f]{50}$/) as string });
    expect(first.output[1]).toMatchObject({ call_id: expect.stringMatching(/^call_[0-9a-f]{24}$/) as string });
  });

  test("has another answer for another seed or input", async () => {
    const other = { history: [{ type: "message" as const, role: "user" as const, content: "Hello where?" }] };
    const texts = await Promise.all(
      [callWith(), callWith({ seed: "7" }), callWith({}, {}, other)].map(async (call) =>
        textOf((await record(call)).output[0]),
      ),
    );
    expect(new Set(texts).size).toBe(3);
  });

  test("does not depend on the ids of its input", async () => {
    const withIds = SAYS_HELLO.map((item) => ({ ...item, id: "msg_random" })) as UpstreamCall["history"];
    expect(await record(callWith({}, {}, { history: withIds }))).toEqual(await record(callWith()));
  });
});

describe("reasoning", () => {
  test("streams its summary before the answer", async () => {
    const request = { reasoning: { summary: "auto" } } as const;
    const { events, output, finish } = await record(callWith({ reasoning: "3", tokens: "2" }, request));
    expect(events.map((event) => event.type).slice(0, 8)).toEqual([
      "response.output_item.added",
      "response.reasoning_summary_part.added",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.delta",
      "response.reasoning_summary_text.done",
      "response.reasoning_summary_part.done",
      "response.output_item.done",
    ]);
    expect(typesOf(output)).toEqual(["reasoning", "message"]);
    expect(finish).toMatchObject({ usage: { output_tokens: 5, output_tokens_details: { reasoning_tokens: 3 } } });
  });

  test("streams its text if no summary is requested", async () => {
    const { events, output } = await record(callWith({ reasoning: "3", tokens: "2" }));
    expect(events.map((event) => event.type).slice(0, 8)).toEqual([
      "response.output_item.added",
      "response.content_part.added",
      "response.reasoning_text.delta",
      "response.reasoning_text.delta",
      "response.reasoning_text.delta",
      "response.reasoning_text.done",
      "response.content_part.done",
      "response.output_item.done",
    ]);
    const text = deltasOf(events).slice(0, 3).join("");
    expect(output[0]).toMatchObject({ type: "reasoning", summary: [], content: [{ type: "reasoning_text", text }] });
  });

  test.each([
    [{ effort: "none" }, {}, undefined, 0],
    [{ effort: "low" }, {}, 0, 12],
    [{ effort: "low", summary: "auto" }, {}, 1, 12],
    [{ effort: "high" }, { reasoning: "0" }, undefined, 0],
  ] as const)("%j with %j has %j summary parts", async (reasoning, settings, parts, tokens) => {
    const { output, finish } = await record(callWith(settings, { reasoning }));
    const item = output.find((each) => each.type === "reasoning");
    expect(item?.type === "reasoning" ? item.summary.length : undefined).toBe(parts);
    expect(finish).toMatchObject({ usage: { output_tokens_details: { reasoning_tokens: tokens } } });
  });

  test("hidden from clients is passed on before its item is done, and is no event", async () => {
    const call = callWith({}, { reasoning: { effort: "low" } });
    const types = (await collect(call)).map((event) => event.type);
    expect(types.slice(0, 3)).toEqual(["response.output_item.added", "hidden_reasoning", "response.output_item.done"]);
    const all = await collect(call);
    expect(all[1]).toMatchObject({ output_index: 0, text: expect.stringContaining("does not think") });
    const failing = await collect(callWith({ fail_after: "2" }, { reasoning: { effort: "low" } }));
    expect(failing.map((event) => event.type)).toEqual([...types.slice(0, 3), "finish"]);
  });
});

describe("logprobs", () => {
  const include = ["message.output_text.logprobs" as const];

  test("are the same every time, and change no event", async () => {
    const call = callWith({ tokens: "6" }, { include, top_logprobs: 5 });
    const [first, second, plain] = [await record(call), await record(call), await record(callWith({ tokens: "6" }))];
    expect(first).toEqual(second);
    expect(deltasOf(first.events)).toEqual(deltasOf(plain.events));
  });

  test.each([
    { tokens: "200001", top_logprobs: null, status: "failed" },
    { tokens: "9524", top_logprobs: 20, status: "failed" },
    { tokens: "9523", top_logprobs: 20, status: "completed" },
  ])(
    "are bounded: $tokens tokens with $top_logprobs alternatives is $status",
    async ({ tokens, top_logprobs, status }) => {
      const finish = (await collect(callWith({ tokens }, { include, top_logprobs }))).at(-1);
      expect(finish).toMatchObject({ type: "finish", status });
    },
  );
});

describe("function calls", () => {
  const called = async (settings: Record<string, string>, request: Partial<CreateRequest>, history = SAYS_HELLO) => {
    const { output } = await record(callWith(settings, { tools: TOOLS, ...request }, { history }));
    return output.map((item) => (item.type === "function_call" ? item.name : item.type));
  };
  const names = TOOLS.map((tool) => (tool.type === "function" ? tool.name : tool.type));

  test("have arguments valid for their schema, in the order clients check", async () => {
    const { output, events } = await record(callWith({}, { tools: TOOLS }));
    const [item] = output;
    if (item?.type !== "function_call") throw new Error("That is not a call.");
    expect(z.fromJSONSchema(PARAMETERS as never).safeParse(JSON.parse(item.arguments)).success).toBe(true);
    expect(events[0]).toMatchObject({ item: { arguments: "", status: "in_progress" } });
    expect(new Set(events.map((event) => event.type))).toEqual(
      new Set([
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
      ]),
    );
  });

  test("without parameters have an empty object", async () => {
    const { output } = await record(callWith({}, { tools: [{ type: "function", name: "ping" }] }));
    expect(output).toMatchObject([{ name: "ping", arguments: "{}" }]);
  });

  test("are selected by the seed", async () => {
    const seen = await Promise.all(Array.from({ length: 20 }, (_, seed) => called({ seed: `${seed}` }, {})));
    expect(new Set(seen.flat())).toEqual(new Set(names));
  });

  test("are forbidden, forced and restricted by tool_choice", async () => {
    expect(await called({}, { tool_choice: "none" })).toEqual(["message"]);
    expect(await called({}, { tool_choice: { type: "function", name: "get_tide" } })).toEqual(["get_tide"]);
    expect(await called({ calls: "0" }, {})).toEqual(["message"]);
    expect(await called({ calls: "0" }, { tool_choice: "required" })).toHaveLength(1);
    expect(await called({ calls: "4" }, { tool_choice: allowed("auto", "get_time") })).toEqual(
      Array(4).fill("get_time"),
    );
    expect(await called({}, { tool_choice: allowed("auto") })).toEqual(["message"]);
  });

  test("fail if tool_choice names no tool", async () => {
    for (const tool_choice of [{ type: "function", name: "nothing" } as const, allowed("required", "nothing")]) {
      const { finish } = await record(callWith({}, { tools: TOOLS, tool_choice }));
      expect(finish).toMatchObject({ status: "failed", error: { code: "invalid_prompt" } });
    }
  });

  test("are parallel only if allowed", async () => {
    expect(await called({ calls: "3" }, {})).toHaveLength(3);
    expect(await called({ calls: "3" }, { parallel_tool_calls: false })).toHaveLength(1);
  });

  test.each(["auto", "required", { type: "function", name: "get_tide" }] as const)(
    "have outputs that a message answers, with tool_choice %j",
    async (tool_choice) => {
      const { output } = await record(callWith({}, { tools: TOOLS, tool_choice }, { history: WITH_OUTPUT }));
      expect(typesOf(output)).toEqual(["message"]);
      expect(textOf(output[0])).toContain("From the output of get_weather: “17 degrees”.");
    },
  );

  test("may answer a new message after outputs", async () => {
    expect(await called({}, {}, [...WITH_OUTPUT, ...SAYS_HELLO])).toHaveLength(1);
    expect(await called({}, {}, [...WITH_OUTPUT, ...SAYS_HELLO])).not.toEqual(["message"]);
  });
});

describe("max_output_tokens", () => {
  test("cuts a message, which stays incomplete", async () => {
    const { output, events, finish } = await record(callWith({ tokens: "50" }, { max_output_tokens: 16 }));
    expect(output).toMatchObject([{ status: "incomplete" }]);
    expect(textOf(output[0])).toBe(deltasOf(events).join(""));
    expect(finish).toMatchObject({ details: { reason: "max_output_tokens" }, usage: { output_tokens: 16 } });
  });

  test("counts reasoning, and may end in it or right after", async () => {
    const reasoning = { summary: "auto" } as const;
    const inside = await record(callWith({ reasoning: "20" }, { max_output_tokens: 16, reasoning }));
    expect(inside.output).toMatchObject([{ type: "reasoning", status: "incomplete" }]);
    expect(inside.events).toContainEqual(
      expect.objectContaining({ type: "response.reasoning_summary_part.done", status: "incomplete" }),
    );
    const after = await record(callWith({ reasoning: "16" }, { max_output_tokens: 16 }));
    expect(after.output).toMatchObject([{ type: "reasoning", status: "completed" }]);
    const later = await record(callWith({ reasoning: "12" }, { max_output_tokens: 16 }));
    expect(later.output).toMatchObject([{ status: "completed" }, { type: "message", status: "incomplete" }]);
    for (const { finish } of [inside, after, later]) {
      expect(finish).toMatchObject({ status: "incomplete", usage: { output_tokens: 16 } });
    }
  });

  test("cuts arguments", async () => {
    const { output, finish } = await record(callWith({ reasoning: "12" }, { tools: TOOLS, max_output_tokens: 16 }));
    expect(output[1]).toMatchObject({ type: "function_call", status: "incomplete" });
    expect(finish.status).toBe("incomplete");
  });

  test("leaves an answer that just fits", async () => {
    const { finish } = await record(callWith({ tokens: "16" }, { max_output_tokens: 16 }));
    expect(finish.status).toBe("completed");
  });
});

describe("a scripted failure", () => {
  test("happens at once, with the requested code", async () => {
    const { events, finish } = await record(callWith({ error: "rate_limit_exceeded" }));
    expect(events).toEqual([]);
    expect(finish).toMatchObject({ status: "failed", error: { code: "rate_limit_exceeded" } });
  });

  test.each(["0", "1", "9"])("happens after %s events", async (count) => {
    const { events, finish } = await record(callWith({ fail_after: count }));
    expect(events).toHaveLength(Number(count));
    expect(finish).toMatchObject({ status: "failed", error: { code: "server_error", type: "server_error" } });
  });

  test("happens after some events with a code, unless the call ends first", async () => {
    const failed = await record(callWith({ fail_after: "3", error: "vector_store_timeout" }));
    expect(failed.finish).toMatchObject({ error: { code: "vector_store_timeout" } });
    const { finish } = await record(callWith({ fail_after: "100", tokens: "1" }));
    expect(finish.status).toBe("completed");
  });

  test.each([
    ["tokens", "many"],
    ["tokens", "-1"],
    ["tokens", "1.5"],
    ["tokens", "99999999"],
    ["delay_ms", ""],
    ["calls", "1e2"],
    ["hang", "yes"],
    ["error", "Not a code"],
    ["seed", "x"],
    ["token", "5"],
  ])("with %s = %j is rejected by name", async (key, value) => {
    const { events, finish } = await record(callWith({ [key]: value }));
    expect(events).toEqual([]);
    expect(finish).toMatchObject(failedPrompt(`'metadata.simulator.${key}'`));
  });

  test("rejects a text that exceeds memory", async () => {
    const { finish } = await record(callWith({ tokens: "1000000", delta_bytes: "65536" }));
    expect(finish).toMatchObject({ error: { code: "invalid_prompt" } });
  });

  test("ignores foreign metadata", async () => {
    const { finish } = await record(callWith({}, { metadata: { ticket: "7", "simulator.delay_ms": "0" } }));
    expect(finish.status).toBe("completed");
  });

  test("names the position in a schema that cannot be filled", async () => {
    const schema = { type: "object", properties: { a: { type: "string", pattern: "(?=x)" } }, required: ["a"] };
    const inText = await record(callWith({}, { text: { format: { type: "json_schema", name: "x", schema } } }));
    const inTool = await record(callWith({}, { tools: [{ type: "function", name: "broken", parameters: schema }] }));
    for (const [{ finish }, where] of [
      [inText, "'text.format.schema'"],
      [inTool, "'broken'"],
    ] as const) {
      expect(finish).toMatchObject(failedPrompt(where));
    }
  });
});

function withText(item: OutputItem, text: string): OutputItem {
  if (item.type === "reasoning") return { ...item, status: "in_progress", summary: [{ type: "summary_text", text }] };
  if (item.type !== "message") return item;
  const [part] = item.content;
  const content = part?.type === "refusal" ? { ...part, refusal: text } : { ...part!, text };
  return { ...item, status: "in_progress", content: [content] };
}

describe("resuming after a crash", () => {
  test.each<[string, Record<string, string>, Partial<CreateRequest>]>([
    ["a message", { reasoning: "5" }, {}],
    ["calls", { reasoning: "5", calls: "3" }, { tools: TOOLS }],
    ["a cut message", { reasoning: "12", tokens: "40" }, { max_output_tokens: 20 }],
    ["hidden reasoning", {}, { reasoning: { effort: "low" } }],
  ])("%s: the parts equal an uninterrupted call's for every cut", async (_name, settings, request) => {
    const whole = await record(callWith(settings, request));
    for (let done = 0; done <= whole.output.length; done++) {
      const completedItems = whole.output.slice(0, done).filter((item) => item.status === "completed");
      const rest = await record(callWith(settings, request, { completedItems }));
      expect([...completedItems, ...rest.output]).toEqual(whole.output);
      // The answer costs the same as without interruption.
      expect(rest.finish).toEqual(whole.finish);
    }
  });

  test.each<[string, Record<string, string>, "message" | "reasoning"]>([
    ["a message", { tokens: "6" }, "message"],
    ["a refusal", { tokens: "6", refusal: "true" }, "message"],
    ["reasoning", { reasoning: "6" }, "reasoning"],
  ])("%s that was cut off is repeated at once up to the cut, then continued", async (...args) => {
    const [, settings, type] = args;
    const whole = await record(callWith(settings));
    const item = whole.output.find((each) => each.type === type)!;
    const texts = deltasOf(whole.events.filter((event) => event.output_index === whole.output.indexOf(item)));
    for (let cut = 0; cut < texts.length; cut += 1) {
      const unfinishedItem = withText(item, texts.slice(0, cut).join(""));
      const hanging = new AbortController();
      const events: UpstreamEvent[] = [];
      // A delay that never ends: events that still arrive needed none.
      const call = callWith({ ...settings, delay_ms: "600000" }, {}, { unfinishedItem });
      const read = (async () => {
        for await (const event of new SimulatorUpstream().run(call, hanging.signal)) {
          events.push(event);
          if (deltasOf(events as ItemEventDraft[]).length === cut) hanging.abort();
        }
      })();
      if (cut === 0) hanging.abort();
      await expect(read).rejects.toThrow("aborted");
      expect(deltasOf(events as ItemEventDraft[])).toEqual(texts.slice(0, cut));
      expect((await record(callWith(settings, {}, { unfinishedItem }))).events).toEqual(whole.events);
    }
  });

  test("a cut-off item is generated again, whole and with a new id", async () => {
    const whole = await record(callWith({ reasoning: "5" }));
    const broken = { ...whole.output[0]!, status: "incomplete" } as OutputItem;
    const again = await record(callWith({ reasoning: "5" }, {}, { completedItems: [broken] }));
    expect(deltasOf(again.events)).toEqual(deltasOf(whole.events));
    expect(again.output[0]?.id).not.toBe(broken.id);
  });
});

describe("an abort", () => {
  class Stopped extends Error {}

  test.each<[string, Record<string, string>]>([
    ["in a long delay", { delay_ms: "600000" }],
    ["while it hangs", { hang: "true" }],
    ["while a short answer hangs", { hang: "true", tokens: "1" }],
    ["in a text without delays", { tokens: "200000" }],
  ])(
    "%s: the call rejects at once with the signal's reason",
    async (_name, settings) => {
      const controller = new AbortController();
      const events: UpstreamEvent[] = [];
      const reason = new Stopped();
      const running = (async () => {
        for await (const event of new SimulatorUpstream().run(callWith(settings), controller.signal))
          events.push(event);
      })();
      setImmediate(() => controller.abort(reason));
      await expect(running).rejects.toBe(reason);
      expect(events.map((event) => event.type)).not.toContain("finish");
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    },
    5_000,
  );

  test("before the start yields nothing", async () => {
    const reason = new Stopped();
    const running = collect(callWith(), AbortSignal.abort(reason));
    await expect(running).rejects.toBe(reason);
  });

  test("during a hang follows some output", async () => {
    const controller = new AbortController();
    const deltas: string[] = [];
    const reason = new Stopped();
    const running = (async () => {
      for await (const event of new SimulatorUpstream().run(callWith({ hang: "true" }), controller.signal)) {
        if (event.type === "response.output_text.delta") deltas.push(event.delta);
        if (deltas.length === 3) setImmediate(() => controller.abort(reason));
      }
    })();
    await expect(running).rejects.toBe(reason);
    expect(deltas).toEqual(["This", " is", " the"]);
  });
});

describe("a request for a summary", () => {
  const texts = Array.from({ length: 12 }, (_, i) => `This is text ${i}.`);
  const asked: UpstreamCall["history"] = [...texts, SUMMARY_PROMPT].map((content) => ({
    type: "message",
    role: "user",
    content,
  }));
  const summarise = async (settings: Record<string, string>) =>
    JSON.stringify((await record(callWith(settings, {}, { history: asked }))).output);

  test("gets the beginning and end of the conversation, the same each time", async () => {
    const summary = await summarise({ text: "Something else.", refusal: "true", seed: "7" });
    expect(summary).toContain("It was asked to summarise 12 texts");
    for (const cut of [texts[0], texts[3], texts[8], texts[11]]) expect(summary).toContain(cut);
    expect(summary).not.toContain(texts[4]);
    expect(summary).not.toContain(SUMMARY_PROMPT);
    expect(await summarise({})).toBe(summary);
  });
});
