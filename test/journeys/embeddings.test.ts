/** `POST /embeddings` with the official clients and the AI SDK, against providers of the test. */
import { createOpenAI } from "@ai-sdk/openai";
import { embed, embedMany } from "ai";
import OpenAI from "openai";
import OpenAI6 from "openai-6";
import { afterAll, beforeEach, expect, test } from "vitest";
import { send } from "../support/api-client.ts";
import { type EmbeddingServer, startEmbeddingServer, vectorOf } from "../support/embedding-server.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { PromptFolder } from "../support/prompt-files.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";
import { answerError } from "../support/upstream-server.ts";

const SECRET = "sk-upstream-0123456789";

const upstream: EmbeddingServer = await startEmbeddingServer();
const base_url = upstream.url;
const folder = await PromptFolder.create({
  "providers.json": {
    providers: {
      local: { kind: "openai-compatible", base_url, api_key_env: "LOCAL_KEY" },
      listed: { kind: "openai-responses", base_url, models: ["embedder"] },
      gemini: { kind: "google", base_url, api_key_env: "LOCAL_KEY" },
      claude: { kind: "anthropic", base_url },
    },
  },
});
const { api } = await openTestServer({
  KEY_PREFIX: uniquePrefix(),
  PROVIDERS_FILE: `${folder.path}/providers.json`,
  LOCAL_KEY: SECRET,
  EMBEDDING_BATCH_SIZE: "8",
  EMBEDDING_CONCURRENCY: "2",
  UPSTREAM_MAX_RETRIES: "1",
});
expectDescribed();
afterAll(async () => {
  await upstream[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});
beforeEach(() => {
  upstream.requests.length = 0;
  upstream.failures.length = 0;
  upstream.sendsNumbers = false;
  upstream.mostInFlight = 0;
  upstream.heldUntil = 1;
});

interface ErrorBody {
  error: { message: string; type: string; param: string | null; code: string | null };
}
const post = async (body: object) => await send<ErrorBody>("POST", `${api.url}/embeddings`, body);
const clients = {
  openai: new OpenAI({ baseURL: api.url, apiKey: "none", maxRetries: 0 }),
  "openai-6": new OpenAI6({ baseURL: api.url, apiKey: "none", maxRetries: 0 }),
};

test.each(Object.entries(clients))("%s gets vectors in both encodings", async (_name, client) => {
  for (const encoding of [{}, { encoding_format: "float" as const }]) {
    const { data, model, usage } = await client.embeddings.create({ model: "local/m", input: ["a", "b"], ...encoding });
    expect(data.map(({ embedding }) => [...embedding])).toEqual([vectorOf("a"), vectorOf("b")]);
    expect(data.map(({ index }) => index)).toEqual([0, 1]);
    expect([model, usage]).toEqual(["local/m", { prompt_tokens: 4, total_tokens: 4 }]);
  }
  const { data } = await client.embeddings.create({ model: "local/m", input: "a", encoding_format: "base64" });
  expect(data[0]!.embedding).toBe(Buffer.from(Float32Array.from(vectorOf("a")).buffer).toString("base64"));
  expect(upstream.requests[0]!.headers.authorization).toBe(`Bearer ${SECRET}`);
});

test("the AI SDK embeds one value and many", async () => {
  const model = createOpenAI({ baseURL: api.url, apiKey: "none" }).embedding("local/m");
  expect((await embed({ model, value: "a" })).embedding).toEqual(vectorOf("a"));
  const values = ["a", "b", "c"];
  expect((await embedMany({ model, values })).embeddings).toEqual(values.map((value) => vectorOf(value)));
});

test("a provider gets every parameter, and tokens as they are", async () => {
  const asked = { dimensions: 2, user: "u" };
  const input = [
    [1, 2],
    [3, 4],
  ];
  const { status, body } = await send<{ data: { embedding: number[] }[] }>("POST", `${api.url}/embeddings`, {
    model: "local/m",
    input,
    ...asked,
  });
  expect(status).toBe(200);
  expect(body.data[1]!.embedding).toEqual(vectorOf([3, 4], 2));
  expect(upstream.requests[0]!.body).toEqual({ model: "m", input, encoding_format: "base64", ...asked });
  await post({ model: "local/m", input: [5, 6, 7] });
  expect(upstream.requests[1]!.body["input"]).toEqual([[5, 6, 7]]);
});

test("a server that ignores base64 is understood", async () => {
  upstream.sendsNumbers = true;
  const { data } = await clients.openai.embeddings.create({ model: "local/m", input: "a" });
  expect([...data[0]!.embedding]).toEqual(vectorOf("a"));
});

test("many inputs are sent in batches, two at a time", async () => {
  upstream.heldUntil = 2;
  const input = Array.from({ length: 46 }, (_, i) => `text ${i}`);
  const { data, usage } = await clients.openai.embeddings.create({ model: "local/m", input });
  expect(data.map(({ embedding }) => [...embedding])).toEqual(input.map((text) => vectorOf(text)));
  expect(usage.total_tokens).toBe(92);
  expect(upstream.requests.map(({ body }) => (body["input"] as string[]).length)).toEqual([8, 8, 8, 8, 8, 6]);
  expect(upstream.mostInFlight).toBe(2);
});

test("Google's models embed, too", async () => {
  for (const input of [["a"], ["a", "b"]]) {
    const { data } = await clients.openai.embeddings.create({ model: "gemini/m", input, dimensions: 4 });
    expect(data.map(({ embedding }) => [...embedding])).toEqual(input.map((text) => vectorOf(text, 4)));
  }
  const { status, body } = await post({ model: "gemini/m", input: [1, 2] });
  expect(status).toBe(400);
  expect(body.error.param).toBe("input");
});

test("the simulator puts texts with the same words near each other", async () => {
  const input = ["a lease expires", "the lease expires", "cooking with pears"];
  const { data, usage } = await clients.openai.embeddings.create({ model: "simulator/any", input });
  const [lease, same, other] = data.map(({ embedding }) => embedding);
  const product = (a: number[], b: number[]): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  expect(product(lease!, lease!)).toBeCloseTo(1, 5);
  expect(product(lease!, same!)).toBeGreaterThan(product(lease!, other!) + 0.3);
  expect(usage.prompt_tokens).toBeGreaterThan(5);
  const short = await clients.openai.embeddings.create({ model: "simulator/any", input: "a", dimensions: 8 });
  expect(short.data[0]!.embedding).toHaveLength(8);
});

test.each([
  [{ input: "a" }, 400, "model", "missing_required_parameter"],
  [{ model: "local/m" }, 400, "input", "missing_required_parameter"],
  [{ model: "local/m", input: "" }, 400, "input", "string_below_min_length"],
  [{ model: "local/m", input: [] }, 400, "input", "array_below_min_length"],
  [{ model: "local/m", input: ["a", ""] }, 400, "input[1]", "string_below_min_length"],
  [{ model: "local/m", input: ["a", 1] }, 400, "input[1]", "invalid_type"],
  [{ model: "local/m", input: [[1.5]] }, 400, "input[0]", "invalid_type"],
  [{ model: "local/m", input: 7 }, 400, "input", "invalid_type"],
  [{ model: "local/m", input: Array(2_049).fill("a") }, 400, "input", "array_above_max_length"],
  [{ model: "local/m", input: "a", dimensions: 0 }, 400, "dimensions", "integer_below_min_value"],
  [{ model: "local/m", input: "a", encoding_format: "hex" }, 400, "encoding_format", "invalid_value"],
  [{ model: "local/m", input: "a", modle: 1 }, 400, "modle", "unknown_parameter"],
  [{ model: "listed/other", input: "a" }, 404, null, "model_not_found"],
  [{ model: "claude/m", input: "a" }, 400, "model", "invalid_prompt"],
])("%j is rejected", async (asked, status, param, code) => {
  const rejected = await post(asked);
  expect([rejected.status, rejected.body.error.param, rejected.body.error.code]).toEqual([status, param, code]);
  expect(upstream.requests).toEqual([]);
});

test("a failed request is sent again", async () => {
  upstream.failures.push(answerError(503, { message: "busy" }, { "retry-after-ms": "1" }));
  const { status } = await post({ model: "local/m", input: "a" });
  expect([status, upstream.requests.length]).toEqual([200, 2]);
});

test.each([
  ["a rejected input", answerError(400, { message: "too long", param: "input" }), 400, "invalid_prompt", "too long"],
  ["a missing model", answerError(404, { message: "no such model" }), 404, "model_not_found", "local/m"],
  ["a rejected key", answerError(401, { message: `bad key ${SECRET}` }), 500, "server_error", "credentials"],
  [
    "an empty account",
    answerError(429, { message: "pay", code: "insufficient_quota" }),
    429,
    "insufficient_quota",
    "pay",
  ],
])("%s is reported and not retried", async (_name, failure, status, code, message) => {
  upstream.failures.push(failure);
  const { status: got, body } = await post({ model: "local/m", input: "a" });
  expect([got, body.error.code]).toEqual([status, code]);
  expect(body.error.message).toContain(message);
  expect(JSON.stringify(body)).not.toContain(SECRET);
  expect(upstream.requests).toHaveLength(1);
});

test("a long rate limit is passed on with its time", async () => {
  upstream.failures.push(answerError(429, { message: `slow down, ${SECRET}` }, { "retry-after": "20" }));
  const answer = await fetch(`${api.url}/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "local/m", input: "a" }),
  });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "20"]);
  expect(await answer.json()).toMatchObject({
    error: { code: "rate_limit_exceeded", message: "slow down, [redacted]" },
  });
});

test.each([
  ["no JSON", "nothing"],
  ["too few vectors", JSON.stringify({ data: [] })],
  ["vectors of two lengths", JSON.stringify({ data: [{ embedding: [1] }, { embedding: [1, 2] }] })],
  ["a vector that is cut off", JSON.stringify({ data: [{ embedding: "AAAA" }, { embedding: "AAAA" }] })],
  ["empty vectors", JSON.stringify({ data: [{ embedding: [] }, { embedding: [] }] })],
])("%s from a provider is its error", async (_name, answer) => {
  const reply = (): void => void upstream.failures.push((response) => response.end(answer));
  reply();
  const { status, body } = await post({ model: "local/m", input: ["a", "b"] });
  expect([status, body.error.code]).toEqual([500, "server_error"]);
});
