/**
 * Odd answers of real servers' tools: the model sees the readable part of each block, and one bad block affects no
 * other.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toToolResult } from "../../../../workers/tools/mcp/call-result.ts";
import { call, createToolList, mcpTool, callOutputs, runMcp } from "../../../support/mcp-runs.ts";
import { interceptWith, startMcpServer } from "../../../support/mcp-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

const PNG = "iVBORw0KGgo=";
const JPEG = "/9j/4AAQSkZJRgABAQAA";
const GIF = Buffer.from("GIF89a and more").toString("base64");
const WEBP = Buffer.from("RIFF\0\0\0\0WEBPVP8 ").toString("base64");
const SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const text = (modelOutput: string) => ({ type: "text", text: modelOutput });
const resource = (fields: object) => ({ type: "resource", resource: { uri: "file:///r", ...fields } });
const output = (answer: Record<string, unknown>) => toToolResult(answer, (modelOutput) => modelOutput).output;
const image = (type: string, data: string) => ({
  type: "input_image",
  detail: "auto",
  image_url: `data:image/${type};base64,${data}`,
});

describe("over a connection", () => {
  let storage: TestStorage;
  beforeAll(async () => {
    storage = await openTestStorage();
  });
  afterAll(async () => await storage[Symbol.asyncDispose]());

  async function runCall(result: unknown) {
    await using server = await startMcpServer({ intercept: interceptWith({ "tools/call": result }) });
    const tool = mcpTool({ server_url: server.url });
    const request = { tools: [tool], metadata: scriptSteps(call("srv__look")) };
    const input = [createToolList(tool, [{ name: "look", input_schema: {} }])];
    const { response, calls } = await runMcp(storage, request, { input });
    const [item, answer] = response.output;
    expect(answer?.type).toBe("message");
    return { item, output: callOutputs(calls.at(-1)!)[0] };
  }

  // Answers that the protocol's own client rejects, in whole or in part.
  test.each([
    [{}, "(no output)"],
    [{ content: null }, "(no output)"],
    [{ content: [] }, "(no output)"],
    [{ content: [text("")] }, "(no output)"],
    [{ content: "said" }, "said"],
    [{ content: text("said") }, "said"],
    [{ content: [text("said")], isError: null, structuredContent: null }, "said"],
    [{ content: [{ ...text("said"), annotations: { audience: "me", priority: 7 }, _meta: 1 }] }, "said"],
    [{ content: [{ type: "json", json: { a: 1 } }, text("said")] }, '{"type":"json","json":{"a":1}}\nsaid'],
    [{ content: [{ type: "error", text: "broken" }, text("said")] }, "broken\nsaid"],
    [{ content: [{ type: "tool_reference", name: "x" }] }, '{"type":"tool_reference","name":"x"}'],
    [{ content: [null, 7, "said", ["x"], {}] }, 'null\n7\nsaid\n["x"]\n{}'],
    [{ toolResult: { a: 1 } }, '{"a":1}'],
    [{ toolResult: { content: [text("said")] } }, "said"],
    [{ structuredContent: { a: 1 } }, '{"a":1}'],
    [{ structuredContent: ["a"] }, '["a"]'],
    [{ content: [resource({ uri: "not a uri", text: "said" })] }, "[resource not a uri]\nsaid"],
  ])("%j reaches the model", async (result, expected) => {
    const { item, output: modelOutput } = await runCall(result);
    expect(item).toMatchObject({ type: "mcp_call", status: "completed", error: null });
    expect(modelOutput).toBe(expected);
  });

  test("an error of any form keeps the tool's text", async () => {
    const { item, output: modelOutput } = await runCall({ isError: true, content: [{ type: "error", message: "no" }] });
    expect(item).toMatchObject({ status: "failed", error: { type: "mcp_tool_execution_error" } });
    expect(modelOutput).toBe('{"type":"error","message":"no"}');
    expect((await runCall({ isError: true })).output).toBe("The tool failed.");
    expect((await runCall({ isError: true, content: [], structuredContent: { why: 1 } })).output).toBe('{"why":1}');
  });

  test("a block nested too deeply affects no other block", async () => {
    let deep: unknown = 1;
    for (let i = 0; i < 3_000; i++) deep = [deep];
    const { output: modelOutput } = await runCall({ content: [{ type: "json", deep }, text("said")] });
    expect(modelOutput).toMatch(/\nsaid$/);
  });
});

describe("structured content", () => {
  const rows = { rows: [{ id: 1, name: "a" }], total: 1 };

  test.each([
    ["a text with the same JSON", [text(JSON.stringify(rows))], rows],
    ["the same JSON with other spaces", [text(JSON.stringify(rows, null, 2))], rows],
    ["the same JSON in another order", [text('{"total":1,"rows":[{"name":"a","id":1}]}')], rows],
    ["the same JSON and a summary", [text("One row."), text(JSON.stringify(rows))], rows],
    ["a text that it wraps", [text("plain words")], { result: "plain words" }],
    ["a number that it wraps", [text("42")], { result: 42 }],
    ["a list that it wraps", [text("[1,2]")], { result: [1, 2] }],
    ["a list with one block per value", [text('{"a":1}'), text('{"a":2}')], { result: [{ a: 1 }, { a: 2 }] }],
    ["a list with one block per text", [text("one"), text("two")], { result: ["one", "two"] }],
  ])("is shown once with %s", (_, content, structuredContent) => {
    expect(output({ content, structuredContent })).toBe(content.map((each) => each.text).join("\n"));
  });

  test.each([
    ["a summary", [text("One row.")], rows],
    ["other JSON", [text('{"total":1}')], rows],
    ["nothing", [], rows],
    ["text that is not JSON", [text("{")], { result: "x" }],
    ["a wrapper with more fields", [text("x")], { result: "x", more: 1 }],
  ])("is added to %s", (_, content, structuredContent) => {
    const modelOutput = content.map((each) => each.text);
    expect(output({ content, structuredContent })).toBe([...modelOutput, JSON.stringify(structuredContent)].join("\n"));
  });

  test("is added to an image", () => {
    expect(output({ content: [{ type: "image", mimeType: "image/png", data: PNG }], structuredContent: rows })).toEqual(
      [image("png", PNG), { type: "input_text", text: JSON.stringify(rows) }],
    );
  });
});

describe("bytes", () => {
  const labels = ["image/png", "image/jpg", "image/webp", "", undefined, null, 7];
  const images: [string, string][] = [
    ["png", PNG],
    ["jpeg", JPEG],
    ["gif", GIF],
    ["webp", WEBP],
  ];
  test.each(labels.flatMap((mimeType) => images.map(([type, data]) => [mimeType, type, data] as const)))(
    "labeled %j are an image of type %s by their content",
    (mimeType, type, data) => {
      const expected = [image(type, data)];
      expect(output({ content: [{ type: "image", mimeType, data }] })).toEqual(expected);
      expect(output({ content: [{ type: "image", data: `data:image/png;base64,${data}` }] })).toEqual(expected);
      expect(output({ content: [resource({ mimeType, blob: data })] })).toEqual(expected);
    },
  );

  test.each([
    ["an Anthropic image", { type: "image", source: { type: "base64", media_type: "image/png", data: JPEG } }],
    ["an OpenAI image", { type: "image_url", image_url: { url: `data:image/png;base64,${JPEG}` } }],
    ["an image of the Responses API", { type: "image", image_url: `data:image/png;base64,${JPEG}` }],
    ["a data URL", { type: "image", url: `data:image/png;base64,${JPEG}` }],
  ])("in the form of %s are an image", (_, block) => {
    expect(output({ content: [block] })).toEqual([image("jpeg", JPEG)]);
  });

  test("are never written out as text", () => {
    const bytes = "A".repeat(10_000);
    for (const block of [
      { type: "video", data: bytes },
      { type: "file", file: { file_data: `data:application/pdf;base64,${bytes}` } },
      { type: "resource", resource: { uri: "file:///r", content: bytes } },
      { type: "audio", mimeType: "audio/wav", data: bytes },
      { type: "image", url: "https://images.example/cat.png" },
    ]) {
      expect(output({ content: [text("before"), block] }).length).toBeLessThan(300);
    }
  });

  // A provider would reject the whole request.
  test.each([
    ["no image", { mimeType: "image/png", data: base64("<html>Not found</html>") }, /^\[image: image\/png, \d+ bytes/],
    ["invalid base64", { mimeType: "image/png", data: "%%%" }, /^\[image: image\/png/],
    ["a type that no model accepts", { mimeType: "image/bmp", data: base64("BM and more") }, /^\[image: image\/bmp/],
    ["a drawing", { mimeType: "image/svg+xml", data: base64(SVG) }, new RegExp(`^\\[image: image/svg.xml\\]\n${SVG}$`)],
    ["no text", { mimeType: "image/png", data: 7 }, /^\{"type":"image"/],
    ["missing", { mimeType: "image/png" }, /^\{"type":"image"/],
  ])("of an image that are %s are text", (_, fields, expected) => {
    expect(output({ content: [{ type: "image", ...fields }] })).toMatch(expected);
  });

  test.each([
    ["text/plain", "words", "[resource file:///r text/plain: text/plain]\nwords"],
    ["application/json; charset=utf-8", "{}", "[resource file:///r application/json; charset=utf-8: "],
    ["image/svg+xml", SVG, SVG],
    ["application/pdf", "%PDF", "[resource file:///r application/pdf: application/pdf, 6 bytes, not shown]"],
  ])("of a resource of type %s", (mimeType, body, expected) => {
    expect(output({ content: [resource({ mimeType, blob: base64(body) })] })).toContain(expected);
  });
});

test.each([
  [{ text: { a: 1 } }, '[resource file:///r]\n{"text":{"a":1}}'],
  [{ content: "said", mimeType: "text/plain" }, '[resource file:///r text/plain]\n{"content":"said"}'],
  [{ text: null, blob: base64("said"), mimeType: "text/plain" }, "[resource file:///r text/plain: text/plain]\nsaid"],
  [{}, "[resource file:///r]"],
])("a resource with %j shows its content", (fields, expected) => {
  expect(output({ content: [resource(fields)] })).toBe(expected);
});

test("a block is read despite fields of wrong types", () => {
  const blocks = [
    text("words"),
    { type: "image", mimeType: "image/png", data: PNG, annotations: {}, _meta: {} },
    { type: "audio", mimeType: "audio/wav", data: "AAAA" },
    { type: "resource_link", name: "doc", uri: "file:///d", mimeType: "text/plain", description: "A document." },
    resource({ mimeType: "text/plain", text: "said" }),
    resource({ mimeType: "application/pdf", blob: "AAAA" }),
  ];
  const values = [undefined, null, true, 7, "", "x", [], {}];
  for (const block of blocks) {
    for (const field of Object.keys(block)) {
      for (const value of values) {
        const modelOutput = JSON.stringify(
          output({ content: [text("before"), { ...block, [field]: value }, text("after")] }),
        );
        expect(modelOutput).toMatch(/before.*after/);
      }
    }
  }
});
