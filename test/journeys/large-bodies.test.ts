/** Large bodies, valid or with an error at the end, do not delay other requests, here or in Redis. */
import { randomUUID } from "node:crypto";
import { gzipSync } from "node:zlib";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RedisInspector, send } from "../support/api-client.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const prefix = uniquePrefix();
let api: ApiProcess;
let inspector: RedisInspector;

beforeAll(async () => {
  inspector = new RedisInspector(prefix);
  await inspector.redis.config("SET", "slowlog-log-slower-than", "100000");
  api = await startApi({ KEY_PREFIX: prefix, MAX_STORED_BYTES_PER_PROJECT: "0" });
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  inspector[Symbol.dispose]();
});

async function post(path: string, body: object): Promise<{ status: number; body: { id?: string; error?: unknown } }> {
  const sent = gzipSync(JSON.stringify({ model: "simulator/default", background: true, ...body }), { level: 1 });
  const headers = { "content-encoding": "gzip", "idempotency-key": randomUUID() };
  const answer = await request(`${api.url}${path}`, { method: "POST", headers, body: sent });
  return { status: answer.statusCode, body: (await answer.body.json()) as object };
}

/** The longest that another request waited while `act` ran, in milliseconds. */
async function longestWait(act: Promise<unknown>): Promise<number> {
  const state = { isOver: false };
  const over = act.finally(() => (state.isOver = true));
  let longestMs = 0;
  while (!state.isOver) {
    const startedMs = performance.now();
    await (await request(new URL("/healthz", api.url))).body.dump();
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  }
  await over;
  return longestMs;
}

/** Twice the time on an idle machine, and half of the time that any of these takes without slices. */
const WAIT_MS = 800;

const headers = Object.fromEntries(Array.from({ length: 9_000 }, (_, i) => [`h${i}`, "v"]));
const servers = Array.from({ length: 20 }, (_, i) => ({
  type: "mcp",
  server_label: `s${i}`,
  server_url: "https://a.example/",
  headers,
}));

test("180,000 secrets are sealed in turns", async () => {
  const answered = post("/responses", { input: "a", tools: servers });
  expect(await longestWait(answered)).toBeLessThan(WAIT_MS);
  expect(await answered).toMatchObject({ status: 200 });
});

test("of 98,000 unknown references, only the first is looked up", async () => {
  const input = Array.from({ length: 98_000 }, (_, i) => ({ type: "item_reference", id: `msg_${i}` }));
  const answered = post("/responses/input_tokens", { background: undefined, input });
  expect(await longestWait(answered)).toBeLessThan(WAIT_MS);
  expect(await answered).toMatchObject({ status: 404, body: { error: { param: "input" } } });
});

test("a history of 70,000 items is accepted without a slow Redis command", async () => {
  const input = Array.from({ length: 70_000 }, (_, i) => ({ role: "user", content: "a", id: `msg_${i}` }));
  const accepted = await post("/responses", { input });
  expect(accepted).toMatchObject({ status: 200 });
  const slow = (await inspector.redis.slowlog("GET", 100)) as [number, number, number, string[]][];
  expect(slow.map(([, , , command]) => command.join(" ")).filter((text) => text.includes(prefix))).toEqual([]);
  const named = await post("/responses/input_tokens", {
    background: undefined,
    input: ["msg_69999", "msg_0"].map((id) => ({ type: "item_reference", id })),
  });
  expect(named).toMatchObject({ status: 200 });
});

test("an item can be referenced among many others", async () => {
  const { redis, layout } = inspector;
  const said = (id: string) => ({ type: "message", role: "user", content: "x".repeat(40_000), id });
  const { body: response } = await post("/responses", { input: ["msg_a", "msg_b", "msg_c"].map(said) });
  const page = await send<{ data: { id: string }[] }>("GET", `${api.url}/responses/${response.id}/input_items`);
  expect(page.body.data).toHaveLength(3);
  // The second item is invalid JSON: reading it fails.
  await redis.setrange(layout.input(response.id!), 41_000, '"');
  const { body: conversation } = await post("/conversations", {
    model: undefined,
    background: undefined,
    items: ["msg_d", "msg_e"].map(said),
  });
  await redis.hset(layout.conversationItems(conversation.id!), "msg_e", "}");
  const input = ["msg_a", "msg_c", "msg_d"].map((id) => ({ type: "item_reference", id }));
  expect(await post("/responses", { input })).toMatchObject({ status: 200, body: { error: null } });
  expect(await post("/responses", { input: "a", conversation: conversation.id })).toMatchObject({ status: 200 });
});

test("references cannot make a request larger than a body may be", async () => {
  await using small = await startApi({ KEY_PREFIX: prefix, MAX_BODY_BYTES: "100000" });
  const ask = async (ids: string[]) => {
    const input = ids.map((id) => ({ type: "item_reference", id }));
    return await send<unknown>("POST", `${small.url}/responses/input_tokens`, { input });
  };
  const items = ["msg_f", "msg_g", "msg_h"].map((id) => ({
    type: "message",
    role: "user",
    content: "x".repeat(30_000),
    id,
  }));
  expect((await send("POST", `${small.url}/conversations`, { items })).status).toBe(200);
  expect(await ask(["msg_f", "msg_g", "msg_h"])).toMatchObject({ status: 200 });
  const more = { type: "message", role: "user", content: "x".repeat(30_000), id: "msg_i" };
  expect((await send("POST", `${small.url}/conversations`, { items: [more] })).status).toBe(200);
  expect(await ask(["msg_f", "msg_g", "msg_h", "msg_i"])).toMatchObject({
    status: 400,
    body: { error: { param: "input", code: "referenced_items_too_large" } },
  });
});
