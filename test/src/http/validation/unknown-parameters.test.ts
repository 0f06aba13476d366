/** Unknown parameters: rejected or ignored, and named in the header. */
import type { Response as HttpResponse } from "express";
import { describe, expect, test } from "vitest";
import { parseCompactRequest } from "../../../../src/http/validation/compact-request.ts";
import { UnknownParameters } from "../../../../src/http/validation/unknown-parameters.ts";
import { parseBody } from "../../../../src/http/validation/parse-body.ts";
import { parseCreateRequest } from "../../../../src/http/validation/create-request.ts";
import { inputTokensRequestSchema } from "../../../../src/protocol/input-tokens.ts";
import { type Provider, ProviderCatalog } from "../../../../src/providers/catalog.ts";

const lab: Provider = {
  name: "lab",
  kind: "openai-compatible",
  base_url: "http://lab.example",
  headers: {},
  extra_parameters: ["top_k", "chat_template_kwargs"],
};
const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }, lab]);
const valid = { model: "simulator/default", input: "Hello" };

function headerOf(unknown: UnknownParameters): string | undefined {
  let header: string | undefined;
  unknown.setHeader({ set: (_name: string, value: string) => (header = value) } as unknown as HttpResponse);
  return header;
}

/** The remaining body, and the names in the header. */
function read(fields: object, mode: "refuse" | "ignore" = "ignore") {
  const unknown = new UnknownParameters(mode);
  const request = parseCreateRequest({ ...valid, ...fields }, catalog, { unknown });
  return { request, header: headerOf(unknown) };
}

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error("It was accepted.");
}

const look = { type: "function" as const, name: "look" };

describe("ignored", () => {
  test.each<[string, fields: object, left: object, header: string]>([
    ["a parameter", { zzz: { a: 1 } }, {}, "zzz"],
    [
      "a key inside a parameter",
      { reasoning: { effort: "low", zzz: 1 } },
      { reasoning: { effort: "low" } },
      "reasoning.zzz",
    ],
    [
      "a removed parameter",
      { reasoning: { generate_summary: "auto" } },
      { reasoning: {} },
      "reasoning.generate_summary",
    ],
    ["a key of a tool", { tools: [look, { ...look, zzz: 1 }] }, { tools: [look, look] }, "tools[1].zzz"],
    [
      "a key deep inside a tool, behind a union",
      {
        tools: [
          {
            type: "mcp",
            server_label: "s",
            allowed_tools: { tool_names: ["t"], zzz: 1 },
            require_approval: { never: { zzz: 1 } },
          },
        ],
      },
      {
        tools: [
          { type: "mcp", server_label: "s", allowed_tools: { tool_names: ["t"] }, require_approval: { never: {} } },
        ],
      },
      "tools[0].allowed_tools.zzz, tools[0].require_approval.never.zzz",
    ],
    [
      "a key of a tool in an item",
      { input: [{ type: "additional_tools", role: "developer", tools: [{ ...look, zzz: 1 }] }] },
      { input: [{ type: "additional_tools", role: "developer", tools: [look] }] },
      "input[0].tools[0].zzz",
    ],
    [
      "several at once",
      { a: 1, b: 2, text: { c: 3, verbosity: "low" } },
      { text: { verbosity: "low" } },
      "a, b, text.c",
    ],
  ])("%s is left out, and named", (_what, fields, left, header) => {
    expect(read(fields)).toEqual({ request: { ...valid, ...left }, header });
  });

  test("a long input is split and loses nothing", () => {
    const items = (extra: object) =>
      Array.from({ length: 1_200 }, (_, i) =>
        i % 600 === 599
          ? { type: "additional_tools", role: "developer", tools: [{ ...look, ...extra }] }
          : { type: "message", role: "user", content: `${i}` },
      );
    const { request, header } = read({ input: items({ zzz: 1 }) });
    expect(request.input).toEqual(items({}));
    expect(header).toBe("input[599].tools[0].zzz, input[1199].tools[0].zzz");
  });

  test("other errors are still reported", () => {
    const unknown = new UnknownParameters("ignore");
    const body = { ...valid, zzz: 1, tools: [{ ...look, zzz: 1 }], temperature: 3 };
    expect(errorOf(() => parseCreateRequest(body, catalog, { unknown }))).toMatchObject({ param: "temperature" });
  });

  test("known parameters are not named", () => {
    expect(read({ client_metadata: { a: "b" }, stream_options: { reasoning_summary_delivery: "x" } })).toEqual({
      request: { ...valid, stream_options: { reasoning_summary_delivery: "x" } },
      header: undefined,
    });
  });

  test.each([
    ["line\r\nset-cookie: a", "line%0D%0Aset-cookie%3A%20a"],
    ["é,😀\u0000", "%C3%A9%2C%F0%9F%98%80%00"],
    ["__proto__", "__proto__"],
    ["x".repeat(5_000), "x".repeat(100)],
  ])("the name %j is harmless", (name, shown) => {
    const body = JSON.parse(`{${JSON.stringify(name)}:1}`) as object;
    expect(read(body)).toEqual({ request: valid, header: shown });
  });

  test("a header names only as many as it holds", () => {
    const { header } = read(Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`name_${i}`, i])));
    expect(header).toMatch(/^name_0, name_1, [^]*, and \d+ more$/);
    const more = Number(/and (\d+) more/.exec(header!)![1]);
    expect(header!.split(", ")).toHaveLength(900 - more + 1);
    expect(header!.length).toBeLessThan(1_100);
  });

  test("compact and input_tokens ignore them too", () => {
    const compact = new UnknownParameters("ignore");
    expect(parseCompactRequest({ ...valid, zzz: 1 }, catalog, compact)).toEqual(valid);
    const tokens = new UnknownParameters("ignore");
    expect(parseBody(inputTokensRequestSchema, { tools: [{ ...look, zzz: 1 }] }, tokens)).toEqual({ tools: [look] });
    expect([headerOf(compact), headerOf(tokens)]).toEqual(["zzz", "tools[0].zzz"]);
  });
});

describe("rejected", () => {
  test.each([
    [{ zzz: 1 }, "zzz"],
    [{ tools: [{ ...look, zzz: 1 }] }, "tools[0].zzz"],
  ])("%j", (fields, param) => {
    expect(errorOf(() => read(fields, "refuse"))).toMatchObject({ param, code: "unknown_parameter" });
  });
});

describe("a provider's own parameters", () => {
  const extra = { top_k: 5, chat_template_kwargs: { enable_thinking: false, a: [null] } };
  const request = { model: "lab/m", input: "Hello" };

  test("are known for its models, and kept as sent", () => {
    expect(parseCreateRequest({ ...request, ...extra }, catalog)).toEqual({ ...request, extra_parameters: extra });
    expect(parseCompactRequest({ ...request, top_k: null }, catalog)).toEqual({
      ...request,
      extra_parameters: { top_k: null },
    });
    expect(parseCreateRequest(request, catalog)).toEqual(request);
  });

  test.each<[string, object, string]>([
    ["another provider's model", { ...valid, top_k: 5 }, "top_k"],
    ["an unknown model", { ...valid, model: "", top_k: 5 }, "top_k"],
    ["a name that it does not configure", { ...request, min_p: 0.1 }, "min_p"],
    ["the field that stores them", { ...request, extra_parameters: extra }, "extra_parameters"],
  ])("are unknown for %s", (_what, body, param) => {
    expect(errorOf(() => parseCreateRequest(body, catalog))).toMatchObject({ param, code: "unknown_parameter" });
  });

  test("are known for the model of a prompt", () => {
    const prompts = { modelOf: (prompt: unknown) => (prompt === valid ? "lab/m" : undefined) };
    const body = { prompt: { id: "p" }, top_k: 5 };
    const found = { modelOf: () => "lab/m" };
    expect(parseCreateRequest(body, catalog, { prompts: found })).toEqual({
      prompt: { id: "p" },
      extra_parameters: { top_k: 5 },
    });
    expect(errorOf(() => parseCreateRequest(body, catalog, { prompts }))).toMatchObject({ param: "top_k" });
  });
});
