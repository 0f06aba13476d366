/** Every trait, with every vendor: the body that the vendor is sent says what the table says of it. */
import { describe, expect, test } from "vitest";
import { type VendorName, vendorNames, vendorTraits } from "../../src/providers/vendor-of.ts";
import type { TraitName, VendorTraits } from "../../src/providers/vendor-traits.ts";
import type { UpstreamCall } from "../../workers/upstream.ts";
import { WEATHER_TOOL } from "../conformance/upstream-suite.ts";
import {
  answered,
  answeredBy,
  called,
  deltas,
  said,
  sentTo,
  system,
  thought,
  user,
  type VendorEntry,
  type WireBody,
} from "../support/vendors.ts";

type Request = Partial<UpstreamCall["request"]>;
type Check<Name extends TraitName> = (entry: VendorEntry, value: VendorTraits[Name]) => Promise<void>;

const OTHER_TOOL = { ...WEATHER_TOOL, name: "other" };
const TOOLS = [WEATHER_TOOL, OTHER_TOOL];
const asked = async (entry: VendorEntry, request: Request) =>
  await sentTo(entry, { request: { model: "m", ...request } });
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
    const input = [user("Hi"), ...ids.flatMap((id) => [called(id), answered(id)])];
    const { messages } = await sentTo(entry, { input });
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
    for (const [place, id] of ids.entries()) {
      expect(sent[place]).toMatch(fits);
      if (fits.test(id)) expect(sent[place]).toBe(id);
    }
  },
  think_tags: async (entry, value) => {
    const text = value === "opened" ? "Hm.</think>Hi" : "<think>Hm.</think>Hi";
    const { output } = await answeredBy(entry, deltas("stop", { content: text }));
    const types = output.map(({ type }) => type);
    expect(types).toEqual(value === "none" ? ["message"] : ["reasoning", "message"]);
  },
  reasoning_sent: async (entry, value) => {
    const turns = [
      [user("1"), thought("a"), said("One.")],
      [user("2"), thought("b"), called("c1"), answered("c1"), thought("c"), said("Two.")],
      [user("3"), thought("d"), called("c2"), answered("c2")],
    ];
    const sent = reasoningOf(await sentTo(entry, { input: turns.flat() }));
    expect(sent).toEqual(
      {
        none: [undefined, undefined, undefined, undefined],
        current_turn: [undefined, undefined, undefined, "d"],
        turns_with_calls: [undefined, "b", "c", "d"],
      }[value],
    );
  },
  reasoning_field: async (entry, value) => {
    const input = [user("1"), thought("a"), called("c1"), answered("c1")];
    const { messages } = await sentTo({ ...entry, traits: { reasoning_sent: "current_turn" } }, { input });
    expect(messages[1]).toHaveProperty(value, "a");
    const other = value === "reasoning" ? "reasoning_content" : "reasoning";
    expect(messages[1]).not.toHaveProperty(other);
  },
  state_returned: async (entry, value) => {
    const extra_content = { google: { thought_signature: "sig" } };
    const reasoning_details = [{ type: "reasoning.encrypted", data: "abc", index: 0 }];
    const call = { index: 0, id: "callAbc12", function: { name: "get_weather", arguments: "{}" }, extra_content };
    const request = { model: "m", tools: [WEATHER_TOOL] };
    const first = await answeredBy(entry, deltas("tool_calls", { reasoning_details, tool_calls: [call] }), { request });
    const input = [user("Hi"), ...first.output, answered("callAbc12")];
    const { messages } = await sentTo(entry, { input, request });
    expect(messages[1]!["reasoning_details"]).toEqual(
      value.includes("reasoning_details") ? reasoning_details : undefined,
    );
    const isSigned = value.includes("extra_content");
    expect(messages[1]!.tool_calls![0]!["extra_content"]).toEqual(isSigned ? extra_content : undefined);
  },
  unsigned_calls: async (entry, value) => {
    const input = [user("Hi"), called("callAbc12"), called("callAbc13"), answered("callAbc12"), answered("callAbc13")];
    const signature = { google: { thought_signature: "skip_thought_signature_validator" } };
    for (const [model, isSigned] of [
      ["gemini-3-pro", value === "placeholder"],
      ["gemini-2.5-pro", false],
    ] as const) {
      const { messages } = await sentTo(entry, { input, model });
      const sent = messages[1]!.tool_calls!.map((call) => call["extra_content"]);
      expect(sent).toEqual([isSigned ? signature : undefined, undefined]);
    }
  },
  late_system: async (entry, value) => {
    const body = await sentTo(entry, { input: [user("1"), said("One."), system("In French."), user("2")] });
    expect(rolesOf(body).slice(1).includes("system")).toBe(value === "sent");
    expect(JSON.stringify(body.messages)).toContain("In French.");
  },
  same_role: async (entry, value) => {
    const body = await sentTo(entry, { input: [user("1"), user("2")] });
    expect(body.messages.map(({ content }) => content)).toEqual(value === "sent" ? ["1", "2"] : ["1\n\n2"]);
  },
  user_after_tool: async (entry, value) => {
    const body = await sentTo(entry, { input: [user("1"), called("c1"), answered("c1"), user("2")] });
    const between = value === "sent" ? [] : ["assistant"];
    expect(rolesOf(body)).toEqual(["user", "assistant", "tool", ...between, "user"]);
  },
  final_assistant: async (entry, value) => {
    const body = await sentTo(entry, { input: [user("1"), said("One.")] });
    expect(rolesOf(body)).toEqual(["user", "assistant", ...(value === "sent" ? [] : ["user"])]);
  },
  blank_text: async (entry, value) => {
    const input = [user("1"), said(" \n"), thought("b"), user("\t"), called("c1"), answered("c1", " "), user("2")];
    const body = await sentTo(entry, { input, request: { model: "m", instructions: "  " } });
    const contents = body.messages.map(({ content }) => content).filter((content) => content != null);
    const blank = contents.filter((content) => String(content).trim() === "");
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
    const body = await sentTo(entry, { input: [user("1"), called("c1"), answered("c1")], request });
    expect(body["reasoning_effort"] === "high").toBe(value === "sent");
    const later = await sentTo(entry, { input: [user("1"), called("c1"), answered("c1"), user("2")], request });
    expect(later["reasoning_effort"]).toBe("high");
  },
  thinking_off: async (entry, value) => {
    const body = await asked(entry, { reasoning: { effort: "none" } });
    expect([body["reasoning_effort"], body["thinking"]]).toEqual(
      value === "reasoning_effort" ? ["none", undefined] : [undefined, { type: "disabled" }],
    );
  },
  json_schema: async (entry, value) => {
    const schema = { type: "object", properties: { n: { type: "integer" } } };
    const text = { format: { type: "json_schema" as const, name: "n", schema } };
    const { [value === "sent" ? "response_format" : "messages"]: said, ...body } = await asked(entry, { text });
    if (value === "sent") expect(said).toMatchObject({ type: "json_schema", json_schema: { schema } });
    else {
      expect(body["response_format"]).toEqual({ type: "json_object" });
      expect(said).toMatchObject([{ role: "system", content: expect.stringContaining(JSON.stringify(schema)) }, {}]);
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
    const unfinished = {
      type: "message" as const,
      id: "msg_1",
      role: "assistant" as const,
      status: "in_progress" as const,
      content: [{ type: "output_text" as const, text: "A long answer that was cut off in", annotations: [] }],
    };
    const body = await sentTo(entry, { unfinished });
    expect(rolesOf(body)).toEqual(value === "none" ? ["user"] : ["user", "assistant"]);
    expect(body["continue_final_message"]).toBe(value === "continue_final_message" ? true : undefined);
    expect(body.messages.at(-1)!["prefix"]).toBe(value === "prefix" ? true : undefined);
  },
};

describe.each(vendorNames)("%s", (vendor: VendorName) => {
  const traits = vendorTraits(vendor);

  test.each(Object.keys(CHECKS) as TraitName[])("has its %s", async (name) => {
    const check = CHECKS[name] as Check<TraitName>;
    await check({ vendor }, traits[name]);
  });
});

/** Values that no vendor of the table has, which an operator may set. */
describe("an entry that says otherwise", () => {
  test.each<[TraitName, Partial<VendorTraits>]>([
    ["think_tags", { think_tags: "opened" }],
    ["tool_choice_required", { tool_choice_required: "auto" }],
    ["strict_tools", { strict_tools: "left_out" }],
    ["parameters_left_out", { parameters_left_out: ["stream_options"] }],
    ["call_ids", { call_ids: "nine_alphanumerics" }],
  ])("has its own %s", async (name, traits) => {
    const check = CHECKS[name] as Check<TraitName>;
    await check({ vendor: "generic", traits }, traits[name]!);
  });
});
