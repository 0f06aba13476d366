import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import type { Tool } from "../../../src/protocol/tool.ts";
import { findFirstUnavailableTool } from "../../../src/providers/unavailable-tools.ts";

const provider = {
  name: "local",
  kind: "openai-responses" as const,
  base_url: "http://127.0.0.1/v1",
  headers: {},
  hosted_tools: [],
};

function reasonFor(tool: Tool, environment: NodeJS.ProcessEnv = {}): string | undefined {
  return findFirstUnavailableTool([tool], { provider, model: "m", contextWindow: undefined }, readConfig(environment))
    ?.reason;
}

describe("a code interpreter", () => {
  const tool = (container: Extract<Tool, { type: "code_interpreter" }>["container"]): Tool => ({
    type: "code_interpreter",
    container,
  });

  test.each<[string, Tool]>([
    ["a new container", tool({ type: "auto" })],
    [
      "limits and no files",
      tool({ type: "auto", file_ids: [], memory_limit: "4g", network_policy: { type: "disabled" } }),
    ],
    ["a named container", tool("cntr_abc")],
  ])("is available with %s", (_, wanted) => {
    expect(reasonFor(wanted)).toBeUndefined();
  });

  test("that is switched off is rejected with its setting", () => {
    expect(reasonFor(tool({ type: "auto" }), { CODE_INTERPRETER: "false" })).toContain("CODE_INTERPRETER=true");
  });

  test.each<[string, Tool]>([
    ["container.file_ids", tool({ type: "auto", file_ids: ["file-1"] })],
    [
      "container.network_policy",
      tool({ type: "auto", network_policy: { type: "allowlist", allowed_domains: ["a.b"] } }),
    ],
    ["cntr_", tool("mine")],
  ])("is rejected for an unsupported option, by its name: %s", (named, wanted) => {
    expect(reasonFor(wanted)).toContain(named);
  });
});

describe("image generation", () => {
  const IMAGES = { IMAGE_MODEL: "openai/gpt-image-1" };

  test("without a model is rejected with its setting", () => {
    expect(reasonFor({ type: "image_generation" })).toContain("IMAGE_MODEL");
    expect(reasonFor({ type: "image_generation", output_format: "webp" }, IMAGES)).toBeUndefined();
  });

  test.each<[string, Extract<Tool, { type: "image_generation" }>]>([
    ["png, jpeg or webp", { type: "image_generation", output_format: "svg" }],
    ["png, jpeg or webp", { type: "image_generation", svg: {} }],
    ["input_image_mask.file_id", { type: "image_generation", input_image_mask: { file_id: "file-1" } }],
  ])("is rejected for an unsupported option, by its name: %s", (named, tool) => {
    expect(reasonFor(tool, IMAGES)).toContain(named);
  });
});
