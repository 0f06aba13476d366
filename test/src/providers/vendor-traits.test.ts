/**
 * Vendors and their traits: how a vendor is found, how an operator overrides it, and that no other code names vendors.
 */
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  reasoningOriginOf,
  traitsOf,
  type VendorName,
  vendorNames,
  vendorOf,
} from "../../../src/providers/vendor-of.ts";
import { type VendorEntry, VENDORS } from "../../../src/providers/vendor-table.ts";
import { DEFAULT_TRAITS, traitsSchema } from "../../../src/providers/vendor-traits.ts";
import { withTables } from "../../providers-page/write.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const chat = (base_url: string) => ({ kind: "openai-compatible" as const, base_url });

describe("a vendor", () => {
  test.each<[string, VendorName]>([
    ["https://api.openai.com/v1", "openai"],
    ["https://api.mistral.ai/v1", "mistral"],
    ["https://codestral.mistral.ai/v1", "mistral"],
    ["https://api.deepseek.com", "deepseek"],
    ["https://api.deepseek.com/beta", "deepseek"],
    ["https://api.groq.com/openai/v1", "groq"],
    ["https://openrouter.ai/api/v1", "openrouter"],
    ["https://generativelanguage.googleapis.com/v1beta/openai", "gemini"],
    ["https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi", "gemini"],
    ["https://aiplatform.googleapis.com/v1/projects/p/locations/global/endpoints/openapi", "gemini"],
    ["https://api.anthropic.com/v1", "anthropic"],
    ["https://ollama.com/v1", "ollama"],
    ["https://API.MISTRAL.AI/v1", "mistral"],
    ["https://api.mistral.ai.example.com/v1", "generic"],
    ["https://notmistral.ai/v1", "generic"],
    ["http://10.0.0.5:8000/v1", "generic"],
    ["http://localhost:11434/v1", "generic"],
  ])("is found by its host: %s", (url, vendor) => {
    expect(vendorOf(chat(url))).toBe(vendor);
  });

  test("is the entry's, or else its protocol's default", () => {
    expect(vendorOf({ ...chat("https://api.mistral.ai/v1"), vendor: "vllm" })).toBe("vllm");
    const base_url = "https://proxy.example.com";
    expect(vendorOf({ kind: "anthropic", base_url })).toBe("anthropic");
    expect(vendorOf({ kind: "google", base_url: "https://generativelanguage.googleapis.com/v1beta" })).toBe("google");
    expect(vendorOf({ kind: "anthropic", base_url, vendor: "deepseek" })).toBe("deepseek");
  });

  test("has its own traits, overridden by the entry's", () => {
    expect(traitsOf(chat("http://x"))).toEqual(DEFAULT_TRAITS);
    const mistral = traitsOf({ ...chat("https://api.mistral.ai/v1"), traits: { think_tags: "opened" } });
    expect(mistral).toEqual({ ...traitsOf(chat("https://api.mistral.ai/v1")), think_tags: "opened" });
  });

  test("owns its models' state; for an unknown one the provider does", () => {
    expect(reasoningOriginOf({ ...chat("https://openrouter.ai/api/v1"), name: "a" }, "m")).toBe("openrouter/m");
    expect(reasoningOriginOf({ ...chat("http://x"), name: "lab" }, "m")).toBe("lab/m");
  });
});

describe("the table", () => {
  test.each(vendorNames)("has legal, non-default values for %s, each with its source", (name) => {
    const { traits }: VendorEntry = VENDORS[name];
    for (const [trait, [value, source]] of Object.entries(traits)) {
      expect(traitsSchema.partial().safeParse({ [trait]: value }).error).toBeUndefined();
      expect(source).toSatisfy((url: string) => URL.canParse(url));
    }
  });

  test("equals docs/vendor-traits.md", async () => {
    const page = await readFile(`${ROOT}docs/vendor-traits.md`, "utf8");
    expect(page, "run `npm run docs:providers`").toBe(withTables(page));
  });

  test("describes every trait", () => {
    const undescribed = Object.entries(traitsSchema.shape).filter(([, schema]) => !schema.description);
    expect(undescribed).toEqual([]);
  });
});

/** A vendor in a comparison, a `case`, or as a key of a table. Kinds of providers and the SDK's names do not count. */
const NAMES = vendorNames.filter((name) => !["anthropic", "google", "openai", "generic"].includes(name)).join("|");
const BRANCH = new RegExp(
  String.raw`["'\`](?:${NAMES})["'\`]|\b(?:${NAMES}):|\bvendor(?:Of\([^)]*\))? *[!=]==|[!=]== *vendor\b|["'\`][\w.]*(?:mistral\.ai|deepseek\.com|groq\.com|openrouter\.ai|googleapis\.com/v1beta/openai)`,
  "i",
);
const HOME = /^src\/providers\/vendor-(?:table|traits|of)\.ts$/;

test("no other file tests for a vendor by name or host", async () => {
  const files = globSync("{src,workers}/**/*.ts", { cwd: ROOT }).filter((file) => !HOME.test(file));
  expect(files.length).toBeGreaterThan(200);
  const found: string[] = [];
  for (const file of files) {
    const lines = (await readFile(`${ROOT}${file}`, "utf8")).split("\n");
    for (const [index, line] of lines.entries()) {
      const source = line.replace(/^\s*(?:\*|\/\*|\/\/).*$/, "");
      if (BRANCH.test(source)) found.push(`${file}:${index + 1}: ${line.trim()}`);
    }
  }
  expect(found).toEqual([]);
});

test.each([
  'if (vendor === "x") return;',
  'case "mistral":',
  "const WAYS = { deepseek: 1 };",
  'url.includes("api.groq.com")',
  "vendorOf(provider) === name",
])("the search finds: %s", (line) => {
  expect(line).toMatch(BRANCH);
});
