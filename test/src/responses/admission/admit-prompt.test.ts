/** A request that names a prompt: what is recorded, and which error comes first (contract.md#order-of-errors). */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import type { PromptCatalog } from "../../../../src/prompts/prompt-catalog.ts";
import { readPrompts } from "../../../../src/prompts/read-prompts.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import { newId } from "../../../../src/protocol/id.ts";
import { responseSchema } from "../../../../src/protocol/response.ts";
import { readProviderCatalog } from "../../../../src/providers/catalog.ts";
import { loadModelInput } from "../../../../src/responses/conversations/model-input.ts";
import { createAdmission } from "../../../support/admission.ts";
import { PromptFolder } from "../../../support/prompt-files.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";

const TOOL = { type: "function", name: "look" };

let storage: TestStorage;
let folder: PromptFolder;
let prompts: PromptCatalog;

beforeAll(async () => {
  storage = await openTestStorage();
  folder = await PromptFolder.create({
    "pmpt_birds/1.json": { instructions: "Old." },
    "pmpt_birds/2.json": {
      model: "simulator/default",
      temperature: 0.2,
      text: { verbosity: "low" },
      tools: [TOOL],
      instructions: "You watch birds in {{place}}.",
      messages: [
        { role: "user", content: "What is on {{photo}}?" },
        { role: "assistant", content: "A heron." },
      ],
    },
    "pmpt_flex/1.json": { model: "simulator/default", service_tier: "flex" },
    "pmpt_settings/1.json": { model: "simulator/default", top_p: 0.5 },
  });
  prompts = readNow();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

function readNow(): PromptCatalog {
  const config = readConfig({ PROMPTS_FOLDER: folder.path });
  return readPrompts(config, readProviderCatalog(config));
}

function admit(request: CreateRequest, idempotencyKey?: string, from = prompts) {
  const sent = { background: true, ...request };
  return createAdmission(storage, { prompts: from }).admit({ project: "default", request: sent, idempotencyKey });
}

async function admitted(request: CreateRequest) {
  const { id, json } = await admit(request);
  const response = responseSchema.parse(JSON.parse(json));
  expect(response).toEqual(JSON.parse(json));
  return { id, response, ...(await loadModelInput(storage, id))! };
}

const VARIABLES = { place: "the reeds", photo: { type: "input_image" as const, file_id: "file_1" } };
const BIRDS = { id: "pmpt_birds", variables: VARIABLES };
const text = (value: string) => ({ type: "input_text", text: value });
const MESSAGES = [
  { type: "message", role: "developer", content: [text("You watch birds in the reeds.")] },
  {
    type: "message",
    role: "user",
    content: [text("What is on "), { type: "input_image", file_id: "file_1", detail: "auto" }, text("?")],
  },
  { type: "message", role: "assistant", content: "A heron." },
];

describe("a request with a prompt", () => {
  test("is shown and run with the prompt's parameters", async () => {
    const { id, response, request, preamble, input } = await admitted({ prompt: BIRDS, input: "And now?" });
    expect(response).toMatchObject({
      model: "simulator/default",
      temperature: 0.2,
      top_p: 1,
      text: { format: { type: "text" }, verbosity: "low" },
      tools: [TOOL],
      instructions: MESSAGES,
      prompt: { id: "pmpt_birds", version: "2", variables: { place: "the reeds", photo: { detail: "auto" } } },
    });
    expect(request).toMatchObject({ model: "simulator/default", temperature: 0.2, tools: [TOOL] });
    expect(request).not.toHaveProperty("instructions");
    expect(preamble).toEqual(MESSAGES);
    expect(input).toMatchObject([{ role: "user", content: [text("And now?")] }]);
    expect(await storage.records.readInput(id)).toMatchObject([{ content: [text("And now?")] }]);
  });

  test("needs no input, and may name a version", async () => {
    const { response, preamble, input } = await admitted({
      model: "simulator/other",
      prompt: { id: "pmpt_birds", version: "1" },
    });
    expect(response).toMatchObject({
      model: "simulator/other",
      prompt: { id: "pmpt_birds", version: "1", variables: null },
      instructions: [{ role: "developer", content: [text("Old.")] }],
      temperature: 1,
    });
    expect(preamble).toEqual(response.instructions);
    expect(input).toEqual([]);
  });

  test("overrides the prompt; null counts as absent", async () => {
    const overrides = {
      model: "simulator/mine",
      temperature: null,
      text: { format: { type: "json_object" as const } },
      tools: [],
    };
    const { response, request, preamble, input } = await admitted({
      ...overrides,
      prompt: BIRDS,
      input: "Hi",
      instructions: "Mine.",
    });
    expect(response).toMatchObject({
      model: "simulator/mine",
      temperature: 0.2,
      text: { format: { type: "json_object" }, verbosity: "medium" },
      tools: [],
      instructions: "Mine.",
    });
    expect(request).toMatchObject({ instructions: "Mine." });
    expect(preamble).toEqual([]);
    expect(input).toMatchObject([{ content: [text("Hi")] }]);
  });

  test("may use a prompt that has only settings", async () => {
    const { response } = await admitted({ prompt: { id: "pmpt_settings" }, input: "Hi" });
    expect(response).toMatchObject({ instructions: null, top_p: 0.5, prompt: { version: "1" } });
  });
});

describe("is rejected for", () => {
  const prompt = BIRDS;
  test.each<[string, CreateRequest, object]>([
    [
      "an unknown prompt",
      { prompt: { id: "pmpt_x" } },
      { status: 404, param: null, code: null, message: "Prompt with id 'pmpt_x' not found." },
    ],
    [
      "an unknown version",
      { prompt: { id: "pmpt_birds", version: "7" } },
      { status: 404, param: null, code: null, message: "Prompt with id 'pmpt_birds' and version '7' not found." },
    ],
    [
      "a missing variable",
      { prompt: { id: "pmpt_birds", variables: { photo: "x" } } },
      {
        status: 400,
        param: "prompt.variables.place",
        code: "missing_required_parameter",
        message: "Missing required parameter: 'prompt.variables.place'.",
      },
    ],
    [
      "an unknown variable",
      { prompt: { id: "pmpt_birds", variables: { ...VARIABLES, zzz: "" } } },
      {
        status: 400,
        param: "prompt.variables.zzz",
        code: "unknown_parameter",
        message: "Unknown parameter: 'prompt.variables.zzz'.",
      },
    ],
    [
      "no model in request or prompt",
      { prompt: { id: "pmpt_birds", version: "1" } },
      {
        status: 400,
        param: "model",
        code: "missing_required_parameter",
        message: "Missing required parameter: 'model'.",
      },
    ],
    [
      "a completion window with the prompt's service_tier",
      { prompt: { id: "pmpt_flex" }, input: "Hi", background_options: { completion_window: "8h" } },
      {
        status: 400,
        param: "background_options.completion_window",
        code: "unsupported_value",
        message:
          "Unsupported value: 'background_options.completion_window' does not support '8h' with 'service_tier': 'flex'.",
      },
    ],
    [
      "a conversation before a prompt",
      { prompt: { id: "pmpt_x" }, conversation: "conv_x" },
      { status: 404, message: "Conversation with id 'conv_x' not found." },
    ],
    [
      "a prompt before a previous response",
      { prompt: { id: "pmpt_x" }, previous_response_id: "resp_x" },
      { status: 404, message: "Prompt with id 'pmpt_x' not found." },
    ],
    [
      "a previous response after the prompt",
      { prompt, previous_response_id: "resp_x" },
      { code: "previous_response_not_found" },
    ],
  ])("%s", async (_name, request, error) => {
    const before = await storage.redis.zcard(storage.layout.inFlight);
    await expect(admit(request)).rejects.toMatchObject(error);
    expect(await storage.redis.zcard(storage.layout.inFlight)).toBe(before);
  });
});

test("an Idempotency-Key compares the request as sent, whatever its prompt is now", async () => {
  await using changing = await PromptFolder.create({
    "pmpt_a/1.json": { model: "simulator/default", instructions: "One." },
  });
  const readChanging = () => {
    const config = readConfig({ PROMPTS_FOLDER: changing.path });
    return readPrompts(config, readProviderCatalog(config));
  };
  const key = newId("req");
  const request: CreateRequest = { prompt: { id: "pmpt_a" }, input: "Hi" };
  const first = await admit(request, key, readChanging());
  await changing.write("pmpt_a/2.json", { model: "simulator/default", instructions: "Two." });
  const second = await admit(request, key, readChanging());
  expect(second).toMatchObject({ id: first.id, isReplay: true });
  await changing.remove("pmpt_a");
  const third = await admit(request, key, readChanging());
  expect(third).toMatchObject({ id: first.id, isReplay: true });
  expect(JSON.parse(third.json)).toMatchObject({
    prompt: { version: "1" },
    instructions: [{ content: [text("One.")] }],
  });
  await expect(
    admit({ ...request, prompt: { id: "pmpt_a", version: "1" } }, key, readChanging()),
  ).rejects.toMatchObject({
    status: 422,
    code: "idempotency_key_reuse",
  });
});

test("a rejected request releases its Idempotency-Key", async () => {
  const key = newId("req");
  const request: CreateRequest = { prompt: { id: "pmpt_birds" } };
  await expect(admit(request, key)).rejects.toMatchObject({ status: 400 });
  await expect(admit({ prompt: BIRDS }, key)).resolves.toMatchObject({ isReplay: false });
});
