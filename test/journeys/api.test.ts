/** Every endpoint in its modes, over HTTP, against real processes. */
import { request } from "node:http";
import { describe, expect, test } from "vitest";
import { responseSchema } from "../../src/protocol/response.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, receive, subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
const { api, inspector } = await openTestServerWithWorker(environment);

expectDescribed();

async function postStream(body: unknown, headers: Record<string, string> = {}) {
  const cut = new AbortController();
  const response = await fetch(`${api.url}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    signal: cut.signal,
  });
  return { headers: response.headers, received: await receive(response, cut) };
}

describe("POST /responses", () => {
  test("background: queued at once, with every default echoed", async () => {
    const answer = await send("POST", `${api.url}/responses`, simulate({ tokens: 3, delay_ms: 0 }));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.body).toMatchObject({
      id: expect.stringMatching(/^resp_[0-9a-f]{50}$/),
      object: "response",
      status: "queued",
      background: true,
      completed_at: null,
      error: null,
      frequency_penalty: 0,
      incomplete_details: null,
      instructions: null,
      max_output_tokens: null,
      max_tool_calls: null,
      model: "simulator/default",
      output: [],
      parallel_tool_calls: true,
      presence_penalty: 0,
      previous_response_id: null,
      prompt_cache_key: null,
      reasoning: { context: null, effort: null, summary: null },
      safety_identifier: null,
      service_tier: "auto",
      store: true,
      temperature: 1,
      text: { format: { type: "text" }, verbosity: "medium" },
      tool_choice: "auto",
      tools: [],
      top_logprobs: 0,
      top_p: 1,
      truncation: "disabled",
      usage: null,
      user: null,
    });
    expect(responseSchema.parse(answer.body)).toEqual(answer.body);
    const final = await pollToEnd(api.url, answer.body.id);
    expect(responseSchema.parse(final)).toEqual(final);
    expect(final).toMatchObject({ status: "completed", service_tier: "default", usage: { output_tokens: 3 } });
  });

  test("background and stream: created, queued, in_progress … completed", async () => {
    const { headers, received } = await postStream({ ...simulate({ tokens: 4, delay_ms: 0 }), stream: true });
    expect(Object.fromEntries(headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      "x-accel-buffering": "no",
    });
    const types = received.events.map((event) => event.type);
    expect(types.slice(0, 3)).toEqual(["response.created", "response.queued", "response.in_progress"]);
    expect(types.at(-1)).toBe("response.completed");
    const { id } = (JSON.parse(received.events[0]!.data) as { response: { id: string } }).response;
    expectExact(received.events, await inspector.log(id), 0);
  });

  test("foreground: the finished response", async () => {
    const final = await create(api.url, { ...simulate({ tokens: 4, delay_ms: 0 }), background: false });
    expect(final).toMatchObject({ status: "completed", background: false });
    expect((await send("GET", `${api.url}/responses/${final.id}`)).body).toEqual(final);
  });

  test("foreground and stream: created in progress, and replayable afterwards", async () => {
    const body = { ...simulate({ tokens: 4, delay_ms: 0 }), background: false, stream: true };
    const { received } = await postStream(body);
    const types = received.events.map((event) => event.type);
    expect(types.slice(0, 2)).toEqual(["response.created", "response.in_progress"]);
    const { response } = JSON.parse(received.events.at(-1)!.data) as { response: { id: string } };
    const replayed = await subscribe(api.url, response.id);
    expect(replayed.events).toEqual(received.events);
  });

  test("store false: a background response is readable but cannot be continued", async () => {
    const background = await create(api.url, { ...simulate({ tokens: 2, delay_ms: 0 }), store: false });
    await pollToEnd(api.url, background.id);
    expect(await inspector.redis.ttl(inspector.layout.events(background.id))).toBeLessThanOrEqual(600);
    const next = await send<object>(
      "POST",
      `${api.url}/responses`,
      simulate({ tokens: 1 }, { previous_response_id: background.id }),
    );
    expect(next).toMatchObject({ status: 400, body: { error: { code: "previous_response_not_found" } } });
    const foreground = await create(api.url, {
      ...simulate({ tokens: 2, delay_ms: 0 }),
      store: false,
      background: false,
    });
    expect((await send("GET", `${api.url}/responses/${foreground.id}`)).status).toBe(404);
  });

  test("previous_response_id: the chain's items come before the new input", async () => {
    const first = await create(api.url, {
      ...simulate({ tokens: 2, delay_ms: 0 }),
      background: false,
      input: "The word is heron.",
    });
    const second = await create(api.url, {
      ...simulate({ tokens: 2, delay_ms: 0 }),
      background: false,
      previous_response_id: first.id,
      input: "What is the word?",
    });
    const [alone, chained] = [first, second].map((each) => (each.status === "completed" ? each.usage.input_tokens : 0));
    expect(second.previous_response_id).toBe(first.id);
    expect(chained).toBeGreaterThan(alone! + 2);
    const items = await send<{ data: object[] }>("GET", `${api.url}/responses/${second.id}/input_items`);
    expect(items.body.data).toHaveLength(1);
  });

  test.each([
    ["resp_unknown", "previous_response_not_found", "Previous response with id 'resp_unknown' not found."],
    ["gen-1", "invalid_id_prefix", "Invalid 'previous_response_id': 'gen-1'. Expected an ID that begins with 'resp'."],
  ])("previous_response_id %s is rejected", async (id, code, message) => {
    const answer = await send<object>("POST", `${api.url}/responses`, simulate({}, { previous_response_id: id }));
    expect(answer).toMatchObject({ status: 400, body: { error: { code, message, param: "previous_response_id" } } });
  });

  test("a running link is rejected, and a deleted one is named", async () => {
    const running = await create(api.url, simulate({ hang: true }));
    const early = await send<object>(
      "POST",
      `${api.url}/responses`,
      simulate({}, { previous_response_id: running.id }),
    );
    expect(early).toMatchObject({ status: 400, body: { error: { code: "previous_response_not_finished" } } });
    await send("DELETE", `${api.url}/responses/${running.id}`);
    const late = await send<object>("POST", `${api.url}/responses`, simulate({}, { previous_response_id: running.id }));
    expect(late).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining(running.id) } } });
  });

  test("a function is called, and the next response uses its output", async () => {
    const tools = [
      {
        type: "function",
        name: "weather",
        parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      },
    ];
    const first = await create(api.url, { ...simulate({ delay_ms: 0 }), background: false, tools });
    const [call] = first.output;
    expect(call).toMatchObject({ type: "function_call", name: "weather", status: "completed" });
    expect(first.tools).toEqual([{ ...tools[0], description: null, strict: true }]);
    const second = await create(api.url, {
      ...simulate({ delay_ms: 0 }),
      background: false,
      tools,
      previous_response_id: first.id,
      input: [
        { type: "function_call_output", call_id: (call as { call_id: string }).call_id, output: "Fog over the marsh" },
      ],
    });
    expect(JSON.stringify(second.output)).toContain("Fog over the marsh");
  });

  test("item_reference: an earlier item is named instead of sent", async () => {
    const first = await create(api.url, simulate({ text: "The heron stands.", delay_ms: 0 }, { background: false }));
    const { id } = first.output[0]!;
    const input = [
      { role: "user", content: "Hello" },
      { type: "item_reference", id },
      { role: "user", content: "And?" },
    ];
    const second = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { background: false, input }));
    const list = await send<{ data: object[] }>("GET", `${api.url}/responses/${second.id}/input_items?order=asc`);
    expect(list.body.data[1]).toEqual(first.output[0]);
    // Without its type, as a client may name it.
    const untyped = [{ id }, { role: "user", content: "And?" }];
    const third = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { background: false, input: untyped }));
    await send("DELETE", `${api.url}/responses/${first.id}`);
    // A response accepted earlier keeps the item.
    expect(
      (await send<{ data: object[] }>("GET", `${api.url}/responses/${second.id}/input_items`)).body.data,
    ).toHaveLength(3);
    // Once no response has the item, its id is unknown.
    for (const { id: used } of [second, third]) await send("DELETE", `${api.url}/responses/${used}`);
    const unknownItem = await send<object>("POST", `${api.url}/responses`, simulate({}, { input }));
    expect(unknownItem).toMatchObject({
      status: 404,
      body: { error: { param: "input", message: expect.stringContaining(id) } },
    });
  });

  test("limits and failures of the model give incomplete and failed", async () => {
    const short = await create(api.url, {
      ...simulate({ tokens: 100, delay_ms: 0 }),
      background: false,
      max_output_tokens: 16,
    });
    expect(short).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
      completed_at: null,
    });
    const broken = await create(api.url, { ...simulate({ error: "rate_limit_exceeded" }), background: false });
    expect(broken).toMatchObject({
      status: "failed",
      error: { code: "rate_limit_exceeded", type: expect.any(String) },
    });
  });

  test("Idempotency-Key: a same body replays, another conflicts, a delete frees it", async () => {
    const headers = { "idempotency-key": "key-1" };
    const body = simulate({ tokens: 3, delay_ms: 0 });
    const both = await Promise.all([1, 2].map(() => send("POST", `${api.url}/responses`, body, headers)));
    expect(both[0]!.body.id).toBe(both[1]!.body.id);
    const { id } = both[0]!.body;
    await pollToEnd(api.url, id);
    const replay = await send("POST", `${api.url}/responses`, body, headers);
    expect(replay.headers.get("idempotent-replayed")).toBe("true");
    expect(replay.body).toMatchObject({ id, status: "completed" });
    expect(await inspector.inFlight()).not.toContain(id);
    const conflict = await send<object>("POST", `${api.url}/responses`, { ...body, input: "Other" }, headers);
    expect(conflict).toMatchObject({ status: 422, body: { error: { code: "idempotency_key_reuse" } } });
    await send("DELETE", `${api.url}/responses/${id}`);
    const again = await send("POST", `${api.url}/responses`, body, headers);
    expect(again.body.id).not.toBe(id);
  });

  test("a full server rejects new requests", async () => {
    const limited = { KEY_PREFIX: uniquePrefix(), MAX_OPEN_RESPONSES: "2" };
    await using full = await startApi(limited);
    await create(full.url, simulate({}));
    await create(full.url, simulate({}));
    await full.line(() => true, "anything");
    let answer = await send<object>("POST", `${full.url}/responses`, simulate({}));
    // The server counts at most every 100 ms.
    while (answer.status === 200) answer = await send<object>("POST", `${full.url}/responses`, simulate({}));
    expect(answer).toMatchObject({ status: 429, body: { error: { code: "rate_limit_exceeded", type: "requests" } } });
    expect(answer.headers.get("retry-after")).toBe("5");
    // Rejected twice: the second rejection does not depend on the first count.
    const headers = { "idempotency-key": "at the door" };
    for (const tokens of [1, 1, 2]) {
      expect((await send("POST", `${full.url}/responses`, simulate({ tokens }), headers)).status).toBe(429);
    }
  });
});

describe("GET /responses/:id", () => {
  test("a running response shows its output so far and Retry-After", async () => {
    const { id } = await create(api.url, simulate({ tokens: 10_000, delay_ms: 5 }));
    await subscribe(api.url, id, { cutAfterEvents: 15 });
    const answer = await send("GET", `${api.url}/responses/${id}`);
    expect(answer.headers.get("openai-poll-after-ms")).toBe("1000");
    expect(answer.body).toMatchObject({ status: "in_progress", output: [{ type: "message", status: "in_progress" }] });
    await send("POST", `${api.url}/responses/${id}/cancel`);
    const after = await send("GET", `${api.url}/responses/${id}`);
    expect(after.headers.get("openai-poll-after-ms")).toBeNull();
  });

  test("unknown and malformed ids", async () => {
    const unknown = await send<object>("GET", `${api.url}/responses/resp_123`);
    expect(unknown).toMatchObject({
      status: 404,
      body: {
        error: {
          message: "Response with id 'resp_123' not found.",
          type: "invalid_request_error",
          param: null,
          code: null,
        },
      },
    });
    const malformed = await send<object>("GET", `${api.url}/responses/foo`);
    expect(malformed).toMatchObject({ status: 400, body: { error: { param: "response_id" } } });
  });

  test("an idle stream gets comment lines without blank lines, after its events", async () => {
    const { id } = await create(api.url, simulate({ hang: true }));
    const cut = new AbortController();
    const response = await fetch(`${api.url}/responses/${id}?stream=true`, { signal: cut.signal });
    let text = "";
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      if (text.endsWith("\n: keep-alive\n: keep-alive\n")) break;
    }
    cut.abort();
    expect(text.startsWith("id: 0\nevent: response.created\n")).toBe(true);
    await send("DELETE", `${api.url}/responses/${id}`);
  });
});

test("GET /responses/:id/input_items has messages in openai's types, however sent", async () => {
  const input = [
    { role: "user", content: "Hello" },
    { role: "assistant", content: "Hi" },
    { type: "message", role: "user", content: [{ type: "input_text", text: "Bye" }] },
  ];
  const { id } = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { input }));
  const list = await send<{ data: object[] }>("GET", `${api.url}/responses/${id}/input_items?order=asc`);
  const message = { type: "message", id: expect.stringMatching(/^msg_/), status: "completed" };
  expect(list.body.data).toEqual([
    { ...message, role: "user", content: [{ type: "input_text", text: "Hello" }] },
    { ...message, role: "assistant", content: [{ type: "output_text", text: "Hi", annotations: [], logprobs: [] }] },
    { ...message, role: "user", content: [{ type: "input_text", text: "Bye" }] },
  ]);
});

test("GET /responses/:id/input_items pages by item, in both orders", async () => {
  const input = Array.from({ length: 5 }, (_, i) => ({ role: "user", content: `Part ${i}` }));
  const { id } = await create(api.url, simulate({ tokens: 1, delay_ms: 0 }, { input }));
  interface Page {
    data: { id: string; content: { text: string }[] }[];
    has_more: boolean;
    first_id: string;
    last_id: string;
  }
  const list = async (query: string) =>
    (await send<Page>("GET", `${api.url}/responses/${id}/input_items${query}`)).body;
  const texts = (page: Page) => page.data.map((item) => item.content[0]!.text);
  expect(texts(await list(""))).toEqual(["Part 4", "Part 3", "Part 2", "Part 1", "Part 0"]);
  const first = await list("?order=asc&limit=2");
  expect(first).toMatchObject({ has_more: true, first_id: first.data[0]!.id, last_id: first.data[1]!.id });
  const rest = await list(`?order=asc&limit=3&after=${first.last_id}`);
  expect(texts(rest)).toEqual(["Part 2", "Part 3", "Part 4"]);
  expect(rest.has_more).toBe(false);
  for (const query of ["?limit=0", "?limit=101", "?limit=x", "?order=up", "?after=nope"]) {
    expect((await send("GET", `${api.url}/responses/${id}/input_items${query}`)).status).toBe(400);
  }
});

test("models and health", async () => {
  const models = await send<{ data: { id: string }[] }>("GET", `${api.url}/models`);
  expect(models.body.data.map((model) => model.id)).toEqual(["simulator/default"]);
  expect((await send<object>("GET", `${api.url}/models/simulator/default`)).body).toMatchObject({
    id: "simulator/default",
    object: "model",
  });
  expect(await send<object>("GET", `${api.url}/models/gpt-nope`)).toMatchObject({
    status: 404,
    body: { error: { code: "model_not_found" } },
  });
  const root = api.url.replace("/v1", "");
  expect((await send<object>("GET", `${root}/healthz`)).body).toEqual({ status: "ok" });
  expect((await send<object>("GET", `${root}/readyz`)).body).toMatchObject({
    status: "ready",
    checks: { redis: true, queue: true },
  });
  expect((await send<{ data: object[] }>("GET", `${root}/v5/models`)).body.data).toHaveLength(1);
});

describe("bad input", () => {
  const post = async (body: string, headers: Record<string, string> = {}) =>
    await send<{ error: { message: string; code: string | null; type: string } }>(
      "POST",
      `${api.url}/responses`,
      body,
      headers,
    );

  test.each<[string, string, number, string]>([
    ["malformed JSON", '{"model":', 400, "We could not parse the JSON body"],
    ["10,000 levels", `{"model":"m","input":${"[".repeat(10_000)}${"]".repeat(10_000)}}`, 400, "nested too deeply"],
    ["wrong types", '{"model":1,"input":"x"}', 400, "Invalid type for 'model': expected a string"],
    ["an array", "[]", 400, "expected an object, but got an array"],
    ["nothing", "", 400, "Missing required parameter: 'model'."],
    ["null", "null", 400, "expected an object, but got null"],
    [
      "__proto__",
      '{"model":"simulator/default","input":"x","__proto__":{"a":1}}',
      400,
      "Unknown parameter: '__proto__'.",
    ],
  ])("%s", async (_name, body, status, message) => {
    const answer = await post(body);
    expect(answer.status).toBe(status);
    expect(answer.body.error.message).toContain(message);
    expect(answer.body.error.type).toBe("invalid_request_error");
  });

  test.each<[string, number, string]>([
    ["gzip", 400, "The request body could not be read."],
    ["deflate", 400, "The request body could not be read."],
    ["nonsense", 415, "encoding is not supported"],
  ])("a body whose encoding is not %s as declared", async (encoding, status, message) => {
    const answer = await post('{"model":"m","input":"x"}', { "content-encoding": encoding });
    expect(answer.status).toBe(status);
    expect(answer.body.error.message).toContain(message);
  });

  test("brackets in a text do not count as depth", async () => {
    const input = `A quote: " and ${"[{".repeat(300)}`;
    expect((await send("POST", `${api.url}/responses`, simulate({ tokens: 1 }, { input }))).status).toBe(200);
  });

  test("bytes that are not UTF-8", async () => {
    const body = Buffer.concat([Buffer.from('{"model":"m","input":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]);
    const response = await fetch(`${api.url}/responses`, {
      method: "POST",
      body,
      headers: { "content-type": "application/json" },
    });
    expect(response.status).toBe(400);
  });

  test("a body of 10 MB is accepted, one over the limit gets 413", async () => {
    const large = await post(JSON.stringify(simulate({ tokens: 1, delay_ms: 0 }, { input: "x".repeat(10_000_000) })));
    expect(large.status).toBe(200);
    const larger = await post(JSON.stringify(simulate({}, { input: "x".repeat(33 * 1024 * 1024) })));
    expect(larger).toMatchObject({ status: 413, body: { error: { code: "request_too_large" } } });
  });

  test("a URL that is encoded incorrectly", async () => {
    expect((await send("GET", `${api.url}/responses/%ZZ`)).status).toBe(400);
  });

  test("without keys, another origin's page and a rebound name are rejected", async () => {
    const from = async (headers: Record<string, string>) => {
      const { promise, resolve } = Promise.withResolvers<number>();
      // fetch sets Host and Origin itself.
      request(`${api.url}/models`, { headers }, (response) => resolve(response.resume().statusCode!)).end();
      return await promise;
    };
    expect(await from({ origin: "https://evil.example" })).toBe(403);
    expect(await from({ origin: "null" })).toBe(403);
    expect(await from({ host: "evil.example" })).toBe(403);
    expect(await from({ origin: "http://localhost:3000" })).toBe(200);
  });

  test("an unknown URL and an unknown method", async () => {
    expect(await send<object>("POST", `${api.url}/nothing`, {})).toMatchObject({
      status: 404,
      body: { error: { message: "Invalid URL (POST /v1/nothing)" } },
    });
    expect((await send("PUT", `${api.url}/responses`, {})).status).toBe(404);
  });

  test("cancel and DELETE accept the empty JSON body of one client", async () => {
    const { id } = await create(api.url, simulate({ hang: true }));
    expect((await send("POST", `${api.url}/responses/${id}/cancel`, "")).status).toBe(200);
    expect((await send("DELETE", `${api.url}/responses/${id}`, "")).status).toBe(200);
  });
});
