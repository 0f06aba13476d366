/** Prompts from a folder to the provider: real processes, the test's own provider, and the official client. */
import OpenAI from "openai";
import type { ResponseCreateParamsNonStreaming } from "openai/resources/responses/responses";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { responseSchema } from "../../src/protocol/response.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { pollToEnd, send } from "../support/api-client.ts";
import { type ApiProcess, ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { PromptFolder } from "../support/prompt-files.ts";
import { testRedisUrl, uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import * as upstream from "../support/upstream-server.ts";

expectDescribed();

const PHOTO = { type: "input_image", image_url: "data:image/png;base64,AA==", detail: "low" } as const;
const REPORT = { type: "input_file", filename: "report.txt", file_data: "data:text/plain;base64,SGk=" } as const;
const text = (value: string) => ({ type: "input_text", text: value });

let provider: upstream.UpstreamServer;
let folder: PromptFolder;
let environment: Record<string, string>;
let api: ApiProcess;
let worker: ServerProcess;
let client: OpenAI;

beforeAll(async () => {
  const { created, message, completed, streamAndEnd } = upstream;
  provider = await upstream.startUpstreamServer(
    streamAndEnd(created(), ...message(0, "msg_1", ["A ", "heron."]), completed()),
  );
  folder = await PromptFolder.create({
    "pmpt_birds/1.json": { model: "openai/m", instructions: "You watch birds in {{place}}." },
    "pmpt_birds/2.json": {
      model: "openai/m",
      temperature: 0.2,
      instructions: "You watch birds in {{place}}.",
      messages: [{ role: "user", content: "Compare {{photo}} with {{report}}." }],
    },
  });
  environment = { KEY_PREFIX: uniquePrefix(), OPENAI_BASE_URL: provider.url };
  // The worker has no folder: the record contains everything it needs.
  [api, worker] = await Promise.all([
    startApi({ ...environment, PROMPTS_FOLDER: folder.path }),
    startWorker({ ...environment, STRICT_EVENTS: "true" }),
  ]);
  client = new OpenAI({ baseURL: api.url, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
  await Promise.all([provider[Symbol.asyncDispose](), folder[Symbol.asyncDispose]()]);
});

const BIRDS = { id: "pmpt_birds", variables: { place: "the reeds", photo: PHOTO, report: REPORT } };
const MESSAGES = [
  { type: "message", role: "developer", content: [text("You watch birds in the reeds.")] },
  { type: "message", role: "user", content: [text("Compare "), PHOTO, text(" with "), REPORT, text(".")] },
];
const lastSent = () => provider.requests.at(-1)!.body;
const say = async (params: ResponseCreateParamsNonStreaming) => await client.responses.create(params);
const itemsOf = async (path: string) =>
  (await send<{ data: object[] }>("GET", `${api.url}${path}?order=asc`)).body.data;

describe("a prompt", () => {
  test("param prompt: is sent to the provider as the first items of its input, and shown as instructions", async () => {
    const response = await say({ prompt: BIRDS, input: "Well?" });
    expect(response).toMatchObject({
      status: "completed",
      output_text: "A heron.",
      model: "openai/m",
      temperature: 0.2,
    });
    expect(response.instructions).toEqual(MESSAGES);
    expect(response.prompt).toEqual({ ...BIRDS, version: "2" });
    const sent = lastSent();
    expect(sent["input"]).toEqual([...MESSAGES, { type: "message", role: "user", content: [text("Well?")] }]);
    expect(sent).toMatchObject({ model: "m", temperature: 0.2 });
    expect(sent).not.toHaveProperty("prompt");
    expect(sent).not.toHaveProperty("instructions");
    expect(await itemsOf(`/responses/${response.id}/input_items`)).toMatchObject([{ content: [text("Well?")] }]);
    const read = await send("GET", `${api.url}/responses/${response.id}`);
    expect(responseSchema.parse(read.body)).toEqual(read.body);
    expect(read.body.instructions).toEqual(MESSAGES);
  });

  test("param prompt: needs no input, and a background version is replayed unchanged", async () => {
    const { id, status } = await say({
      background: true,
      prompt: { id: "pmpt_birds", version: "1", variables: { place: "Hull" } },
    });
    expect(status).toBe("queued");
    const final = await pollToEnd(api.url, id);
    const instructions = [{ type: "message", role: "developer", content: [text("You watch birds in Hull.")] }];
    expect(final).toMatchObject({ status: "completed", instructions, prompt: { version: "1" } });
    expect(lastSent()["input"]).toEqual(instructions);
    const { events } = await subscribe(api.url, id);
    const shown = events.filter((event) => event.type === "response.created" || event.type === "response.completed");
    expect(shown).toHaveLength(2);
    for (const event of shown) expect(JSON.parse(event.data)).toMatchObject({ response: { instructions } });
  });

  test("param prompt: is not carried over to the next response, nor kept in a conversation", async () => {
    const conversation = await client.conversations.create();
    const first = await say({ prompt: BIRDS, input: "One", conversation: conversation.id });
    expect(await itemsOf(`/conversations/${conversation.id}/items`)).toMatchObject([
      { role: "user", content: [text("One")] },
      { role: "assistant" },
    ]);
    const second = await say({ model: "openai/m", input: "Two", previous_response_id: first.id });
    expect(second).toMatchObject({ instructions: null, prompt: null, temperature: 1 });
    expect(lastSent()["input"]).toMatchObject([
      { role: "user", content: [text("One")] },
      { role: "assistant" },
      { role: "user", content: [text("Two")] },
    ]);
    // The next response has its own prompt, before all earlier items.
    await say({ prompt: BIRDS, input: "Three", previous_response_id: second.id });
    const sent = lastSent()["input"] as object[];
    expect(sent.slice(0, 2)).toEqual(MESSAGES);
    expect(sent).toHaveLength(2 + 5);
  });

  test("param prompt: gives way to the request's own instructions", async () => {
    const response = await say({ prompt: BIRDS, input: "Well?", instructions: "Be brief.", temperature: 1 });
    expect(response).toMatchObject({ instructions: "Be brief.", temperature: 1 });
    expect(lastSent()).toMatchObject({ instructions: "Be brief.", temperature: 1, input: [{ role: "user" }] });
  });

  test.each<[string, object, number, string | null, string | null, string]>([
    ["an unknown id", { id: "pmpt_x" }, 404, null, null, "Prompt with id 'pmpt_x' not found."],
    [
      "an unknown version",
      { id: "pmpt_birds", version: "3" },
      404,
      null,
      null,
      "Prompt with id 'pmpt_birds' and version '3' not found.",
    ],
    [
      "no variables",
      { id: "pmpt_birds" },
      400,
      "prompt.variables.place",
      "missing_required_parameter",
      "Missing required parameter: 'prompt.variables.place'.",
    ],
    [
      "an unknown variable",
      { id: "pmpt_birds", version: "1", variables: { place: "Hull", zzz: "" } },
      400,
      "prompt.variables.zzz",
      "unknown_parameter",
      "Unknown parameter: 'prompt.variables.zzz'.",
    ],
  ])("%s is rejected", async (_name, prompt, status, param, code, message) => {
    const answer = await send("POST", `${api.url}/responses`, { prompt, input: "Hi" });
    expect(answer).toMatchObject({ status, body: { error: { type: "invalid_request_error", param, code, message } } });
  });
});

test("an API process with other files replays old responses and serves its own prompts", async () => {
  await using other = await PromptFolder.create({
    "pmpt_birds/9.json": { model: "openai/m", instructions: "Nine." },
  });
  const headers = { "idempotency-key": "prompt-1" };
  const body = { prompt: BIRDS, input: "Well?" };
  const first = await send("POST", `${api.url}/responses`, body, headers);
  await using newer = await startApi({ ...environment, PROMPTS_FOLDER: other.path });
  const again = await send("POST", `${newer.url}/responses`, body, headers);
  expect(again.headers.get("idempotent-replayed")).toBe("true");
  expect(again.body).toEqual(first.body);
  const { id: _id, ...prompt } = (await send("POST", `${newer.url}/responses`, { prompt: { id: "pmpt_birds" } })).body
    .prompt!;
  expect(prompt).toEqual({ version: "9", variables: null });
});

test("an invalid template stops the API's start by name", async () => {
  await using wrong = await PromptFolder.create({ "pmpt_birds/1.json": { instruction: "You watch birds." } });
  await using server = new ServerProcess("api", "src/server.ts", {
    PORT: "0",
    REDIS_URL: testRedisUrl(),
    PROMPTS_FOLDER: wrong.path,
  });
  expect(await server.exited).toBe(78);
  expect(JSON.stringify(server.lines)).toContain("pmpt_birds/1.json is not valid. line 1: instruction: unknown");
});
