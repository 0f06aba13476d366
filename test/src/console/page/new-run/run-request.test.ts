import { describe, expect, test } from "vitest";
import { researchExample } from "../../../../../src/console/page/new-run/research-example.ts";
import { continueForm, EMPTY_FORM, toRequest } from "../../../../../src/console/page/new-run/run-request.ts";
import { createRequestSchema } from "../../../../../src/protocol/create-request.ts";
import { sampleResponse } from "../../../../support/samples.ts";

describe("a form", () => {
  test("sends only what its user chose", () => {
    expect(toRequest({ ...EMPTY_FORM, model: "a/b", input: "Hello" })).toEqual({
      model: "a/b",
      input: "Hello",
      background: true,
    });
  });

  test("makes a request that the server accepts", () => {
    const server = { label: "srv", url: "https://a.example/mcp", token: "t", asksFirst: true };
    const form = {
      ...EMPTY_FORM,
      model: "a/b",
      input: "x",
      searchesWeb: true,
      runsPython: true,
      effort: "low",
      servers: [server],
    };
    const request = toRequest({ ...form, after: "resp_0" });
    expect(createRequestSchema.safeParse(request).error?.issues).toBeUndefined();
    expect(request["tools"]).toEqual([
      { type: "web_search" },
      { type: "code_interpreter", container: { type: "auto" } },
      {
        type: "mcp",
        server_label: "srv",
        server_url: "https://a.example/mcp",
        authorization: "t",
        require_approval: "always",
      },
    ]);
  });

  test.each(["simulator/default", "mistral/large"])("has an example for %s", (model) => {
    const request = toRequest({ ...EMPTY_FORM, ...researchExample(model) });
    expect(createRequestSchema.safeParse(request).error?.issues).toBeUndefined();
  });

  test("continues a response with its model and tools", () => {
    const tools = [
      { type: "web_search" as const },
      { type: "mcp" as const, server_label: "srv", server_url: "https://a.example/mcp" },
    ];
    const response = sampleResponse({ tools, instructions: "Be brief." });
    expect(continueForm(response)).toMatchObject({
      model: response.model,
      instructions: "Be brief.",
      searchesWeb: true,
      runsPython: false,
      servers: [{ label: "srv", url: "https://a.example", token: "" }],
      after: response.id,
    });
  });
});
