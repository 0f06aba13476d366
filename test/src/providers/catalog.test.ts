/** Which models exist, from the environment and the providers file, and how errors in the file are reported. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";
import {
  type AiSdkProvider,
  continuationModeOf,
  type ProviderCatalog,
  readProviderCatalog,
} from "../../../src/providers/catalog.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "background-responses-providers-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

async function catalogOf(file: string | object, environment: NodeJS.ProcessEnv = {}): Promise<ProviderCatalog> {
  const path = join(folder, "providers.json");
  await writeFile(path, typeof file === "string" ? file : JSON.stringify(file, null, 2));
  return readProviderCatalog(readConfig({ PROVIDERS_FILE: path, ...environment }));
}

async function errorOf(file: string | object): Promise<string> {
  const error: unknown = await catalogOf(file).catch((refusal: unknown) => refusal);
  expect(error).toBeInstanceOf(ConfigurationError);
  return (error as ConfigurationError).message.replace(join(folder, "providers.json"), "FILE");
}

describe("the environment", () => {
  test.each([
    ["OPENAI_API_KEY", "openai", "openai-responses", "https://api.openai.com/v1"],
    ["ANTHROPIC_API_KEY", "anthropic", "anthropic", "https://api.anthropic.com/v1"],
    ["GOOGLE_GENERATIVE_AI_API_KEY", "google", "google", "https://generativelanguage.googleapis.com/v1beta"],
    ["GEMINI_API_KEY", "google", "google", "https://generativelanguage.googleapis.com/v1beta"],
  ])("makes a vendor from a key: %s", (api_key_env, name, kind, base_url) => {
    const catalog = readProviderCatalog(readConfig({ [api_key_env]: "secret" }));
    const model = { model: "some/model", provider: { name, kind, base_url, api_key_env, headers: {} } };
    expect(catalog.resolve(`${name}/some/model`)).toMatchObject(model);
    expect(catalog.resolve("some/model"), "it is also the default").toMatchObject(model);
    expect(catalog.find(`${name}/some/model`)).toMatchObject({ owned_by: name });
  });

  test("without a key has only the simulator, which needs its prefix", () => {
    const catalog = readProviderCatalog(readConfig({}));
    expect(catalog.list().map((model) => model.id)).toEqual(["simulator/default"]);
    expect(catalog.resolve("gpt-5")).toBeUndefined();
    expect(catalog.resolve("anthropic/claude")).toBeUndefined();
  });
});

describe("the providers file", () => {
  const LAB = { kind: "openai-compatible", base_url: "http://10.0.0.5:8000/v1", models: ["qwen3", "org/phi"] };

  test.each(["openai-compatible", "openai-responses", "anthropic", "google"])(
    "of a vendor without its key is rejected by line: %s",
    async (kind) => {
      const file = { providers: { ready: LAB, lab: { kind, base_url: LAB.base_url, api_key_env: "LAB_KEY" } } };
      for (const environment of [{}, { LAB_KEY: "" }, { LAB_KEY: " " }]) {
        const refusal: unknown = await catalogOf(file, environment).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(ConfigurationError);
        expect((refusal as Error).message).toMatch(
          /line 14: providers\.lab\.api_key_env: the variable LAB_KEY is not set/,
        );
      }
      expect((await catalogOf(file, { LAB_KEY: "x" })).resolve("lab/some")?.provider.name).toBe("lab");
    },
  );

  test.each(["openai-compatible", "openai-responses"])("lets %s name its own parameters", async (kind) => {
    const catalog = await catalogOf({ providers: { lab: { ...LAB, kind, extra_parameters: ["top_k", "x.y-z"] } } });
    expect(catalog.resolve("lab/qwen3")?.provider).toMatchObject({ extra_parameters: ["top_k", "x.y-z"] });
  });

  test.each([
    "model",
    "messages",
    "stream",
    "tools",
    "temperature",
    "client_metadata",
    "max_tokens",
    "response_format",
    "reasoningEffort",
    "__proto__",
    "constructor",
  ])("refuses a parameter that has a meaning already: %s", async (name) => {
    const refusal = await errorOf({ providers: { lab: { ...LAB, extra_parameters: ["top_k", name] } } });
    const place = "line 12: providers.lab.extra_parameters.1: ";
    expect(refusal).toContain(`${place}is a parameter of this API, or is set by this server`);
  });

  test.each(["", "two words", "1st", "x".repeat(65)])("refuses a name that is none: %j", async (name) => {
    expect(await errorOf({ providers: { lab: { ...LAB, extra_parameters: [name] } } })).toContain(
      "line 11: providers.lab.extra_parameters.0: is not a valid parameter name",
    );
  });

  test.each(["anthropic", "google"])("refuses them for %s, whose bodies an SDK writes", async (kind) => {
    expect(await errorOf({ providers: { v: { kind, extra_parameters: ["top_k"] } } })).toContain(
      "line 5: providers.v.extra_parameters: only providers of the kinds openai-compatible and openai-responses accept extra_parameters",
    );
  });

  test("adds vendors of every kind, and lists its models", async () => {
    const providers = {
      lab: LAB,
      claude: { kind: "anthropic", models: ["claude-opus"] },
      gemini: { kind: "google" },
      other: { kind: "openai-responses", base_url: "http://10.0.0.6/v1", headers: { "x-a": "b" } },
      demo: { kind: "simulator" },
    };
    const catalog = await catalogOf({ default: "lab", providers }, { SIMULATOR: "false" });
    expect(catalog.list().map((model) => model.id)).toEqual([
      "lab/qwen3",
      "lab/org/phi",
      "claude/claude-opus",
      "demo/default",
    ]);
    expect(catalog.resolve("qwen3")?.provider.name).toBe("lab");
    expect(catalog.resolve("org/phi")?.model).toBe("org/phi");
    expect(catalog.resolve("lab/gpt")).toBeUndefined();
    expect(catalog.resolve("gemini/any")?.provider).toMatchObject({ kind: "google" });
  });

  test("replaces a vendor of the environment", async () => {
    const providers = { anthropic: { kind: "anthropic", base_url: "http://proxy/v1", models: ["claude"] } };
    const catalog = await catalogOf({ providers }, { ANTHROPIC_API_KEY: "secret" });
    expect(catalog.resolve("claude")?.provider).toMatchObject({ base_url: "http://proxy/v1" });
    expect(catalog.resolve("anthropic/other")).toBeUndefined();
  });

  test("uses each vendor's way of continuing a text by default", async () => {
    const at = (base_url: string, rest: object = {}) => ({ kind: "openai-compatible", base_url, ...rest });
    const catalog = await catalogOf({
      providers: {
        mistral: at("https://api.mistral.ai/v1"),
        lab: at("http://lab", { vendor: "vllm", models: ["a", { name: "b", continuation: "none" }] }),
        proxy: at("https://api.mistral.ai/v1", { continuation: "none" }),
        other: at("http://other"),
        messages: { kind: "anthropic", base_url: "http://lab", vendor: "vllm" },
      },
    });
    const ways = ["mistral/m", "lab/a", "lab/b", "proxy/m", "other/m", "messages/m"].map((name) => {
      const { provider, model } = catalog.resolve(name)!;
      return continuationModeOf(provider as AiSdkProvider, model);
    });
    expect(ways).toEqual(["prefix", "continue_final_message", undefined, undefined, undefined, undefined]);
  });

  test("sets how a vendor or one of its models continues a text", async () => {
    const models = ["a", { name: "b", continuation: "none" }, { name: "c", continuation: "continue_final_message" }];
    const providers = {
      lab: { ...LAB, models, continuation: "prefix" },
      silent: { ...LAB, models: [{ name: "a", continuation: "assistant_message" }, "b"] },
      claude: { kind: "anthropic", continuation: "assistant_message" },
      gemini: { kind: "google" },
    };
    const catalog = await catalogOf({ providers });
    const ways = ["lab/a", "lab/b", "lab/c", "silent/a", "silent/b", "claude/any", "gemini/any"].map((name) => {
      const { provider, model } = catalog.resolve(name)!;
      return continuationModeOf(provider as AiSdkProvider, model);
    });
    expect(ways).toEqual([
      "prefix",
      undefined,
      "continue_final_message",
      "assistant_message",
      undefined,
      "assistant_message",
      undefined,
    ]);
  });

  test.each<[what: string, file: string | object, message: string]>([
    ["is not JSON", '{\n  "providers": {\n    lab: {}\n  }\n}', "is not JSON: line 3."],
    [
      "has a word without quotes",
      '{\n  "providers": {\n    "lab": { "kind": anthropic }\n  }\n}\n',
      "is not JSON: line 3.",
    ],
    ["begins with a byte order mark", '\ufeff{\n  "providers": {}\n}\n', "is not JSON: line 1."],
    ["ends too early", '{\n  "providers": {\n', "is not JSON: line 3."],
    ["is not an object", "[]", "is not valid. line 1: file: Invalid input: expected object, received array"],
    ["has no vendors", "{}", "is not valid. line 1: providers: Invalid input: expected record, received undefined"],
    [
      "has an unknown kind",
      { providers: { lab: LAB, x: { base_url: "http://a", kind: "ollama" } } },
      "is not valid. line 13: providers.x.kind: must be one of openai-responses, openai-compatible, anthropic, google, simulator",
    ],
    [
      "misspells a field",
      { providers: { lab: { ...LAB, api_key: "sk-secret" } } },
      "is not valid. line 10: providers.lab.api_key: unknown",
    ],
    [
      "has an invalid address",
      { providers: { lab: { kind: "openai-compatible", base_url: "10.0.0.5:8000" } } },
      "is not valid. line 5: providers.lab.base_url: Invalid URL",
    ],
    [
      "lacks an address",
      { providers: { lab: { kind: "openai-compatible" } } },
      "is not valid. line 3: providers.lab.base_url: Invalid input: expected string, received undefined",
    ],
    [
      "has an unknown continuation",
      { providers: { lab: { ...LAB, continuation: "prefil" } } },
      'is not valid. line 10: providers.lab.continuation: Invalid option: expected one of "none"|' +
        '"continue_final_message"|"prefix"|"assistant_message"',
    ],
    [
      "has a continuation of another kind",
      { providers: { claude: { kind: "anthropic", continuation: "prefix" } } },
      'is not valid. line 5: providers.claude.continuation: Invalid option: expected one of "none"|"assistant_message"',
    ],
    [
      "has a continuation for a kind without any",
      { providers: { a: { kind: "google", continuation: "prefix", models: [{ name: "b", continuation: "prefix" }] } } },
      "is not valid. line 9: providers.a.models.0.continuation: unknown; line 5: providers.a.continuation: unknown",
    ],
    [
      "has an unknown continuation for a model",
      { providers: { lab: { ...LAB, models: ["a", { name: "b", continuation: true }] } } },
      'is not valid. line 10: providers.lab.models.1.continuation: Invalid option: expected one of "none"|' +
        '"continue_final_message"|"prefix"|"assistant_message"',
    ],
    [
      "has an unknown vendor",
      { providers: { lab: { ...LAB, vendor: "mistrl" } } },
      'is not valid. line 10: providers.lab.vendor: Invalid option: expected one of "openai"|"vllm"|"sglang"|"ollama"|' +
        '"llamacpp"|"lmstudio"|"mistral"|"deepseek"|"groq"|"cerebras"|"moonshot"|"openrouter"|"gemini"|"anthropic"|' +
        '"google"|"generic"',
    ],
    [
      "has an unknown trait",
      { providers: { lab: { ...LAB, traits: { think_tags: "opened", thinktags: true } } } },
      "is not valid. line 12: providers.lab.traits.thinktags: unknown",
    ],
    [
      "has an invalid value for a trait",
      { providers: { lab: { ...LAB, traits: { think_tags: true, parameters_left_out: "user" } } } },
      'is not valid. line 11: providers.lab.traits.think_tags: Invalid option: expected one of "none"|"written"|"opened"; ' +
        "line 12: providers.lab.traits.parameters_left_out: Invalid input: expected array, received string",
    ],
    [
      "has a trait with its own field",
      { providers: { lab: { ...LAB, traits: { continuation: "prefix" } } } },
      "is not valid. line 11: providers.lab.traits.continuation: unknown",
    ],
    [
      "has a vendor for a kind without any",
      { providers: { a: { kind: "openai-responses", base_url: "http://a", vendor: "vllm" } } },
      "is not valid. line 6: providers.a.vendor: unknown",
    ],
    [
      "has an invalid model",
      { providers: { lab: { ...LAB, models: [5] } } },
      "is not valid. line 7: providers.lab.models.0: Invalid input",
    ],
    [
      "has an empty name in a list",
      { providers: { lab: { ...LAB, models: ["a", ""] } } },
      "is not valid. line 8: providers.lab.models.1: Too small: expected string to have >=1 characters",
    ],
    [
      "has an invalid provider name",
      { providers: { "My Lab": LAB } },
      "is not valid. line 3: providers.My Lab: only lower-case letters, digits, ., _ and - are allowed",
    ],
    [
      "has an invalid header",
      { providers: { lab: { ...LAB, headers: { "x team": "a", "x-team": "a\nb" } } } },
      "is not valid. line 11: providers.lab.headers.x team: is not a valid header name; " +
        "line 12: providers.lab.headers.x-team: has a character that is not allowed in headers",
    ],
    [
      "has an unknown default",
      { providers: { lab: LAB }, default: "lap" },
      "is not valid. line 12: default: the provider 'lap' is not configured",
    ],
    [
      "falls back to an unknown model",
      { providers: { lab: { ...LAB, fallbacks: ["lab/qwen3", "lab/none"] } } },
      "is not valid. line 12: providers.lab.fallbacks.1: the model 'lab/none' is not configured",
    ],
  ])("that %s is rejected by its line", async (_what, file, message) => {
    expect(await errorOf(file)).toBe(`PROVIDERS_FILE: FILE ${message}`);
  });

  test("is rejected with all its errors at once", async () => {
    const refusal = await errorOf({ providers: { a: { kind: "x" }, b: { kind: "google", base_url: 1 } } });
    expect(refusal).toMatch(/line 4: providers\.a\.kind: .+; line 8: providers\.b\.base_url: /);
  });

  test("accepts a default from the environment, and an unknown one names its setting", () => {
    const read = () => readProviderCatalog(readConfig({ DEFAULT_PROVIDER: "lap" }));
    expect(read).toThrow("DEFAULT_PROVIDER: the provider 'lap' is not configured.");
  });

  test("that cannot be read is named", () => {
    expect(() => readProviderCatalog(readConfig({ PROVIDERS_FILE: "/none" }))).toThrow(
      "PROVIDERS_FILE: /none cannot be read.",
    );
  });
});
