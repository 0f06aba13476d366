/** Every trait with every vendor: the request body matches the table. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type VendorName, vendorNames, traitsOfVendor } from "../../../src/providers/vendor-of.ts";
import type { TraitName, VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { DocumentReader } from "../../../workers/documents/document-reader.ts";
import { readAsText } from "../../../workers/input-files/document-text.ts";
import type { ContextItem, UpstreamCall } from "../../../workers/upstreams/upstream.ts";
import { WEATHER_TOOL } from "../../conformance/upstream-suite.ts";
import {
  functionCallOutput,
  readAnswer,
  functionCall,
  deltas,
  assistantMessage,
  readSentBody,
  system,
  reasoningItem,
  user,
  type VendorEntry,
  type WireBody,
} from "../../support/vendors.ts";

type Request = Partial<UpstreamCall["request"]>;
type Check<Name extends TraitName> = (entry: VendorEntry, value: VendorTraits[Name]) => Promise<void>;

const GUIDE = readFileSync(join(import.meta.dirname, "../documents/fixtures/guide.pdf"));
const NEVER_ABORTED = new AbortController().signal;
const documents = new DocumentReader();
afterAll(async () => await documents[Symbol.asyncDispose]());

const OTHER_TOOL = { ...WEATHER_TOOL, name: "other" };
const TOOLS = [WEATHER_TOOL, OTHER_TOOL];
const asked = async (entry: VendorEntry, request: Request) =>
  await readSentBody(entry, { request: { model: "m", ...request } });
const rolesOf = ({ messages }: WireBody) => messages.map(({ role }) => role);
const toolsOf = (body: WireBody) =>
  (body["tools"] as { function: Record<string, unknown> }[] | undefined)?.map((tool) => tool.function);
const reasoningOf = (body: WireBody) =>
  body.messages
    .filter(({ role }) => role === "assistant")
    .map((message) => message["reasoning_content"] ?? message["reasoning"]);

const SCHEMA = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  additionalProperties: false,
  properties: {
    const: { type: ["string", "null"], description: "Named as a keyword is." },
    unit: { const: "celsius" },
    days: { type: "object", propertyNames: { pattern: "^d" }, default: { const: 1 } },
  },
  required: ["const"],
};

const CHECKS: { [Name in TraitName]: Check<Name> } = {
  call_ids: async (entry, value) => {
    const ids = ["D681PevKs", "call_0123456789abcdef01234567", "a|b c", "x".repeat(64)];
    const history = [user("Hi"), ...ids.flatMap((id) => [functionCall(id), functionCallOutput(id)])];
    const { messages } = await readSentBody(entry, { history });
    const sent = messages.flatMap((message) => (message.tool_calls ?? []).map(({ id }) => id));
    const results = messages.flatMap((message) => message.tool_call_id ?? []);
    expect(results).toEqual(sent);
    expect(new Set(sent).size).toBe(ids.length);
    const fits = {
      any: /^[^]+$/,
      up_to_40: /^[^]{1,40}$/,
      word_characters: /^[\w-]{1,64}$/,
      nine_alphanumerics: /^[A-Za-z0-9]{9}$/,
    }[value];
    for (const [turnIndex, id] of ids.entries()) {
      expect(sent[turnIndex]).toMatch(fits);
      if (fits.test(id)) expect(sent[turnIndex]).toBe(id);
    }
  },
  call_id_prefix: async (entry, value) => {
    const request = { model: "m", tools: TOOLS, reasoning: { effort: "high" as const } };
    const vendorModel = `${value}1`;
    const body = await readSentBody(entry, {
      history: [user("1"), functionCall(vendorModel), functionCallOutput(vendorModel)],
      request,
    });
    expect(body["reasoning_effort"], "the model has made the call without a thought").toBe("high");
  },
  think_tags: async (entry, value) => {
    const text = value === "opened" ? "Hm.</think>Hi" : "<think>Hm.</think>Hi";
    const { output } = await readAnswer(entry, deltas("stop", { content: text }));
    const types = output.map(({ type }) => type);
    expect(types).toEqual(value === "none" ? ["message"] : ["reasoning", "message"]);
  },
  reasoning_sent: async (entry, value) => {
    const turns = [
      [user("1"), reasoningItem("a"), assistantMessage("One.")],
      [
        user("2"),
        reasoningItem("b"),
        functionCall("c1"),
        functionCallOutput("c1"),
        reasoningItem("c"),
        assistantMessage("Two."),
      ],
      [user("3"), reasoningItem("d"), functionCall("c2"), functionCallOutput("c2")],
    ];
    const sent = reasoningOf(await readSentBody(entry, { history: turns.flat() }));
    expect(sent).toEqual(
      {
        none: [undefined, undefined, undefined, undefined],
        current_turn: [undefined, undefined, undefined, "d"],
        turns_with_calls: [undefined, "b", "c", "d"],
      }[value],
    );
  },
  reasoning_field: async (entry, value) => {
    const history = [user("1"), reasoningItem("a"), functionCall("c1"), functionCallOutput("c1")];
    const { messages } = await readSentBody({ ...entry, traits: { reasoning_sent: "current_turn" } }, { history });
    expect(messages[1]).toHaveProperty(value, "a");
    const other = value === "reasoning" ? "reasoning_content" : "reasoning";
    expect(messages[1]).not.toHaveProperty(other);
  },
  state_returned: async (entry, value) => {
    const extra_content = { google: { thought_signature: "sig" } };
    const reasoning_details = [{ type: "reasoning.encrypted", data: "abc", index: 0 }];
    const call = { index: 0, id: "callAbc12", function: { name: "get_weather", arguments: "{}" }, extra_content };
    const request = { model: "m", tools: [WEATHER_TOOL] };
    const first = await readAnswer(entry, deltas("tool_calls", { reasoning_details, tool_calls: [call] }), { request });
    const history = [user("Hi"), ...first.output, functionCallOutput("callAbc12")];
    const { messages } = await readSentBody(entry, { history, request });
    expect(messages[1]!["reasoning_details"]).toEqual(
      value.includes("reasoning_details") ? reasoning_details : undefined,
    );
    const isSigned = value.includes("extra_content");
    expect(messages[1]!.tool_calls![0]!["extra_content"]).toEqual(isSigned ? extra_content : undefined);
  },
  unsigned_calls: async (entry, value) => {
    const history = [
      user("Hi"),
      functionCall("callAbc12"),
      functionCall("callAbc13"),
      functionCallOutput("callAbc12"),
      functionCallOutput("callAbc13"),
    ];
    const signature = { google: { thought_signature: "skip_thought_signature_validator" } };
    for (const [model, isSigned] of [
      ["gemini-3-pro", value === "placeholder"],
      ["gemini-2.5-pro", false],
    ] as const) {
      const { messages } = await readSentBody(entry, { history, model });
      const sent = messages[1]!.tool_calls!.map((call) => call["extra_content"]);
      expect(sent).toEqual([isSigned ? signature : undefined, undefined]);
    }
  },
  late_system: async (entry, value) => {
    const body = await readSentBody(entry, {
      history: [user("1"), assistantMessage("One."), system("In French."), user("2")],
    });
    expect(rolesOf(body).slice(1).includes("system")).toBe(value === "sent");
    expect(JSON.stringify(body.messages)).toContain("In French.");
  },
  same_role: async (entry, value) => {
    const body = await readSentBody(entry, { history: [user("1"), user("2")] });
    expect(body.messages.map(({ content }) => content)).toEqual(value === "sent" ? ["1", "2"] : ["1\n\n2"]);
  },
  user_after_tool: async (entry, value) => {
    const body = await readSentBody(entry, {
      history: [user("1"), functionCall("c1"), functionCallOutput("c1"), user("2")],
    });
    const between = value === "sent" ? [] : ["assistant"];
    expect(rolesOf(body)).toEqual(["user", "assistant", "tool", ...between, "user"]);
  },
  final_assistant: async (entry, value) => {
    const body = await readSentBody(entry, { history: [user("1"), assistantMessage("One.")] });
    expect(rolesOf(body)).toEqual(["user", "assistant", ...(value === "sent" ? [] : ["user"])]);
  },
  blank_text: async (entry, value) => {
    const history = [
      user("1"),
      assistantMessage(" \n"),
      reasoningItem("b"),
      user("\t"),
      functionCall("c1"),
      functionCallOutput("c1", " "),
      user("2"),
    ];
    const body = await readSentBody(entry, { history, request: { model: "m", instructions: "  " } });
    const contents = body.messages.map(({ content }) => content).filter((content) => content != null);
    const blank = contents.filter((content) => typeof content === "string" && content.trim() === "");
    expect(blank.length > 0).toBe(value === "sent");
    expect(JSON.stringify(body.messages)).toContain("2");
  },
  tool_choice_none: async (entry, value) => {
    const body = await asked(entry, { tools: TOOLS, tool_choice: "none" });
    expect([toolsOf(body)?.length, body["tool_choice"]]).toEqual(
      value === "sent" ? [2, "none"] : [undefined, undefined],
    );
  },
  tool_choice_required: async (entry, value) => {
    const body = await asked(entry, { tools: TOOLS, tool_choice: "required" });
    expect(body["tool_choice"]).toBe(value === "sent" ? "required" : "auto");
  },
  tool_choice_named: async (entry, value) => {
    const body = await asked(entry, { tools: TOOLS, tool_choice: { type: "function", name: "other" } });
    const names = toolsOf(body)!.map(({ name }) => name);
    const named = { type: "function", function: { name: "other" } };
    expect([names, body["tool_choice"]]).toEqual(
      value === "sent" ? [["get_weather", "other"], named] : [["other"], "required"],
    );
  },
  forced_call_thinking: async (entry, value) => {
    for (const tool_choice of ["required", { type: "function", name: "other" }] as const) {
      const body = await asked(entry, { tools: TOOLS, tool_choice, reasoning: { effort: "high" } });
      expect(body["reasoning_effort"] === "high").toBe(value === "sent");
    }
    const free = await asked(entry, { tools: TOOLS, tool_choice: "auto", reasoning: { effort: "high" } });
    expect(free["reasoning_effort"]).toBe("high");
  },
  unsigned_turn_thinking: async (entry, value) => {
    const request = { model: "m", tools: TOOLS, reasoning: { effort: "high" as const } };
    const body = await readSentBody(entry, {
      history: [user("1"), functionCall("c1"), functionCallOutput("c1")],
      request,
    });
    expect(body["reasoning_effort"] === "high").toBe(value === "sent");
    const later = await readSentBody(entry, {
      history: [user("1"), functionCall("c1"), functionCallOutput("c1"), user("2")],
      request,
    });
    expect(later["reasoning_effort"]).toBe("high");
  },
  thinking_off: async (entry, value) => {
    const body = await asked(entry, { reasoning: { effort: "none" } });
    expect([body["reasoning_effort"], body["thinking"]]).toEqual(
      value === "reasoning_effort" ? ["none", undefined] : [undefined, { type: "disabled" }],
    );
  },
  tool_images: async (entry, value) => {
    const image_url = "data:image/png;base64,iVBORw0KGgo=";
    const output: ContextItem = {
      type: "function_call_output",
      call_id: "c1",
      output: [
        { type: "input_text", text: "A map." },
        { type: "input_image", image_url, detail: "auto" },
      ],
    };
    const history = [user("1"), functionCall("c1"), functionCall("c2"), output, functionCallOutput("c2")];
    const { messages } = await readSentBody(entry, { history });
    const imageMessages = messages.flatMap((message) =>
      JSON.stringify(message).includes("image_url") ? [message.role] : [],
    );
    expect(imageMessages).toEqual([value === "sent" ? "tool" : "user"]);
    expect(messages.filter(({ role }) => role === "tool")).toHaveLength(2);
    expect(JSON.stringify(messages[2]!.content)).toContain("A map.");
  },
  documents: async (entry, value) => {
    const data = GUIDE.toString("base64");
    const options = { takesPdf: value === "pdf", project: "alpha", signal: NEVER_ABORTED, documents };
    const part = { type: "input_file" as const, filename: "guide.pdf", file_data: data };
    const content = [await readAsText(part, data, options)];
    const { messages } = await readSentBody(entry, { history: [{ type: "message", role: "user", content }] });
    const sent = JSON.stringify(messages);
    expect([sent.includes(data), sent.includes("[Page 2]")]).toEqual([value === "pdf", value === "as_text"]);
  },
  json_schema: async (entry, value) => {
    const schema = { type: "object", properties: { n: { type: "integer" } } };
    const text = { format: { type: "json_schema" as const, name: "n", schema } };
    const { [value === "sent" ? "response_format" : "messages"]: sentFormat, ...body } = await asked(entry, { text });
    if (value === "sent") expect(sentFormat).toMatchObject({ type: "json_schema", json_schema: { schema } });
    else {
      expect(body["response_format"]).toEqual({ type: "json_object" });
      expect(sentFormat).toMatchObject([
        { role: "system", content: expect.stringContaining(JSON.stringify(schema)) },
        {},
      ]);
    }
  },
  json_mode: async (entry, value) => {
    const body = await asked(entry, { text: { format: { type: "json_object" } } });
    expect(body["response_format"]).toEqual(value === "sent" ? { type: "json_object" } : undefined);
    expect(rolesOf(body)).toEqual(value === "sent" ? ["user"] : ["system", "user"]);
  },
  max_tokens_field: async (entry, value) => {
    const body = await asked(entry, { max_output_tokens: 100 });
    const fields = ["max_tokens", "max_completion_tokens"].filter((name) => name in body);
    expect([fields, body[value]]).toEqual([[value], 100]);
  },
  parameters_left_out: async (entry, value) => {
    const body = await asked(entry, {
      user: "u",
      frequency_penalty: 0.1,
      presence_penalty: 0.1,
      top_logprobs: 2,
      text: { verbosity: "low" },
    });
    const all = [
      "frequency_penalty",
      "logprobs",
      "presence_penalty",
      "stream_options",
      "top_logprobs",
      "user",
      "verbosity",
    ];
    expect(all.filter((name) => !(name in body))).toEqual([...value].toSorted());
  },
  strict_tools: async (entry, value) => {
    const body = await asked(entry, { tools: [{ ...WEATHER_TOOL, strict: true }] });
    expect(toolsOf(body)![0]!["strict"]).toBe(value === "sent" ? true : undefined);
  },
  schema_keywords_left_out: async (entry, value) => {
    const body = await asked(entry, { tools: [{ ...WEATHER_TOOL, parameters: SCHEMA }] });
    const sent = toolsOf(body)![0]!["parameters"] as Record<string, unknown> & { properties: typeof SCHEMA.properties };
    const keywords = [
      ...["$schema", "additionalProperties"].filter((name) => !(name in sent)),
      ...("const" in sent.properties.unit ? [] : ["const"]),
      ...("propertyNames" in sent.properties.days ? [] : ["propertyNames"]),
    ];
    expect(keywords).toEqual([...value].toSorted());
    expect(sent.properties.const.description, "a property's name is no keyword").toBe("Named as a keyword is.");
    expect(sent.properties.days.default, "a value is no schema").toEqual({ const: 1 });
    if (value.includes("const")) expect(sent.properties.unit).toEqual({ enum: ["celsius"] });
  },
  schema_type_lists: async (entry, value) => {
    const body = await asked(entry, { tools: [{ ...WEATHER_TOOL, parameters: SCHEMA }] });
    const { properties } = toolsOf(body)![0]!["parameters"] as typeof SCHEMA;
    const nullable = { type: "string", nullable: true };
    expect(properties.const).toMatchObject(value === "sent" ? { type: ["string", "null"] } : nullable);
  },
  continuation: async (entry, value) => {
    const unfinishedItem = {
      type: "message" as const,
      id: "msg_1",
      role: "assistant" as const,
      status: "in_progress" as const,
      content: [{ type: "output_text" as const, text: "A long answer that was cut off in", annotations: [] }],
    };
    const body = await readSentBody(entry, { unfinishedItem });
    expect(rolesOf(body)).toEqual(value === "none" ? ["user"] : ["user", "assistant"]);
    expect(body["continue_final_message"]).toBe(value === "continue_final_message" ? true : undefined);
    expect(body.messages.at(-1)!["prefix"]).toBe(value === "prefix" ? true : undefined);
  },
};

describe.each(vendorNames)("%s", (vendor: VendorName) => {
  const traits = traitsOfVendor(vendor);

  test.each(Object.keys(CHECKS) as TraitName[])("has its %s", async (name) => {
    const expectTrait = CHECKS[name] as Check<TraitName>;
    await expectTrait({ vendor }, traits[name]);
  });
});

/** Values of no vendor in the table, which an operator may set. */
describe("an entry that overrides a trait", () => {
  test.each<[TraitName, Partial<VendorTraits>]>([
    ["think_tags", { think_tags: "opened" }],
    ["tool_choice_required", { tool_choice_required: "auto" }],
    ["strict_tools", { strict_tools: "left_out" }],
    ["parameters_left_out", { parameters_left_out: ["stream_options"] }],
    ["call_ids", { call_ids: "nine_alphanumerics" }],
  ])("has its own %s", async (name, traits) => {
    const expectTrait = CHECKS[name] as Check<TraitName>;
    await expectTrait({ vendor: "generic", traits }, traits[name]!);
  });
});

describe("Anthropic's own protocol", () => {
  const ENTRY: VendorEntry = { kind: "anthropic" };
  const model = "claude-sonnet-4-5";

  test("has the same traits: ids, blank texts, last message", async () => {
    const history = [
      user(" "),
      user("1"),
      functionCall("a|b"),
      functionCallOutput("a|b", "\n"),
      assistantMessage("Two. \n"),
    ];
    const { messages } = await readSentBody(ENTRY, { history, model });
    const [use] = messages[1]!.content as { type: string; id: string }[];
    expect(use).toMatchObject({ type: "tool_use", id: expect.stringMatching(/^[\w-]{1,64}$/) });
    expect(messages).toMatchObject([
      { role: "user", content: [{ text: "1" }] },
      { role: "assistant" },
      { role: "user", content: [{ type: "tool_result", tool_use_id: use!.id, content: "(no output)" }] },
      { role: "assistant", content: [{ text: expect.stringMatching(/^Two\./) }] },
      { role: "user", content: [{ text: "Continue." }] },
    ]);
  });

  test.each<[Request["tool_choice"] & {}, object]>([
    ["required", { tool_choice: { type: "any" }, thinking: { type: "disabled" } }],
    [
      { type: "function", name: "other" },
      { tool_choice: { type: "tool", name: "other" }, thinking: { type: "disabled" } },
    ],
    ["auto", { tool_choice: { type: "auto" }, thinking: { type: "enabled" } }],
  ])("does not think if a call is forced: %j", async (tool_choice, expected) => {
    const request = { model: "m", tools: TOOLS, tool_choice, reasoning: { effort: "high" as const } };
    expect(await readSentBody(ENTRY, { request, model })).toMatchObject(expected);
  });

  test("does not think in a turn that another model began", async () => {
    const request = { model: "m", tools: TOOLS, reasoning: { effort: "high" as const } };
    const firstTurn = [user("1"), reasoningItem("a"), functionCall("c1"), functionCallOutput("c1")];
    expect(await readSentBody(ENTRY, { history: firstTurn, request, model })).toMatchObject({
      thinking: { type: "disabled" },
    });
    const next = [...firstTurn, user("2")];
    expect(await readSentBody(ENTRY, { history: next, request, model })).toMatchObject({
      thinking: { type: "enabled" },
    });
  });
});

test("a call keeps its id in each request, at each vendor that accepts it", async () => {
  const idsOf = async (vendor: VendorName, ...ids: string[]) => {
    const { messages } = await readSentBody(
      { vendor },
      { history: [user("1"), ...ids.flatMap((id) => [functionCall(id), functionCallOutput(id)])] },
    );
    return messages.flatMap(({ tool_calls = [] }) => tool_calls.map(({ id }) => id));
  };
  const [first] = await idsOf("mistral", "call_one");
  expect(await idsOf("mistral", "D681PevKs", "call_one", "call_two")).toEqual(["D681PevKs", first, expect.anything()]);
  expect(await idsOf("openai", "call_one"), "one that fits").toEqual(["call_one"]);
  expect(await idsOf("mistral", "call_one", first!), "one that is another's already").not.toEqual([first, first]);
});

describe("calls without an id of their own", () => {
  const tool_call = (id: unknown) => ({ id, type: "function", function: { name: "get_weather", arguments: "{}" } });
  test.each([
    ["none", [undefined, undefined]],
    ["empty ids", ["", ""]],
    ["the same id", ["call_0", "call_0"]],
    ["an earlier turn's id", ["c1", "c2"]],
    ["an overlong id", ["x".repeat(100), "y".repeat(100)]],
  ])("get one: %s", async (_, ids) => {
    const tool_calls = ids.map((id, index) => ({ index, ...tool_call(id) }));
    const request = { model: "m", tools: TOOLS };
    const history = [user("1"), functionCall("c1"), functionCallOutput("c1"), user("2")];
    const { output } = await readAnswer({ vendor: "gemini" }, deltas("tool_calls", { tool_calls }), {
      request,
      history,
    });
    const callIds = output.flatMap((item) => (item.type === "function_call" ? [item.call_id] : []));
    expect(callIds).toHaveLength(2);
    expect(new Set(["c1", ...callIds]).size).toBe(3);
    for (const id of callIds) expect(id).toMatch(/^[\x21-\x7e]{1,64}$/);
  });
});
