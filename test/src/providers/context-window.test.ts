/** Context windows and token counters in the providers file. */
import { expect, test } from "vitest";
import { type Provider, ProviderCatalog } from "../../../src/providers/catalog.ts";

const lab: Provider = {
  name: "lab",
  kind: "openai-responses",
  base_url: "http://127.0.0.1:1/v1",
  headers: {},
  context_window: 32_000,
  models: ["plain", { name: "large", context_window: 200_000 }, { name: "same" }],
};
const catalog = new ProviderCatalog([lab, { name: "simulator", kind: "simulator", context_window: 4_000 }]);

test.each([
  ["lab/plain", 32_000],
  ["lab/large", 200_000],
  ["lab/same", 32_000],
  ["large", 200_000],
  ["simulator/default", 4_000],
])("the window of %s is %i", (model, tokens) => {
  expect(catalog.resolve(model)?.contextWindow).toBe(tokens);
});

test("is unknown unless configured", () => {
  const silent = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
  expect(silent.resolve("simulator/default")?.contextWindow).toBeUndefined();
});

test("models are listed by name, in every notation", () => {
  expect(catalog.list().map(({ id }) => id)).toEqual(["lab/plain", "lab/large", "lab/same", "simulator/default"]);
  expect(catalog.resolve("lab/other")).toBeUndefined();
});
