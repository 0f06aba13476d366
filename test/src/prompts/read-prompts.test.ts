/** The folder of templates is read at the start, and errors name their file. */
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { ConfigurationError } from "../../../src/config/configuration-error.ts";
import type { PromptCatalog } from "../../../src/prompts/prompt-catalog.ts";
import { readPrompts } from "../../../src/prompts/read-prompts.ts";
import { readProviderCatalog } from "../../../src/providers/catalog.ts";
import { PromptFolder } from "../../support/prompt-files.ts";

function read(folder: string | undefined): PromptCatalog {
  const config = readConfig(folder === undefined ? {} : { PROMPTS_FOLDER: folder });
  return readPrompts(config, readProviderCatalog(config));
}

function errorOf(folder: string): string {
  try {
    read(folder);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  throw new Error("The folder was accepted.");
}

const notFound = (message: string) => expect.objectContaining({ status: 404, param: null, code: null, message });

describe("the chosen version", () => {
  const prompt = async (versions: readonly string[], about?: unknown) => {
    const folder = await PromptFolder.create(about === undefined ? {} : { "pmpt_a/prompt.json": about });
    for (const version of versions)
      await folder.write(`pmpt_a/${version}.json`, { instructions: `Version ${version}` });
    return folder;
  };

  test.each<[string, string[], unknown, string | null, string]>([
    ["the highest number, in numeric order", ["2", "10", "9"], undefined, null, "10"],
    ["a number before any name", ["1", "zebra", "01", "2-draft"], undefined, null, "1"],
    ["the configured default", ["1", "2", "stable"], { default: "stable" }, null, "stable"],
    ["the requested one", ["1", "2", "stable"], { default: "stable" }, "1", "1"],
    ["a name", ["1", "a.b-c_d"], undefined, "a.b-c_d", "a.b-c_d"],
    ["0", ["0"], undefined, null, "0"],
  ])("is %s", async (_name, versions, about, asked, expected) => {
    await using folder = await prompt(versions, about);
    expect(read(folder.path).find("pmpt_a", asked)).toMatchObject({
      version: expected,
      messages: [{ role: "developer", parts: [{ pieces: [`Version ${expected}`] }] }],
    });
  });

  test.each(["2", "01", "", "../pmpt_a/1", "constructor", "__proto__", "prompt"])("is not %j", async (asked) => {
    await using folder = await prompt(["1"], { default: "1" });
    const prompts = read(folder.path);
    const message = `Prompt with id 'pmpt_a' and version '${asked}' not found.`;
    expect(() => prompts.find("pmpt_a", asked)).toThrow(notFound(message));
  });
});

test("without a folder, or for an unknown id, there is no prompt", async () => {
  await using folder = await PromptFolder.create({ "pmpt_a/1.json": {} });
  for (const prompts of [read(undefined), read(folder.path)]) {
    for (const id of ["pmpt_x", "", "__proto__", "constructor"]) {
      expect(() => prompts.find(id, "1")).toThrow(notFound(`Prompt with id '${id}' not found.`));
    }
  }
});

test("other files are ignored, and the folder may be a link, as in Kubernetes", async () => {
  await using folder = await PromptFolder.create({
    "README.md": "# Prompts",
    ".git/config": "",
    "..data/pmpt_a/1.json": { instructions: "Linked" },
    "pmpt_b/1.json": { instructions: "Plain" },
    "pmpt_b/notes.txt": "",
    "pmpt_b/.1.json.swp": "",
  });
  await symlink(join(folder.path, "..data/pmpt_a"), join(folder.path, "pmpt_a"));
  const prompts = read(folder.path);
  expect(["pmpt_a", "pmpt_b"].map((id) => prompts.find(id, null).version)).toEqual(["1", "1"]);
});

test("every default in a template is taken over as it is", async () => {
  const defaults = {
    model: "simulator/default",
    tools: [{ type: "function", name: "f", parameters: { type: "object", properties: { zzz: {} } } }],
    tool_choice: { type: "function", name: "f" },
    text: { format: { type: "json_schema", name: "n", schema: { zzz: 1 } }, verbosity: "low" },
    temperature: 0.5,
    top_p: 0.5,
    reasoning: { effort: "low", summary: "auto" },
    max_output_tokens: 16,
    include: ["reasoning.encrypted_content"],
    parallel_tool_calls: false,
    service_tier: null,
  };
  await using folder = await PromptFolder.create({ "pmpt_a/1.json": defaults });
  expect(read(folder.path).find("pmpt_a", null).defaults).toEqual(defaults);
});

const inTemplate = (template: unknown): Record<string, unknown> => ({ "pmpt_a/1.json": template });
const inMessage = (message: object) => inTemplate({ messages: [{ role: "user", content: "x" }, message] });

test.each<[string, Record<string, unknown>, string, string]>([
  ["not JSON", inTemplate("{"), "pmpt_a/1.json", "JSON"],
  ["not an object", inTemplate([]), "pmpt_a/1.json", "file: "],
  ["an unknown key", inTemplate({ instruction: "x" }), "pmpt_a/1.json", "line 1: instruction: unknown"],
  ["an unknown key, inside", inTemplate({ reasoning: { efort: "low" } }), "pmpt_a/1.json", "reasoning.efort"],
  [
    "an unknown key of a tool",
    inTemplate({ tools: [{ type: "mcp", server_label: "s", zzz: 1 }] }),
    "pmpt_a/1.json",
    "tools.0.zzz",
  ],
  [
    "an unknown key of a message",
    inMessage({ role: "user", content: "x", name: "n" }),
    "pmpt_a/1.json",
    "messages.1.name",
  ],
  [
    "an unknown key of a part",
    inMessage({ role: "user", content: [{ type: "input_text", text: "x", zzz: 1 }] }),
    "pmpt_a/1.json",
    "messages.1.content.0.zzz",
  ],
  ["an invalid key", inTemplate('{"__proto__": {"model": "m"}}'), "pmpt_a/1.json", "__proto__"],
  ["a parameter of requests only", inTemplate({ store: false }), "pmpt_a/1.json", "line 1: store: unknown"],
  ["a prompt in a prompt", inTemplate({ prompt: { id: "pmpt_a" } }), "pmpt_a/1.json", "line 1: prompt: unknown"],
  ["a value out of its bounds", inTemplate({ temperature: 3 }), "pmpt_a/1.json", "temperature: "],
  ["an unknown model", inTemplate({ model: "gpt-nope" }), "pmpt_a/1.json", "model: 'gpt-nope'"],
  ["an unknown role", inMessage({ role: "tool", content: "x" }), "pmpt_a/1.json", "messages.1.role"],
  ["an assistant's image", inMessage({ role: "assistant", content: [] }), "pmpt_a/1.json", "messages.1.content"],
  ["no content", inMessage({ role: "user", content: [] }), "pmpt_a/1.json", "messages.1.content"],
  [
    "braces without a placeholder",
    inMessage({ role: "user", content: "{{a b}}" }),
    "pmpt_a/1.json",
    "messages.1.content.0.text: '{{a b}}'",
  ],
  ["the same in instructions", inTemplate({ instructions: "{{" }), "pmpt_a/1.json", "instructions: '{{'"],
  ["no version at all", { "pmpt_a/notes.txt": "" }, "pmpt_a", "must name the default"],
  ["no number and no default", { "pmpt_a/draft.json": {} }, "pmpt_a", "must name the default"],
  ["a missing default", { "pmpt_a/1.json": {}, "pmpt_a/prompt.json": { default: "2" } }, "pmpt_a/prompt.json", "'2'"],
  [
    "an unknown key beside the default",
    { "pmpt_a/1.json": {}, "pmpt_a/prompt.json": { default: "1", x: 1 } },
    "pmpt_a/prompt.json",
    "line 1: x: unknown",
  ],
  ["an invalid version name", { "pmpt_a/1 (copy).json": {} }, "pmpt_a/1 (copy).json", "a version's name"],
  ["an invalid folder name", { "prompt_a/1.json": {} }, "prompt_a", "pmpt_"],
])("%s is rejected with file, path and reason", async (_name, files, path, reason) => {
  await using folder = await PromptFolder.create(files);
  const error = errorOf(folder.path);
  expect(error).toMatch(/^PROMPTS_FOLDER: /);
  expect(error).toContain(` ${join(folder.path, path)} `);
  expect(error).toContain(reason);
});

test("a missing folder and a dangling link are errors", async () => {
  await using folder = await PromptFolder.create({ "pmpt_a/1.json": {} });
  expect(errorOf(join(folder.path, "none"))).toContain(join(folder.path, "none"));
  await symlink(join(folder.path, "none"), join(folder.path, "pmpt_b"));
  expect(errorOf(folder.path)).toContain(join(folder.path, "pmpt_b"));
});

test("an error inside an item names its line", async () => {
  const messages = [
    { role: "user", content: "a" },
    { role: "user", content: [{ type: "input_text", text: "x", zzz: 1 }] },
  ];
  await using folder = await PromptFolder.create({ "pmpt_a/1.json": JSON.stringify({ messages }, null, 2) });
  expect(errorOf(folder.path)).toContain("line 13: messages.1.content.0.zzz: unknown");
});
