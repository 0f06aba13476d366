import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import type { Tool } from "../../../src/protocol/tool.ts";
import type { Provider } from "../../../src/providers/catalog.ts";
import { findFirstUnavailableTool } from "../../../src/providers/unavailable-tools.ts";

const OPENAI = { name: "openai", kind: "openai-responses" as const, base_url: "http://127.0.0.1/v1", headers: {} };
const FILE_SEARCH: Tool = { type: "file_search", vector_store_ids: ["vs_1"] };
const MINE: Tool = { type: "function", name: "mine", parameters: {} };

const find = (provider: Provider, ...tools: Tool[]) =>
  findFirstUnavailableTool(tools, { provider, model: "m", contextWindow: undefined }, readConfig({}));

test("a tool that its provider runs is accepted", () => {
  expect(find(OPENAI, FILE_SEARCH)).toBeUndefined();
  expect(find({ ...OPENAI, hosted_tools: ["file_search"] }, FILE_SEARCH)).toBeUndefined();
});

test("a tool that no one runs is rejected by its index", () => {
  const rejected = { index: 1, type: "file_search", reason: expect.stringContaining("no vector stores") };
  expect(find({ ...OPENAI, hosted_tools: [] }, MINE, FILE_SEARCH)).toMatchObject(rejected);
});

test("a shell runs at the client, unless it asks for a container", () => {
  const provider = { ...OPENAI, hosted_tools: [] };
  expect(find(provider, { type: "shell" }, { type: "shell", environment: { type: "local" } })).toBeUndefined();
  expect(find(provider, { type: "shell", environment: { type: "container_auto" } })).toMatchObject({ index: 0 });
});

test("the simulator ignores tools that no one runs", () => {
  expect(find({ name: "simulator", kind: "simulator" }, FILE_SEARCH)).toBeUndefined();
});
