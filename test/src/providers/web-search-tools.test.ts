import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import type { Tool } from "../../../src/protocol/tool.ts";
import type { ResolvedModel } from "../../../src/providers/catalog.ts";
import { findFirstUnavailableTool } from "../../../src/providers/unavailable-tools.ts";

const FUNCTION: Tool = { type: "function", name: "mine", parameters: {}, strict: null };
const PREVIEW: Tool = { type: "web_search_preview" };

function unavailabilityOf(tool: Tool, environment: Record<string, string> = {}, hosted: Tool["type"][] = []) {
  const provider = { name: "p", kind: "openai-responses", hosted_tools: hosted };
  const resolved = { provider, model: "m" } as unknown as ResolvedModel;
  return findFirstUnavailableTool([FUNCTION, tool], resolved, readConfig(environment));
}

test.each(["web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"] as const)(
  "%s needs a search engine, unless the provider has one",
  (type) => {
    const reason = "This server has no search engine. Set SEARXNG_URL, BRAVE_API_KEY or TAVILY_API_KEY.";
    expect(unavailabilityOf({ type })).toEqual({ index: 1, type, reason });
    expect(unavailabilityOf({ type }, {}, [type])).toBeUndefined();
  },
);

test.each<Record<string, string>>([
  { SEARXNG_URL: "http://s.example" },
  { BRAVE_API_KEY: "k" },
  { TAVILY_API_KEY: "k" },
])("%j configures a search engine", (environment) => {
  expect(unavailabilityOf(PREVIEW, environment)).toBeUndefined();
});

test("web search for images only is rejected", () => {
  const environment = { TAVILY_API_KEY: "k" };
  for (const tool of [PREVIEW, { type: "web_search" } as const]) {
    expect(unavailabilityOf({ ...tool, search_content_types: ["image"] }, environment)?.reason).toContain("text only");
    expect(unavailabilityOf({ ...tool, search_content_types: ["image", "text"] }, environment)).toBeUndefined();
  }
});

test("web search without the live web needs no engine", () => {
  const offline: Tool = { type: "web_search", external_web_access: false, search_content_types: ["image"] };
  expect(unavailabilityOf(offline)).toBeUndefined();
  expect(unavailabilityOf(offline, { TAVILY_API_KEY: "k" })).toBeUndefined();
  expect(unavailabilityOf({ ...offline, external_web_access: true })?.reason).toContain("no search engine");
});
