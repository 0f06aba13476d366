/** Bodies with very many values: each is answered without delaying other requests. */
import { gzipSync } from "node:zlib";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compactRequestSchema } from "../../src/protocol/compaction.ts";
import { createConversationSchema, createItemsSchema } from "../../src/protocol/conversation.ts";
import { createRequestSchema } from "../../src/protocol/create-request.ts";
import { inputTokensRequestSchema } from "../../src/protocol/input-tokens.ts";
import { create, send, simulate } from "../support/api-client.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { createWide, findWideLocations } from "../support/wide-bodies.ts";

const SCHEMAS = {
  "/responses": createRequestSchema,
  "/responses/compact": compactRequestSchema,
  "/responses/input_tokens": inputTokensRequestSchema,
  "/conversations": createConversationSchema,
  "/conversations/CONV/items": createItemsSchema,
};
const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MODEL = "simulator/default";
let api: ApiProcess;
let conversation: string;

beforeAll(async () => {
  api = await startApi({ KEY_PREFIX: uniquePrefix() });
  conversation = (await send<{ id: string }>("POST", `${api.url}/conversations`, {})).body.id;
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

async function post(path: string, bytes: Buffer): Promise<{ status: number; body: unknown }> {
  const headers = { "content-type": "application/json", "content-encoding": "gzip" };
  const url = `${api.url}${path.replace("CONV", conversation)}`;
  const { statusCode, body } = await request(url, { method: "POST", headers, body: gzipSync(bytes, { level: 1 }) });
  return { status: statusCode, body: await body.json() };
}

const envelope = { error: { type: "invalid_request_error", message: expect.any(String) as string } };

describe.each(Object.entries(SCHEMAS))("%s", (path, schema) => {
  const lists = findWideLocations(schema).filter(({ name, bad }) => bad !== undefined && !name.slice(1).includes("."));

  test.each(lists)("200,000 errors in $name", async ({ kind, bodyWith, bad }) => {
    const body = { ...(bodyWith(createWide(kind, bad!.value, 200_000)) as object), model: MODEL };
    const answer = await post(path, Buffer.from(JSON.stringify(path.startsWith("/resp") ? body : omitModel(body))));
    expect([400, 413]).toContain(answer.status);
    expect(answer.body).toMatchObject(envelope);
  });
});

const omitModel = ({ model: _model, ...body }: { model: string }): object => body;

test.each<[string, begin: string, value: string, end: string]>([
  ["empty parts", `{"model":"${MODEL}","input":[{"role":"user","content":[`, "{}", "]}]}"],
  ["messages", `{"model":"${MODEL}","input":[`, '{"role":"user","content":"a"}', "]}"],
  ["numbers", `{"model":"${MODEL}","input":"a","include":[`, "1", "]}"],
])("a body full of %s is rejected, and the process survives", async (_name, begin, value, end) => {
  const count = Math.floor((MAX_BODY_BYTES - begin.length - end.length) / (value.length + 1));
  const answer = await post("/responses", Buffer.from(`${begin}${`${value},`.repeat(count - 1)}${value}${end}`));
  expect(answer).toMatchObject({ status: 413, body: { error: { code: "too_many_values" } } });
  expect(api.lines.filter(({ level }) => level >= 50)).toEqual([]);
});

test("a long history is accepted without delaying another request", async () => {
  const input = Array.from({ length: 60_000 }, () => ({ role: "user", content: "a" }));
  const bytes = Buffer.from(JSON.stringify({ ...simulate({ hang: true }), background: true, input }));
  const state = { isAnswered: false };
  let answersMeanwhile = 0;
  const accepted = post("/responses", bytes).finally(() => (state.isAnswered = true));
  while (!state.isAnswered) {
    const health = await request(new URL("/healthz", api.url));
    expect(health.statusCode).toBe(200);
    await health.body.dump();
    if (!state.isAnswered) answersMeanwhile += 1;
  }
  expect((await accepted).status).toBe(200);
  expect(answersMeanwhile).toBeGreaterThan(3);
  expect((await create(api.url, simulate({ hang: true }))).id).toMatch(/^resp_/);
});
