/**
 * State that a vendor must get back, over a chain's responses, killed workers, and a change of vendor: real processes.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pollToEnd, send } from "../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { PromptFolder } from "../support/prompt-files.ts";
import { uniquePrefix } from "../support/redis.ts";
import { type Answer, startUpstreamServer, type UpstreamServer } from "../support/upstream-server.ts";
import { deltas, type WireBody } from "../support/vendors.ts";

type Body = Record<string, unknown>;

const TOOL = { type: "function", name: "get_weather", parameters: { type: "object", properties: {} } };
const CALL_ID = "call_0123456789abcdef01234567";
const DETAIL = { type: "reasoning.text", text: "Paris.", signature: "sig-1", index: 0 };
const SIGNATURE = { google: { thought_signature: "s1" } };
const call = (extra: object = {}) => ({
  tool_calls: [{ index: 0, id: CALL_ID, function: { name: "get_weather", arguments: "{}" }, ...extra }],
});

/** Each vendor's first answer, and the state that it must find in the assistant's message afterwards. */
const VENDORS = {
  openrouter: {
    first: deltas("tool_calls", { reasoning: "Paris.", reasoning_details: [DETAIL] }, call()),
    found: { reasoning_details: [DETAIL] },
  },
  gemini: {
    first: deltas("tool_calls", call({ extra_content: SIGNATURE })),
    found: { tool_calls: [{ id: CALL_ID, extra_content: SIGNATURE }] },
  },
  deepseek: {
    first: deltas("tool_calls", { reasoning_content: "Paris." }, call()),
    found: { reasoning_content: "Paris.", tool_calls: [{ id: CALL_ID }] },
  },
};
const REST = deltas("stop", { content: "It rains." });

let server: UpstreamServer;
let folder: PromptFolder;
let environment: Record<string, string>;
let api: ApiProcess;
let worker: ServerProcess;
let answer: Answer;

beforeAll(async () => {
  server = await startUpstreamServer((response) => answer(response));
  const provider = { kind: "openai-compatible", base_url: server.url };
  const names = [...Object.keys(VENDORS), "mistral", "vllm"];
  folder = await PromptFolder.create({
    "providers.json": { providers: Object.fromEntries(names.map((name) => [name, { ...provider, vendor: name }])) },
  });
  environment = { KEY_PREFIX: uniquePrefix(), PROVIDERS_FILE: `${folder.path}/providers.json` };
  api = await startApi(environment);
  worker = await startWorker(environment);
});
afterAll(async () => {
  await worker[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
  await Promise.all([server, folder].map(async (each) => await each[Symbol.asyncDispose]()));
});

const sent = () => server.requests.at(-1)!.body as WireBody;

async function post(body: object): Promise<Body> {
  const { status, body: response } = await send<Body>("POST", `${api.url}/responses`, { tools: [TOOL], ...body });
  expect([status, response["status"]]).toEqual([200, "completed"]);
  return response;
}

const output = [{ type: "function_call_output", call_id: CALL_ID, output: "rain" }];

describe.each(Object.entries(VENDORS))("%s", (vendor, { first, found }) => {
  const model = `${vendor}/m`;

  test("finds its state again: in the chain, after a crash, not with another vendor", { timeout: 60_000 }, async () => {
    answer = first;
    const { id, output: made } = await post({ model, input: "Weather?" });
    expect(made, "a client sees the id that the vendor gave").toMatchObject([
      { type: expect.any(String) },
      { call_id: CALL_ID },
    ]);

    // The worker is killed while it calls the vendor with the tool's output; another one repeats the call.
    const asked = Promise.withResolvers<void>();
    answer = () => asked.resolve();
    const before = server.requests.length;
    const { body: second } = await send<Body>("POST", `${api.url}/responses`, {
      model,
      tools: [TOOL],
      previous_response_id: id,
      input: output,
      background: true,
    });
    await asked.promise;
    worker.kill("SIGKILL");
    await worker.exited;
    answer = REST;
    worker = await startWorker(environment);
    expect((await pollToEnd(api.url, String(second["id"]))).status).toBe("completed");
    expect(server.requests.length).toBe(before + 2);
    expect(sent().messages[1]).toMatchObject(found);

    const previous_response_id = second["id"];
    await post({ model, previous_response_id, input: "Thanks!" });
    expect(sent().messages[1]).toMatchObject(found);
    expect(sent().messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "user"]);

    await post({ model: "mistral/m", previous_response_id, input: "Thanks!" });
    expect(sent().messages[1]!.tool_calls![0]!.id).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(sent().messages[2]!.tool_call_id).toBe(sent().messages[1]!.tool_calls![0]!.id);
    expect(JSON.stringify(sent())).not.toMatch(/sig-1|s1|reasoning|extra_content/);
  });

  test("finds its state in the items of a client that stores nothing", async () => {
    const asking = { model, store: false, include: ["reasoning.encrypted_content"] };
    const question = { role: "user", content: "Weather?" };
    answer = first;
    const { output: made } = await post({ ...asking, input: [question] });
    answer = REST;
    await post({ ...asking, input: [question, ...(made as object[]), ...output] });
    expect(sent().messages[1]).toMatchObject(found);
    await post({ ...asking, model: "vllm/m", input: [question, ...(made as object[]), ...output] });
    expect(JSON.stringify(sent())).not.toMatch(/sig-1|"s1"|reasoning_details|extra_content/);
  });
});
