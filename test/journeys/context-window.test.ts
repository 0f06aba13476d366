/** The context window over HTTP, with the official client: counting, truncating, compacting, and a crash in between. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import OpenAI, { type APIError } from "openai";
import OpenAI6 from "openai-6";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { OutputItem } from "../../src/protocol/item.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { create, RedisInspector, send, simulate } from "../support/api-client.ts";
import { pollUntil, untilNoneInFlight } from "../support/poll-until.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, expectOneTerminal, subscribe } from "../support/subscriber.ts";
import { answerError, neverAnswer, startUpstreamServer, type UpstreamServer } from "../support/upstream-server.ts";

expectDescribed();

const API_KEYS = "alpha:key-of-alpha,beta:key-of-beta";
const ALPHA = { authorization: "Bearer key-of-alpha" };
const BETA = { authorization: "Bearer key-of-beta" };
/** About 200 tokens. */
const LONG = "The heron stood in the reeds and waited for the water to be still. ".repeat(13);
const QUICK = { "simulator.delay_ms": "0", "simulator.tokens": "5" };

const prefix = uniquePrefix();
let folder: string;
let counter: UpstreamServer;
let broken: UpstreamServer;
let hanging: UpstreamServer;
let environment: Record<string, string>;
let inspector: RedisInspector;
let api: ApiProcess;
let worker: ServerProcess;
let client: OpenAI;

beforeAll(async () => {
  counter = await startUpstreamServer((response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ object: "response.input_tokens", input_tokens: 77 }));
  });
  broken = await startUpstreamServer(answerError(500, { message: "I cannot count with sk-of-the-operator." }));
  hanging = await startUpstreamServer(neverAnswer);
  folder = await mkdtemp(join(tmpdir(), "context-window-"));
  const providers = {
    small: { kind: "simulator", context_window: 1_000 },
    counting: { kind: "openai-responses", base_url: counter.url, counts_input_tokens: true, models: ["m"] },
    silent: { kind: "openai-responses", base_url: counter.url, models: [{ name: "m", context_window: 50 }] },
    hanging: { kind: "openai-responses", base_url: hanging.url },
    broken: { kind: "openai-responses", base_url: broken.url, counts_input_tokens: true },
  };
  const PROVIDERS_FILE = join(folder, "providers.json");
  await writeFile(PROVIDERS_FILE, JSON.stringify({ default: "small", providers }));
  environment = { KEY_PREFIX: prefix, API_KEYS, PROVIDERS_FILE, UPSTREAM_MAX_RETRIES: "0" };
  [api, worker] = await Promise.all([startApi(environment), startWorker(environment)]);
  inspector = new RedisInspector(prefix);
  client = new OpenAI({ baseURL: api.url, apiKey: "key-of-alpha", maxRetries: 0 });
});
afterAll(async () => {
  inspector[Symbol.dispose]();
  await Promise.all([api, worker, counter, broken, hanging].map((each) => each[Symbol.asyncDispose]()));
  await rm(folder, { recursive: true });
});

const respond = (fields: object) =>
  client.responses.create({
    model: "simulator/default",
    metadata: QUICK,
    ...fields,
  } as OpenAI.Responses.ResponseCreateParamsNonStreaming);

const errorOf = async (request: Promise<unknown>): Promise<APIError> =>
  await request.then(
    () => {
      throw new Error("The request was not rejected.");
    },
    (error: unknown) => error as APIError,
  );

describe("input_tokens", () => {
  const count = async (body?: OpenAI.Responses.InputTokenCountParams) =>
    (await client.responses.inputTokens.count(body)).input_tokens;

  test("counts a text, and everything else that the model gets", async () => {
    expect(await client.responses.inputTokens.count({ model: "simulator/default", input: "Tell me a joke." })).toEqual({
      object: "response.input_tokens",
      input_tokens: 11,
    });
    expect(await count()).toBe(2);
    expect(await count({ model: null, input: null, conversation: null, tools: null })).toBe(2);
    expect(await count({ input: "Tell me a joke.", instructions: "Be brief." })).toBeGreaterThan(11 + 4);
    const tools = [{ type: "function" as const, name: "f", parameters: {}, strict: false }];
    expect(await count({ input: "Tell me a joke.", tools })).toBeGreaterThan(11 + 4);
  });

  test("counts the chain and the conversation before the input", async () => {
    const first = await respond({ input: LONG });
    const chained = await count({ previous_response_id: first.id, input: "Hello" });
    expect(chained - (await count({ input: "Hello" }))).toBeGreaterThan(200);
    const conversation = await client.conversations.create({ items: [{ role: "user", content: LONG }] });
    expect(await count({ conversation: conversation.id, input: "Hello" })).toBeGreaterThan(200);
  });

  test("asks a provider that counts, by its model name, without our ids", async () => {
    const first = await respond({ input: "Hello" });
    expect(await count({ model: "counting/m", previous_response_id: first.id, input: "Go on." })).toBe(77);
    const { path, body } = counter.requests.at(-1)!;
    expect(path).toBe("/v1/responses/input_tokens");
    expect(body).toMatchObject({ model: "m", input: [{ role: "user" }, { role: "assistant" }, { role: "user" }] });
    expect(JSON.stringify(body)).not.toContain("msg_");
  });

  test("counts locally if the provider has no counter or fails", async () => {
    const asked = counter.requests.length;
    expect(await count({ model: "silent/m", input: "Tell me a joke." })).toBe(11);
    expect(counter.requests).toHaveLength(asked);
    expect(await count({ model: "broken/m", input: "Tell me a joke." })).toBe(11);
    expect(broken.requests).toHaveLength(1);
    await api.line(({ msg }) => msg === "The provider could not count tokens", "the provider's error");
    // Providers quote the keys that they reject.
    expect(JSON.stringify(api.lines)).not.toContain("sk-of-the-operator");
  });

  test.each([
    [{ inptu: "Hello" }, 400, "inptu", "unknown_parameter"],
    [{ input: 7 }, 400, "input", "invalid_type"],
    [{ truncation: "some" }, 400, "truncation", "invalid_value"],
    [{ previous_response_id: "resp_0" }, 400, "previous_response_id", "previous_response_not_found"],
    [{ previous_response_id: "foo" }, 400, "previous_response_id", "invalid_id_prefix"],
    [{ previous_response_id: "resp_0", conversation: "conv_0" }, 400, null, "mutually_exclusive_parameters"],
    [{ conversation: "conv_0" }, 404, null, null],
    [{ input: [{ type: "item_reference", id: "msg_0" }] }, 404, "input", null],
    [{ input: [{ type: "function_call", call_id: "c", name: "f", arguments: "{}" }] }, 400, "input", null],
    [{ model: "silent/x", input: "Hello" }, 404, null, "model_not_found"],
  ])("rejects %j as create does", async (body, status, param, code) => {
    const answer = await send<object>("POST", `${api.url}/responses/input_tokens`, body, ALPHA);
    expect(answer).toMatchObject({ status, body: { error: { param, code } } });
  });

  test("does not delay other requests, however long the input", async () => {
    const input = "Herons, reeds and 1,234 still waters. ".repeat(250_000);
    const counted = new AbortController();
    const counting = count({ input }).finally(() => counted.abort());
    const answers: number[] = [];
    const health = `${new URL(api.url).origin}/healthz`;
    do answers.push((await fetch(health)).status);
    while (!counted.signal.aborted);
    expect(await counting).toBeGreaterThan(2_000_000);
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(answers.length, "answered while it was counted").toBeGreaterThan(10);
  });

  test("treats another project's ids as unknown", async () => {
    const { id } = await respond({ input: "Hello" });
    const conversation = await client.conversations.create();
    const ask = (body: object) => send<object>("POST", `${api.url}/responses/input_tokens`, body, BETA);
    expect(await ask({ previous_response_id: id })).toMatchObject({
      status: 400,
      body: { error: { code: "previous_response_not_found" } },
    });
    expect((await ask({ conversation: conversation.id })).status).toBe(404);
  });
});

describe("a known context window", () => {
  const input = [
    ...Array.from({ length: 6 }, () => ({ role: "user", content: LONG })),
    { role: "user", content: "And now?" },
  ];

  test("fails a response whose input exceeds it", async () => {
    const response = await respond({ model: "small/m", input });
    expect(response).toMatchObject({
      status: "failed",
      error: {
        code: "invalid_prompt",
        message: "Your input exceeds the context window of this model. Please adjust your input and try again.",
      },
    });
    expect(await respond({ input })).toMatchObject({ status: "completed" });
  });

  test("param truncation: auto drops the oldest items until the rest and the answer fit", async () => {
    const whole = await respond({ input });
    const cut = await respond({ model: "small/m", input, truncation: "auto" });
    const cutMore = await respond({ model: "small/m", input, truncation: "auto", max_output_tokens: 500 });
    expect([cut.status, cutMore.status]).toEqual(["completed", "completed"]);
    const words = [whole, cut, cutMore].map((each) => each.usage!.input_tokens);
    expect(words).toEqual([...words].toSorted((a, b) => b - a));
    expect(new Set(words).size).toBe(3);
    const everything = await client.responses.inputItems.list(cut.id, { limit: 100 });
    expect(everything.data).toHaveLength(input.length);
  });

  test("fails a truncated response if its last message alone exceeds it", async () => {
    const response = await respond({ model: "small/m", input: LONG.repeat(6), truncation: "auto" });
    expect(response).toMatchObject({ status: "failed", error: { code: "invalid_prompt" } });
  });

  test("of one model is configured by its name", async () => {
    const response = await respond({ model: "silent/m", input: LONG });
    expect(response).toMatchObject({ status: "failed", error: { code: "invalid_prompt" } });
  });
});

const textOf = (items: readonly unknown[]): string => JSON.stringify(items);

describe("compact", () => {
  const say = (content: string) => ({ role: "user" as const, content });
  const conversation = [say("My name is Ada."), { role: "assistant" as const, content: LONG }, say("What is my name?")];
  const compact = (body: object) => client.responses.compact({ model: "simulator/default", ...body });

  test("answers with the user's messages, one compaction and its usage", async () => {
    const compacted = await compact({ input: conversation });
    expect(compacted).toMatchObject({ object: "response.compaction", id: expect.stringMatching(/^resp_/) });
    expect(compacted.output.map(({ type }) => type)).toEqual(["message", "message", "compaction"]);
    expect(compacted.output[0]).toMatchObject({
      id: expect.stringMatching(/^msg_/),
      role: "user",
      status: "completed",
      content: [{ type: "input_text", text: "My name is Ada." }],
    });
    expect(compacted.output[2]!.id).toMatch(/^cmp_/);
    expect(compacted.usage.output_tokens).toBeGreaterThan(5);
    expect(compacted.usage.total_tokens).toBe(compacted.usage.input_tokens + compacted.usage.output_tokens);
    expect(textOf(compacted.output)).not.toContain("heron");
  });

  test("its output is valid input, where the summary replaces earlier items", async () => {
    const { output } = await compact({ input: conversation });
    const before = await client.responses.inputTokens.count({ input: conversation });
    const input = [...(output as OpenAI.Responses.ResponseInput), say("And my age?")];
    const after = await client.responses.inputTokens.count({ input });
    expect(after.input_tokens).toBeLessThan(before.input_tokens);
    const alone = await client.responses.inputTokens.count({ input: input.slice(2) });
    expect(alone, "items before the compaction may be left out").toEqual(after);
    const next = await respond({ input, metadata: { ...QUICK, "simulator.tokens": "40" } });
    expect(next.output_text).toContain("And my age?");
    // The second summary is made from the first, as the model was shown it.
    const again = await compact({ input });
    expect(again.output.map(({ type }) => type)).toEqual(["message", "message", "message", "compaction"]);
  });

  test("compacts a chain", async () => {
    const first = await respond({ input: "My name is Ada." });
    const second = await respond({ input: "What is my name?", previous_response_id: first.id });
    const { output } = await compact({ previous_response_id: second.id });
    expect(textOf(output)).toContain("My name is Ada.");
    expect(output).toHaveLength(3);
  });

  test("leaves nothing to read or continue", async () => {
    const { id } = await compact({ input: conversation });
    expect(await errorOf(client.responses.retrieve(id))).toMatchObject({ status: 404 });
    const next = respond({ input: "Go on.", previous_response_id: id });
    expect(await errorOf(next)).toMatchObject({ status: 400, code: "previous_response_not_found" });
    expect(await inspector.inFlight()).not.toContain(id);
  });

  test("a failing model gives an error and no partial result", async () => {
    const failing = { model: "broken/m", input: "Hello" };
    const error = await errorOf(compact(failing));
    expect(error).toMatchObject({ status: 500, code: "server_error", error: { message: expect.any(String) } });
    expect(error.headers?.get("x-should-retry")).toBe("false");
    const tooLong = await errorOf(compact({ model: "small/m", input: LONG.repeat(6) }));
    expect(tooLong).toMatchObject({ status: 400, code: "invalid_prompt" });
  });

  test("a conversation beyond the window is summarized without its beginning", async () => {
    const input = [
      ...Array.from({ length: 9 }, (_, i) => ({ role: "assistant", content: `${i}. ${LONG}` })),
      say("And now?"),
    ];
    const { output } = await compact({ model: "small/m", input });
    expect(output.map(({ type }) => type)).toEqual(["message", "compaction"]);
  });

  test.each([
    [{ input: "Hello" }, 400, "model", "missing_required_parameter"],
    [{ model: "small/m" }, 400, "input", "missing_required_parameter"],
    [{ model: "small/m", input: [] }, 400, null, "missing_required_parameter"],
    [{ model: "small/m", input: "Hello", stream: true }, 400, "stream", "unknown_parameter"],
    [{ model: "small/m", input: "Hello", service_tier: "slow" }, 400, "service_tier", "invalid_value"],
    [{ model: "small/m", previous_response_id: "resp_0" }, 400, "previous_response_id", "previous_response_not_found"],
    [{ model: "silent/x", input: "Hello" }, 404, null, "model_not_found"],
  ])("rejects %j", async (body, status, param, code) => {
    const answer = await send<object>("POST", `${api.url}/responses/compact`, body, ALPHA);
    expect(answer).toMatchObject({ status, body: { error: { param, code } } });
  });

  test("stops when its client leaves", async () => {
    const left = new AbortController();
    const rejected = errorOf(client.responses.compact({ model: "hanging/m", input: "Hello" }, { signal: left.signal }));
    await pollUntil(
      () => hanging.requests.length,
      (count) => count > 0,
    );
    expect(await inspector.inFlight()).toHaveLength(1);
    left.abort();
    expect(await rejected).toBeInstanceOf(OpenAI.APIUserAbortError);
    await hanging.requests[0]!.closed;
    await untilNoneInFlight(inspector);
  });

  test("another project cannot use it", async () => {
    const { output } = await compact({ input: conversation });
    for (const path of ["responses", "responses/input_tokens", "responses/compact"]) {
      const answer = await send<object>(
        "POST",
        `${api.url}/${path}`,
        { model: "simulator/default", input: output },
        BETA,
      );
      expect(answer).toMatchObject({ status: 400, body: { error: { code: "invalid_encrypted_content" } } });
    }
  });
});

describe("context_management", () => {
  const context_management = [{ type: "compaction", compact_threshold: 1_000 }];
  const input = [
    ...Array.from({ length: 6 }, (_, i) => ({ role: i % 2 === 0 ? "user" : "assistant", content: `${i}. ${LONG}` })),
    { role: "user", content: "And now?" },
  ];
  const kindsOf = (response: { output: { type: string }[] }) => response.output.map(({ type }) => type);

  test("param context_management: compacts a context over the threshold, in the stream, and answers from the rest", async () => {
    const { id } = await create(api.url, simulate({ tokens: 5, delay_ms: 0 }, { input, context_management }), ALPHA);
    const { events } = await subscribe(api.url, id, { headers: ALPHA });
    const log = await inspector.log(id);
    expectExact(events, log, 0);
    expect(events.slice(3, 6).map(({ type }) => type)).toEqual([
      "response.output_item.added",
      "response.output_item.done",
      "response.output_item.added",
    ]);
    const response = expectOneTerminal(log);
    expect(kindsOf(response)).toEqual(["compaction", "message"]);
    expect(textOf(response.output)).not.toContain("heron");
    // Only the compaction has read every word, and the answer's input was short.
    expect(response.usage!.output_tokens).toBeGreaterThan(5);
    expect(response.usage!.input_tokens).toBeGreaterThan(6 * 13 * 13);
  });

  test.each([
    ["7.59", OpenAI],
    ["6.49", OpenAI6],
  ])("the stream helper of openai %s reads it", async (_version, Client) => {
    const helper = new Client({ baseURL: api.url, apiKey: "key-of-alpha", maxRetries: 0 }) as OpenAI;
    const request = { model: "simulator/default", input, context_management, metadata: QUICK, stream: true };
    const final = await helper.responses
      .stream(request as OpenAI.Responses.ResponseCreateParamsStreaming)
      .finalResponse();
    expect(kindsOf(final)).toEqual(["compaction", "message"]);
  });

  test("param context_management: does not compact a context below it", async () => {
    const response = await respond({ input: "Hello", context_management });
    expect(kindsOf(response)).toEqual(["message"]);
  });

  test("without a threshold compacts at four fifths of the window", async () => {
    const filled = { input: input.slice(-5), context_management: [{ type: "compaction" }] };
    expect(kindsOf(await respond({ model: "small/m", ...filled }))).toEqual(["compaction", "message"]);
    expect(kindsOf(await respond(filled))).toEqual(["message"]);
  });

  test("param context_management: shortens every later turn of a chain and of a conversation", async () => {
    const first = await respond({ input, context_management });
    const second = await respond({ input: "And then?", previous_response_id: first.id, context_management });
    expect(kindsOf(second)).toEqual(["message"]);
    const { input_tokens } = await client.responses.inputTokens.count({ previous_response_id: second.id });
    expect(input_tokens).toBeLessThan(800);

    const { id } = await client.conversations.create();
    await respond({ input, conversation: id, context_management });
    const { data } = await client.conversations.items.list(id, { limit: 100 });
    expect(data.map(({ type }) => type)).toContain("compaction");
    expect((await client.responses.inputTokens.count({ conversation: id })).input_tokens).toBeLessThan(800);
  });

  /** The kept items alone are over the threshold. */
  const overThreshold = [...input, { role: "user", content: LONG.repeat(6) }];

  test("compacts once, even if the kept items are over the threshold", async () => {
    expect(kindsOf(await respond({ input: overThreshold, context_management }))).toEqual(["compaction", "message"]);
  });

  test("a failed summary ends the response and closes its open item", async () => {
    const metadata = { "simulator.error": "rate_limit_exceeded" };
    const { id } = await respond({ input, context_management, metadata });
    const log = await inspector.log(id);
    expect(expectOneTerminal(log)).toMatchObject({ status: "failed", error: { code: "rate_limit_exceeded" } });
    const { events } = await subscribe(api.url, id, { headers: ALPHA });
    expectExact(events, log, 0);
  });

  describe("a killed worker", () => {
    const done = (log: readonly string[]): OutputItem[] =>
      log.flatMap((data) => {
        const event = JSON.parse(data) as { type: string; item: OutputItem };
        return event.type === "response.output_item.done" ? [event.item] : [];
      });
    /** Kills the worker at the nth event of this type; another one takes over. */
    async function killAt(type: string, nth: number, items: object[]) {
      const request = simulate({ tokens: 30, delay_ms: 20 }, { input: items, context_management });
      const { id } = await create(api.url, request, ALPHA);
      let seen = 0;
      const { events } = await subscribe(api.url, id, {
        headers: ALPHA,
        onEvent: async (event) => {
          if (event.type !== type || (seen += 1) !== nth) return;
          worker.kill("SIGKILL");
          await worker.exited;
          worker = await startWorker(environment);
        },
      });
      const log = await inspector.log(id);
      expectExact(events, log, 0);
      return { log, response: expectOneTerminal(log) };
    }

    test("during a compaction: it is repeated, and the response completes", async () => {
      const { log, response } = await killAt("response.output_item.added", 1, input);
      expect(response.status).toBe("completed");
      expect(kindsOf(response)).toEqual(["compaction", "message"]);
      const compactions = done(log).filter((item) => item.type === "compaction");
      expect(compactions.map(({ status }) => status)).toEqual(["incomplete", undefined]);
    });

    test("after a compaction: it is reused, and counted in the usage", async () => {
      const { log, response } = await killAt("response.output_text.delta", 3, overThreshold);
      expect(response.status).toBe("completed");
      const compactions = done(log).filter((item) => item.type === "compaction");
      expect(compactions).toHaveLength(1);
      expect(response.output[0]).toEqual(compactions[0]);
      // The answer alone had about half of it as input.
      expect(response.usage!.input_tokens).toBeGreaterThan(2_600);
    });
  });
});
