import { expect, test } from "vitest";
import { BoundedValues, ModelValues } from "../../../../src/telemetry/metrics/label-values.ts";

test("a label has a limited number of values", () => {
  const values = new BoundedValues(2);
  expect(["a", "b", "c", "a", "c"].map((each) => values.of(each))).toEqual(["a", "b", "other", "a", "other"]);
});

test("a long value counts as other, none as none", () => {
  const values = new BoundedValues();
  expect([values.of("x".repeat(101)), values.of(""), values.of(undefined)]).toEqual(["other", "none", "none"]);
  expect(values.of("x".repeat(100))).toBe("x".repeat(100));
});

/** `open` serves any name, `closed` a list, `simulator` completes any name. */
function openModels(): ModelValues {
  const providers = ["open", "closed", "simulator"];
  return new ModelValues({
    providers,
    listed: ["closed/egret", "simulator/default"],
    resolve: (name) => {
      const [provider, model] = name.includes("/") ? name.split("/") : ["open", name];
      if (!providers.includes(provider!) || (provider === "closed" && model !== "egret")) return undefined;
      return { provider: provider!, model: model!, canProve: provider !== "simulator" };
    },
  });
}

test("listed models have their own value", () => {
  const models = openModels();
  expect(["closed/egret", "simulator/default"].map((name) => models.of(name))).toEqual([
    "closed/egret",
    "simulator/default",
  ]);
  expect(models.of("closed/heron")).toBe("unknown");
});

test("an unlisted model needs a completed call", () => {
  const models = openModels();
  expect([models.of("open/heron"), models.of("heron")]).toEqual(["open/other", "open/other"]);
  models.prove("open", "heron");
  expect([models.of("open/heron"), models.of("heron"), models.of("open/stork")]).toEqual([
    "open/heron",
    "open/heron",
    "open/other",
  ]);
});

test("the simulator proves no name, and proofs have a limit", () => {
  const models = openModels();
  models.prove("simulator", "anything");
  expect(models.of("simulator/anything")).toBe("simulator/other");
  for (let i = 0; i < 200; i += 1) models.prove("open", `m${i}`);
  const values = new Set(Array.from({ length: 200 }, (_, i) => models.of(`open/m${i}`)));
  expect(values.size).toBe(101);
});
