/** What a vendor must be given back unchanged: pieces of it made whole, kept in items, and sent to nobody else. */
import type { JSONObject } from "@ai-sdk/provider";
import { afterAll, describe, expect, test } from "vitest";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import { RunControl } from "../../../../workers/attempt/run.ts";
import type { ContextItem } from "../../../../workers/upstreams/upstream.ts";
import { addDetail, ReturnedState } from "../../../../workers/upstreams/ai-sdk/returned-state.ts";
import { WEATHER_TOOL } from "../../../conformance/upstream-suite.ts";
import { openAiSdk } from "../../../support/ai-sdk.ts";
import { COUNTING_TOOL, countingTool } from "../../../support/counting-tool.ts";
import { openTestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, runOnce } from "../../../support/tool-runs.ts";
import { startUpstreamServer } from "../../../support/upstream-server.ts";
import {
  functionCallOutput,
  readAnswer,
  functionCall,
  callVendor,
  deltas,
  readSentBody,
  reasoningItem,
  user,
  type VendorEntry,
  type WireBody,
} from "../../../support/vendors.ts";

const storage = await openTestStorage();
afterAll(() => storage[Symbol.asyncDispose]());

type Detail = JSONObject;

const request = { model: "m", tools: [WEATHER_TOOL] };
const call = (fields: object = {}, args = "{}") => ({
  index: 0,
  id: "call_1",
  type: "function",
  function: { name: "get_weather", arguments: args },
  ...fields,
});
const anthropic = (fields: Detail): Detail => ({
  type: "reasoning.text",
  format: "anthropic-claude-v1",
  index: 0,
  ...fields,
});
const WHOLE = anthropic({ text: "Let me see.", signature: "sig-1" });
const ENCRYPTED = { type: "reasoning.encrypted", data: "gAAA", id: "call_1", format: "google-gemini-v1", index: 1 };

describe("reasoning_details in pieces", () => {
  const cases: [string, Detail[], Detail[]][] = [
    [
      "of one block",
      [anthropic({ text: "Let" }), anthropic({ text: " me see." }), anthropic({ signature: "sig-1" })],
      [WHOLE],
    ],
    [
      "whose signature has no words",
      [anthropic({ text: "Let me see." }), anthropic({ text: "", signature: "sig-1" })],
      [WHOLE],
    ],
    [
      "of several, by their index",
      [anthropic({ text: "a" }), ENCRYPTED, anthropic({ text: "b", signature: null })],
      [anthropic({ text: "ab" }), ENCRYPTED],
    ],
    [
      "encrypted, each whole",
      [
        { type: "reasoning.encrypted", data: "a", index: 0 },
        { type: "reasoning.encrypted", data: "b", index: 0 },
      ],
      [
        { type: "reasoning.encrypted", data: "a", index: 0 },
        { type: "reasoning.encrypted", data: "b", index: 0 },
      ],
    ],
    [
      "summaries",
      [
        { type: "reasoning.summary", summary: "a", index: 0 },
        { type: "reasoning.summary", summary: "b", index: 0 },
      ],
      [{ type: "reasoning.summary", summary: "ab", index: 0 }],
    ],
    [
      "without an index",
      [
        { type: "reasoning.text", text: "a" },
        { type: "reasoning.text", text: "b", signature: "s" },
        { type: "reasoning.text", text: "c" },
      ],
      [
        { type: "reasoning.text", text: "ab", signature: "s" },
        { type: "reasoning.text", text: "c" },
      ],
    ],
    [
      "of a type that nobody knows",
      [
        { type: "reasoning.new", x: 1, index: 0 },
        { type: "reasoning.new", x: 2, index: 0 },
      ],
      [
        { type: "reasoning.new", x: 1, index: 0 },
        { type: "reasoning.new", x: 2, index: 0 },
      ],
    ],
  ];
  test.each(cases)("%s", (_, pieces, whole) => {
    const details: Detail[] = [];
    for (const piece of pieces) addDetail(details, piece);
    expect(details).toEqual(whole);
  });

  test("have a limit with a name", () => {
    const state = new ReturnedState("x", ["reasoning_details"]);
    const chunk = {
      choices: [{ delta: { reasoning_details: [{ type: "reasoning.encrypted", data: "x".repeat(1_000_000) }] } }],
    };
    const readMany = () => {
      for (let i = 0; i < 10; i++) state.read(chunk);
    };
    expect(readMany).toThrow("The provider sent more than 8000000 characters of reasoning state.");
  });

  test.each([
    null,
    1,
    {},
    { choices: [] },
    { choices: [{ delta: { reasoning_details: "x", tool_calls: {} } }] },
    { choices: [{ delta: { reasoning_details: [1, null], tool_calls: [null, {}] } }] },
  ])("of no form are passed over: %j", (raw) => {
    const state = new ReturnedState("x", ["extra_content", "reasoning_details"]);
    state.read(raw);
    expect([state.takeDetails(), state.takeLateCalls()]).toEqual([undefined, undefined]);
  });
});

/** The first turn of a model with a client's tool, the second with its output, and the third of the user's. */
async function threeTurns(entry: VendorEntry, chunks: readonly object[], model = "a/claude") {
  await using server = await startUpstreamServer(
    deltas("tool_calls", ...chunks),
    deltas("stop", { content: "It rains." }),
  );
  const one = [user("Weather?")];
  const first = await callVendor(server, entry, { model, request, history: one });
  const two = [...one, ...first.output, functionCallOutput(idOf(first.output))];
  const second = await callVendor(server, entry, { model, request, history: two });
  const three = [...two, ...second.output, user("Thanks!")];
  await callVendor(server, entry, { model, request, history: three });
  return { output: first.output, input: three, bodies: server.requests.map(({ body }) => body as WireBody) };
}

function idOf(output: readonly (ContextItem | OutputItem)[]): string {
  const made = output.find((item) => item.type === "function_call");
  if (made === undefined) throw new Error("There is no call.");
  return made.call_id;
}

describe("OpenRouter", () => {
  const orders: [string, object[], string[]][] = [
    [
      "before the call",
      [
        { reasoning: "Let", reasoning_details: [anthropic({ text: "Let" })] },
        { reasoning: " me see.", reasoning_details: [anthropic({ text: " me see." })] },
        { reasoning_details: [anthropic({ signature: "sig-1" })] },
        { reasoning_details: [ENCRYPTED] },
        { tool_calls: [call()] },
      ],
      ["reasoning", "function_call"],
    ],
    [
      "with the call",
      [
        { reasoning: "Let me see.", reasoning_details: [WHOLE] },
        { reasoning_details: [ENCRYPTED], tool_calls: [call()] },
      ],
      ["reasoning", "function_call"],
    ],
    [
      "after the call",
      [
        { reasoning: "Let me see.", reasoning_details: [anthropic({ text: "Let me see." })] },
        { tool_calls: [call()] },
        { reasoning_details: [anthropic({ signature: "sig-1" }), ENCRYPTED] },
      ],
      ["reasoning", "function_call", "reasoning"],
    ],
    [
      "without words",
      [{ reasoning_details: [WHOLE, ENCRYPTED] }, { tool_calls: [call()] }],
      ["reasoning", "function_call"],
    ],
    [
      "around a text",
      [
        { reasoning: "Let me see.", reasoning_details: [anthropic({ text: "Let me see." })] },
        { content: "One moment." },
        { reasoning_details: [anthropic({ signature: "sig-1" }), ENCRYPTED] },
        { tool_calls: [call()] },
      ],
      ["reasoning", "message", "reasoning", "function_call"],
    ],
  ];
  test.each(orders)("is given its details back whole, in each later turn: %s", async (_, chunks, types) => {
    const { output, bodies } = await threeTurns({ vendor: "openrouter" }, chunks);
    expect(output.map(({ type }) => type)).toEqual(types);
    for (const body of bodies.slice(1)) {
      expect(body.messages[1]).toMatchObject({ role: "assistant", reasoning_details: [WHOLE, ENCRYPTED] });
      expect(body.messages[1], "the text is in them").not.toHaveProperty("reasoning");
      expect(body.messages[1]!.tool_calls).toHaveLength(1);
    }
  });

  test.each<[string, VendorEntry, string]>([
    ["another of its models", { vendor: "openrouter" }, "b/gpt"],
    ["another vendor", { vendor: "vllm" }, "a/claude"],
    ["a vendor that has such details as well", { vendor: "generic" }, "a/claude"],
    ["Gemini", { vendor: "gemini" }, "a/claude"],
    ["Anthropic", { vendor: "anthropic", kind: "anthropic" }, "claude-opus-4-5"],
    ["Google", { vendor: "google", kind: "google" }, "gemini-3-pro-preview"],
  ])("gives nothing of it to %s", async (_, entry, model) => {
    const { input: history } = await threeTurns({ vendor: "openrouter" }, [
      { reasoning_details: [WHOLE] },
      { tool_calls: [call()] },
    ]);
    const sent = JSON.stringify(await readSentBody(entry, { model, request, history }));
    expect(sent).not.toMatch(/sig-1|reasoning_details|Let me see/);
    expect(sent).toContain("It rains.");
  });

  test("shows what it says in details alone", async () => {
    const chunks = [
      { reasoning_details: [{ type: "reasoning.text", text: "Let", index: 0 }] },
      { reasoning_details: [{ type: "reasoning.text", text: " me see.", index: 0 }] },
      { tool_calls: [call()] },
    ];
    const { output } = await threeTurns({ vendor: "openrouter" }, chunks);
    expect(output[0]).toMatchObject({ type: "reasoning", content: [{ text: "Let me see." }] });
  });

  test("is given reasoning without details as text, within its turn", async () => {
    const { bodies } = await threeTurns({ vendor: "openrouter" }, [{ reasoning: "Hm." }, { tool_calls: [call()] }]);
    expect(bodies.map(({ messages }) => messages[1]?.["reasoning"])).toEqual([undefined, "Hm.", undefined]);
  });
});

describe("Gemini behind chat completions", () => {
  const signed = (signature: string, fields: object = {}) =>
    call({ index: undefined, extra_content: { google: { thought_signature: signature } }, ...fields });
  const sentSignatures = ({ messages }: WireBody) =>
    messages.flatMap((message) => (message.tool_calls ?? []).map((each) => each["extra_content"]));

  test.each<[string, object[]]>([
    ["with the call", [{ tool_calls: [signed("s1")] }]],
    ["with a call without an id", [{ tool_calls: [signed("s1", { id: "" })] }]],
    [
      "with the call's first piece",
      [
        { tool_calls: [{ ...signed("s1", { index: 0 }), function: { name: "get_weather", arguments: "" } }] },
        { tool_calls: [{ index: 0, function: { arguments: "{}" } }] },
      ],
    ],
    [
      "before the call's name",
      [
        {
          tool_calls: [
            { index: 0, id: "call_1", function: {}, extra_content: { google: { thought_signature: "s1" } } },
          ],
        },
        { tool_calls: [call()] },
      ],
    ],
    [
      "after the call",
      [
        { tool_calls: [call()] },
        {
          tool_calls: [
            { index: 0, function: { arguments: "" }, extra_content: { google: { thought_signature: "s1" } } },
          ],
        },
      ],
    ],
    ["after a thought", [{ reasoning_content: "Hm." }, { tool_calls: [signed("s1")] }]],
  ])("is given the signature back: %s", async (_, chunks) => {
    const { bodies } = await threeTurns({ vendor: "gemini" }, chunks, "gemini-3-pro");
    for (const body of bodies.slice(1)) {
      expect(sentSignatures(body)).toEqual([{ google: { thought_signature: "s1" } }]);
      expect(JSON.stringify(body)).not.toContain("Hm.");
    }
  });

  test("is given those of calls at the same time back, each where it was", async () => {
    const extra_content = { vertex: { thought_signature: "s2" } };
    const chunks = [
      {
        tool_calls: [
          signed("s1", { id: "" }),
          signed("", { id: "", extra_content: undefined }),
          { ...call({ index: undefined, id: "", extra_content }), function: { name: "other", arguments: "{}" } },
        ],
      },
    ];
    const first = await readAnswer({ vendor: "gemini" }, deltas("tool_calls", ...chunks), {
      model: "gemini-3-pro",
      request,
    });
    const ids = first.output.flatMap((item) => (item.type === "function_call" ? [item.call_id] : []));
    expect(new Set(ids).size).toBe(3);
    const history = [user("Hi"), ...first.output, ...ids.map((id) => functionCallOutput(id))];
    const body = await readSentBody({ vendor: "gemini" }, { model: "gemini-3-pro", request, history });
    expect(sentSignatures(body)).toEqual([{ google: { thought_signature: "s1" } }, undefined, extra_content]);
    expect(body.messages[1]!.tool_calls!.map(({ id }) => id)).toEqual(ids);
  });

  test("is given none of another vendor's, but the placeholder that it documents", async () => {
    const { input: history } = await threeTurns({ vendor: "generic", name: "lab" }, [
      { tool_calls: [signed("theirs")] },
    ]);
    const body = await readSentBody({ vendor: "gemini" }, { model: "gemini-3-pro", request, history });
    expect(sentSignatures(body)).toEqual([{ google: { thought_signature: "skip_thought_signature_validator" } }]);
  });
});

describe("within a run, with a tool of this server", () => {
  // Kimi's form: https://github.com/musistudio/claude-code-router/issues/1808
  const CALL_ID = "functions.look:1";

  test.each<[VendorEntry["vendor"] & string, object, (message: WireBody["messages"][number]) => unknown, unknown]>([
    ["openrouter", { reasoning_details: [WHOLE] }, (message) => message["reasoning_details"], [WHOLE]],
    ["gemini", {}, (message) => message.tool_calls?.[0]?.["extra_content"], { google: { thought_signature: "s1" } }],
    ["deepseek", { reasoning_content: "Hm." }, (message) => message["reasoning_content"], "Hm."],
  ])("it goes back to %s, and in the next response of the chain", async (vendor, delta, stateOf, expected) => {
    const extra = vendor === "gemini" ? { extra_content: { google: { thought_signature: "s1" } } } : {};
    const look = { ...call(extra), id: CALL_ID, function: { name: "look", arguments: '{"x":1}' } };
    await using server = await startUpstreamServer(
      deltas("tool_calls", delta, { tool_calls: [look] }),
      deltas("stop", { content: "Done." }),
    );
    const upstream = openAiSdk(server, "openai-compatible", {}, { vendor });
    const run = { storage, kinds: [countingTool().kind], upstream };
    const first = await createResponse(storage, { tools: [COUNTING_TOOL] });
    await runOnce(run, first, new RunControl());
    const { response } = await finalResponse(storage, first);
    expect(response.output.map(({ type }) => type)).toEqual(["reasoning", "mcp_call", "message"]);
    const next = await createResponse(storage, { tools: [COUNTING_TOOL] }, { ancestors: [first] });
    await runOnce(run, next, new RunControl());
    const bodies = server.requests.map(({ body }) => body as WireBody);
    expect(bodies).toHaveLength(3);
    for (const { messages } of bodies.slice(1)) {
      expect(messages.map(({ role }) => role).slice(0, 3)).toEqual(["user", "assistant", "tool"]);
      expect(stateOf(messages[1]!)).toEqual(expected);
      expect(messages[1]!.tool_calls![0]!.id, "the vendor's own").toBe(CALL_ID);
    }
  });

  test("calls keep their outputs where a server gives each turn's call the same id", async () => {
    const look = (x: number) => ({ ...call(), id: "call_0", function: { name: "look", arguments: `{"x":${x}}` } });
    await using server = await startUpstreamServer(
      deltas("tool_calls", { tool_calls: [look(1)] }),
      deltas("tool_calls", { tool_calls: [look(2)] }),
      deltas("stop", { content: "Done." }),
    );
    const upstream = openAiSdk(server, "openai-compatible", {}, { vendor: "ollama" });
    const id = await createResponse(storage, { tools: [COUNTING_TOOL] });
    await runOnce({ storage, kinds: [countingTool().kind], upstream }, id, new RunControl());
    const { messages } = server.requests.at(-1)!.body as unknown as WireBody;
    const made = messages.flatMap((message) => (message.tool_calls ?? []).map((each) => each.id));
    expect(new Set(made).size).toBe(2);
    expect(messages.filter(({ role }) => role === "tool")).toMatchObject([
      { tool_call_id: made[0], content: "look 1 is done" },
      { tool_call_id: made[1], content: "look 2 is done" },
    ]);
  });
});

describe("DeepSeek", () => {
  test("is given its reasoning back with calls that were made long ago, and an empty one with those of others", async () => {
    const history = [
      user("1"),
      reasoningItem("a"),
      functionCall("c1"),
      functionCallOutput("c1"),
      functionCall("c2"),
      functionCallOutput("c2"),
      user("2"),
    ];
    const { messages } = await readSentBody({ vendor: "deepseek" }, { history, request });
    expect(messages.map((message) => message["reasoning_content"])).toEqual([
      undefined,
      "a",
      undefined,
      "",
      undefined,
      undefined,
    ]);
  });
});
