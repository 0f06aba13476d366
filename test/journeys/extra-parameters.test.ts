/** A provider's own parameters, from the request to the provider's body: real processes, the test's own providers. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answerOf } from "../support/ai-sdk.ts";
import { type Answer, pollToEnd, RedisInspector, send } from "../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { PromptFolder } from "../support/prompt-files.ts";
import { uniquePrefix } from "../support/redis.ts";
import * as upstream from "../support/upstream-server.ts";

const EXTRA = { top_k: 20, chat_template_kwargs: { enable_thinking: false }, min_p: null, stop: ["\n"] };

let chat: upstream.UpstreamServer;
let responses: upstream.UpstreamServer;
let folder: PromptFolder;
let environment: Record<string, string>;
let api: ApiProcess;
let worker: ServerProcess;
/** Whether the chat server accepts requests, rejects them, or does not answer. */
let answer: upstream.Answer;

beforeAll(async () => {
  const { created, message, completed, streamAndEnd, startUpstreamServer } = upstream;
  chat = await startUpstreamServer((response) => answer(response));
  responses = await startUpstreamServer(streamAndEnd(created(), ...message(0, "msg_1", ["Hi"]), completed()));
  const names = Object.keys(EXTRA);
  folder = await PromptFolder.create({
    "providers.json": {
      providers: {
        chat: { kind: "openai-compatible", base_url: chat.url, extra_parameters: names, fallbacks: ["other/m"] },
        other: { kind: "openai-responses", base_url: responses.url, extra_parameters: ["top_k"] },
        plain: { kind: "openai-responses", base_url: responses.url },
      },
    },
    "prompts/pmpt_1/1.json": { model: "other/m", instructions: "Be brief." },
  });
  environment = {
    KEY_PREFIX: uniquePrefix(),
    PROVIDERS_FILE: `${folder.path}/providers.json`,
    UPSTREAM_MAX_RETRIES: "0",
  };
  api = await startApi({ ...environment, PROMPTS_FOLDER: `${folder.path}/prompts` });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await Promise.all([chat, responses, folder].map(async (each) => await each[Symbol.asyncDispose]()));
});
beforeEach(async () => {
  answer = answerOf("openai-compatible", ["Hi"]);
  worker = await startWorker(environment);
});
afterEach(async () => await worker[Symbol.asyncDispose]());

const lastBody = ({ requests }: upstream.UpstreamServer) => requests.at(-1)!.body;
const post = async (body: object, headers: Record<string, string> = {}, path = "/responses") =>
  await send<Record<string, unknown>>("POST", `${api.url}${path}`, body, headers);

function expectUnknown({ status, body }: Answer<Record<string, unknown>>, param: string): void {
  expect(status).toBe(400);
  expect(body["error"]).toMatchObject({ param, code: "unknown_parameter" });
}

describe("a provider that configures them", () => {
  test("gets them with a request for embeddings", async () => {
    const json = { "content-type": "application/json" };
    answer = (response) => void response.writeHead(200, json).end(JSON.stringify({ data: [{ embedding: [1, 0] }] }));
    const { status } = await post({ model: "chat/m", input: "Hello", top_k: 20 }, {}, "/embeddings");
    expect(status).toBe(200);
    expect(lastBody(chat)).toMatchObject({ model: "m", input: ["Hello"], top_k: 20 });
  });

  test("gets them unchanged in chat completions, beside the server's fields", async () => {
    const asked = { model: "chat/m", input: "Hello", temperature: 0.5, max_output_tokens: 100 };
    const { status, body } = await post({ ...asked, ...EXTRA });
    expect([status, body["status"]]).toEqual([200, "completed"]);
    expect(lastBody(chat)).toMatchObject({ model: "m", temperature: 0.5, max_tokens: 100, stream: true, ...EXTRA });
    for (const name of [...Object.keys(EXTRA), "extra_parameters"]) expect(body).not.toHaveProperty(name);
  });

  test("gets them in the Responses API too", async () => {
    expect((await post({ model: "other/m", input: "Hello", top_k: null })).status).toBe(200);
    expect(lastBody(responses)).toMatchObject({ model: "m", top_k: null });
  });

  test("gets those of a request whose prompt names the model", async () => {
    const { status } = await post({ prompt: { id: "pmpt_1" }, input: "Hello", top_k: 7 });
    expect([status, lastBody(responses)["top_k"]]).toEqual([200, 7]);
    expectUnknown(await post({ prompt: { id: "pmpt_1" }, min_p: 1 }), "min_p");
    expectUnknown(await post({ prompt: { id: "pmpt_2" }, top_k: 1 }), "top_k");
  });

  test("gets them for a summary of the conversation too", async () => {
    const { status } = await post({ model: "other/m", input: "Hello", top_k: 3 }, {}, "/responses/compact");
    expect([status, lastBody(responses)["top_k"]]).toEqual([200, 3]);
  });

  test("gets them again from the worker that takes over", async () => {
    const asked = Promise.withResolvers<void>();
    answer = () => asked.resolve();
    const before = chat.requests.length;
    const { body } = await post({ model: "chat/m", input: "Hello", background: true, ...EXTRA });
    await asked.promise;
    worker.kill("SIGKILL");
    await worker.exited;
    answer = answerOf("openai-compatible", ["Hi"]);
    worker = await startWorker(environment);
    expect((await pollToEnd(api.url, String(body["id"]))).status).toBe("completed");
    expect(chat.requests.length).toBe(before + 2);
    expect(lastBody(chat)).toMatchObject(EXTRA);
  });
});

describe("elsewhere", () => {
  test("a fallback gets only the parameters that it configures", async () => {
    answer = upstream.answerError(503, { message: "Busy" });
    const { body } = await post({ model: "chat/m", input: "Hello", ...EXTRA });
    expect(body["status"]).toBe("completed");
    const sent = lastBody(responses);
    expect(sent["top_k"]).toBe(20);
    for (const name of ["chat_template_kwargs", "min_p", "stop"]) expect(sent).not.toHaveProperty(name);
  });

  test.each(["plain/m", "simulator/default"])("another provider rejects the parameters: %s", async (model) => {
    for (const path of ["/responses", "/responses/compact", "/responses/input_tokens"]) {
      expectUnknown(await post({ model, input: "Hello", top_k: 5 }, {}, path), "top_k");
    }
  });
});

test("input_tokens accepts a request that has them", async () => {
  const { status, body } = await post({ model: "chat/m", input: "Hello", ...EXTRA }, {}, "/responses/input_tokens");
  expect([status, body["object"]]).toEqual([200, "response.input_tokens"]);
});

test("an Idempotency-Key is bound to their values", async () => {
  const headers = { "idempotency-key": "k" };
  const request = { model: "chat/m", input: "Hello" };
  const first = await post({ ...request, top_k: 1, client_metadata: { turn: "1" } }, headers);
  const again = await post({ ...request, top_k: 1, client_metadata: { turn: "2" } }, headers);
  expect([again.status, again.body["id"]]).toEqual([200, first.body["id"]]);
  expect(await post({ ...request, top_k: 2 }, headers)).toMatchObject({ status: 422 });
});

test("client_metadata reaches neither the provider nor Redis", async () => {
  const secret = "5f0c-installation-of-mine";
  const body = { model: "other/m", input: "Hello", client_metadata: { "x-codex-installation-id": secret } };
  const { status, body: shown } = await post(body);
  expect([status, lastBody(responses)["model"]]).toEqual([200, "m"]);
  using inspector = new RedisInspector(environment["KEY_PREFIX"]!);
  const id = String(shown["id"]);
  const recorded = [await inspector.meta(id), await inspector.log(id), lastBody(responses), shown];
  expect(JSON.stringify(recorded)).toContain("Hello");
  expect(JSON.stringify(recorded)).not.toContain(secret);
});
