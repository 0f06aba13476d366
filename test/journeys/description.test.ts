/** Compares real requests to every endpoint with `/openapi.json`. */
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { OpenAI } from "openai";
import { ROUTES } from "../support/api-description.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";
import { WebhookReceiver } from "../support/webhook-receiver.ts";

const KEY = "key-of-alpha";
const ADMIN = "key-of-the-admin";
const environment = {
  KEY_PREFIX: uniquePrefix(),
  FILES_FOLDER: join(tmpdir(), uniquePrefix()),
  API_KEYS: `alpha:${KEY}`,
  ADMIN_KEYS: `ada:${ADMIN}`,
  OPENAI_API_KEY: "key-of-the-provider",
  OPENAI_BASE_URL: "http://provider.internal/v1",
  RATE_LIMIT_REQUESTS_PER_MINUTE: "1000",
  FETCH_ALLOWED_HOSTS: "127.0.0.1",
  WEBHOOKS_ALLOW_HTTP: "true",
};
afterAll(async () => await rm(environment.FILES_FOLDER, { recursive: true, force: true }));
const headers = { authorization: `Bearer ${KEY}` };
const { api } = await openTestServerWithWorker(environment);
const root = api.url.replace("/v1", "");

const described = expectDescribed();
const call = async <T = { id: string }>(
  method: string,
  path: string,
  body?: unknown,
  more: Record<string, string> = {},
) => await send<T>(method, `${api.url}${path}`, body, { ...headers, ...more });
const say = (text: string) => ({ type: "message", role: "user", content: text });
const FORGED = [{ type: "reasoning", summary: [], encrypted_content: "brs1.k.AAAA" }];
const fast = (fields: object = {}) => simulate({ tokens: 3, delay_ms: 0 }, { background: false, ...fields });

async function stream(body: object): Promise<string> {
  const response = await fetch(`${api.url}/responses`, { method: "POST", headers, body: JSON.stringify(body) });
  return await response.text();
}

describe("every answer matches its description", () => {
  test("responses: created in each mode, followed, cancelled, deleted", async () => {
    const idempotent = { "idempotency-key": "key-1" };
    const { id } = (await call("POST", "/responses", simulate({ tokens: 3, delay_ms: 0 }), idempotent)).body;
    expect((await call("GET", `/responses/${id}`)).status).toBe(200);
    await pollToEnd(api.url, id, headers);
    expect((await call("POST", "/responses", simulate({ tokens: 3, delay_ms: 0 }), idempotent)).status).toBe(200);
    expect((await call("POST", "/responses", simulate({}), idempotent)).status).toBe(422);
    expect((await call("POST", `/responses/${id}/cancel`)).status).toBe(400);
    expect((await subscribe(api.url, id, { headers })).events.at(-1)?.type).toBe("response.completed");
    expect((await subscribe(api.url, id, { headers, startingAfter: 4 })).isWhole).toBe(true);
    const last = (await subscribe(api.url, id, { headers })).events.at(-1)!.id;
    expect((await call("GET", `/responses/${id}?stream=true`, undefined, { "last-event-id": `${last}` })).status).toBe(
      204,
    );
    const running = (await call("POST", "/responses", simulate({ hang: true }))).body.id;
    expect((await call("POST", "/responses", fast({ previous_response_id: running }))).status).toBe(400);
    expect((await call("GET", `/responses/${running}?stream=true&starting_after=999`)).status).toBe(503);
    expect((await call("POST", `/responses/${running}/cancel`)).status).toBe(200);
    expect((await call("DELETE", `/responses/${running}`)).status).toBe(200);
    expect((await call("GET", `/responses/${id}/input_items?limit=5&order=asc`)).status).toBe(200);
    expect((await call("GET", `/responses/${id}/run`)).status).toBe(200);
    expect((await call("GET", `/responses/${id}/event_times?limit=5`)).status).toBe(200);
  });

  test("streams: text, reasoning, calls, refusals, padding, failures and limits", async () => {
    const tools = [
      { type: "function", name: "weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
      { type: "custom", name: "note" },
    ];
    const bodies = [
      fast({ stream_options: { include_obfuscation: true } }),
      { ...simulate({ tokens: 3, delay_ms: 0, reasoning: 3 }, { reasoning: { summary: "auto" } }), background: false },
      fast({ tools, tool_choice: "required" }),
      { ...simulate({ refusal: true, delay_ms: 0 }), background: false },
      { ...simulate({ error: "rate_limit_exceeded", delay_ms: 0 }), background: false },
      { ...simulate({ tokens: 100, delay_ms: 0 }), background: false, max_output_tokens: 16 },
      {
        ...simulate({ delay_ms: 0 }),
        text: { format: { type: "json_schema", name: "x", schema: { type: "object" } } },
      },
    ];
    const texts = await Promise.all(bodies.map((body) => stream({ ...body, stream: true })));
    for (const text of texts) expect(text).toMatch(/event: response\.(?:completed|failed|incomplete)\n/);
    expect(texts[0]).toContain("obfuscation");
  });

  test("containers", async () => {
    const step = JSON.stringify({ call: "python", arguments: { code: "1" } });
    const tools = [{ type: "code_interpreter", container: { type: "auto" } }];
    const ran = await call("POST", "/responses", simulate({ "step.1": step }, { background: false, tools }));
    expect(ran.status).toBe(200);
    const { data } = (await call<{ data: { id: string }[] }>("GET", "/containers")).body;
    expect(data).toHaveLength(1);
    expect((await call("GET", `/containers/${data[0]!.id}`)).status).toBe(200);
    expect((await call("DELETE", `/containers/${data[0]!.id}`)).status).toBe(200);
  });

  test("files and their bytes", async () => {
    const upload = async (fields: Record<string, string>, content = "0123456789", type = "text/plain") => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.set(name, value);
      form.set("file", new Blob([content], { type }), "digits.txt");
      const answer = await fetch(`${api.url}/files`, { method: "POST", headers, body: form });
      return { status: answer.status, body: (await answer.json()) as { id: string } };
    };
    const { status, body } = await upload({ purpose: "user_data" });
    expect(status).toBe(200);
    for (const fields of [{}, { purpose: "fun" }, { purpose: "evals", color: "red" }]) {
      expect((await upload(fields)).status).toBe(400);
    }
    expect((await upload({ purpose: "user_data" }, "")).status).toBe(400);
    expect((await call("POST", "/files", {})).status).toBe(415);
    expect((await call("GET", "/files?purpose=user_data&limit=10000")).status).toBe(200);
    expect((await call("GET", "/files?limit=0")).status).toBe(400);
    expect((await call("GET", `/files/${body.id}`)).status).toBe(200);
    const content = async (more: Record<string, string>) =>
      (await fetch(`${api.url}/files/${body.id}/content`, { headers: { ...headers, ...more } })).status;
    expect(await content({})).toBe(200);
    expect(await content({ range: "bytes=1-2" })).toBe(206);
    expect(await content({ range: "bytes=10-" })).toBe(416);
    expect(await content({ "if-none-match": "*" })).toBe(304);
    expect((await call("DELETE", `/files/${body.id}`)).status).toBe(200);
    expect((await call("DELETE", `/files/${body.id}`)).status).toBe(404);
    expect((await call("GET", "/files/foo/content")).status).toBe(404);
  });

  test("uploads in parts", async () => {
    const wanted = { bytes: 4, filename: "a.txt", mime_type: "text/plain", purpose: "user_data" };
    const path = `/uploads/${(await call("POST", "/uploads", wanted)).body.id}`;
    expect((await call("POST", "/uploads", { ...wanted, bytes: 0 })).status).toBe(400);
    expect((await call("POST", "/uploads", { ...wanted, bytes: 10 ** 13 })).status).toBe(400);
    const addPart = async (content: string, more: Record<string, string> = {}) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(more)) form.set(name, value);
      form.set("data", new Blob([content]));
      const answer = await fetch(`${api.url}${path}/parts`, { method: "POST", headers, body: form });
      return { status: answer.status, body: (await answer.json()) as { id: string } };
    };
    const { status, body } = await addPart("1234");
    expect(status).toBe(200);
    for (const [content, fields] of [
      ["", {}],
      ["12345", {}],
      ["1", { color: "red" }],
    ] as const) {
      expect((await addPart(content, fields)).status).toBe(400);
    }
    expect((await call("POST", `${path}/complete`, { part_ids: [] })).status).toBe(400);
    expect((await call("POST", `${path}/complete`, { part_ids: ["part_1"] })).status).toBe(400);
    expect((await call("POST", `${path}/complete`, { part_ids: [body.id] })).status).toBe(200);
    expect((await call("POST", `${path}/cancel`)).status).toBe(400);
    const other = `/uploads/${(await call("POST", "/uploads", wanted)).body.id}`;
    expect((await call("POST", `${other}/cancel`)).status).toBe(200);
    expect((await call("POST", "/uploads/foo/cancel")).status).toBe(404);
  });

  test("webhook endpoints and their tries", async () => {
    await using receiver = await WebhookReceiver.start();
    const fields = { name: "Test", url: receiver.url, event_types: ["response.completed"] };
    const { id } = (await call("POST", "/webhook_endpoints", fields)).body;
    const path = `/webhook_endpoints/${id}`;
    expect((await call("GET", path)).status).toBe(200);
    expect((await call("GET", "/webhook_endpoints?limit=1")).status).toBe(200);
    expect((await call("GET", "/webhook_event_types")).status).toBe(200);
    expect((await call("POST", path, { name: "Renamed" })).status).toBe(200);
    expect((await call("POST", `${path}/rotate_secret`)).status).toBe(200);
    expect((await call("POST", `${path}/test`, { event_type: "response.failed" })).status).toBe(200);
    await call("POST", "/responses", simulate({ tokens: 1, delay_ms: 0 }));
    const tries = async () => (await call<{ data: object[] }>("GET", `${path}/deliveries`)).body.data;
    await expect.poll(tries).toHaveLength(1);
    expect((await call("POST", "/webhook_endpoints", { ...fields, url: "ftp://a.example" })).status).toBe(400);
    expect((await call("DELETE", path)).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(404);
  });

  test("conversations and their items", async () => {
    const conversation = (await call("POST", "/conversations", { items: [say("one")], metadata: { a: "b" } })).body;
    const path = `/conversations/${conversation.id}`;
    expect((await call("GET", path)).status).toBe(200);
    expect((await call("POST", path, { metadata: { c: "d" } })).status).toBe(200);
    const added = await call<{ data: { id: string }[] }>("POST", `${path}/items`, {
      items: [say("two"), say("three")],
    });
    const itemId = added.body.data[0]!.id;
    expect((await call("GET", `${path}/items/${itemId}`)).status).toBe(200);
    expect((await call("POST", "/responses", fast({ conversation: conversation.id }))).status).toBe(200);
    const page = await call<{ data: object[] }>("GET", `${path}/items?limit=2&after=${itemId}`);
    expect(page.status).toBe(200);
    expect((await call("DELETE", `${path}/items/${itemId}`)).status).toBe(200);
    expect((await call("DELETE", `${path}/items/${itemId}`)).status).toBe(404);
    const busy = (await call("POST", "/responses", simulate({ hang: true }, { conversation: conversation.id }))).body
      .id;
    expect((await call("POST", "/responses", fast({ conversation: conversation.id }))).status).toBe(400);
    expect((await call("POST", `${path}/items`, { items: [say("four")] })).status).toBe(400);
    expect((await call("DELETE", `/responses/${busy}`)).status).toBe(200);
    expect((await call("GET", "/conversations?limit=2&metadata[c]=d")).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(200);
    expect((await call("GET", path)).status).toBe(404);
  });

  test("lists of responses with every filter", async () => {
    const failing = { ...simulate({ error: "rate_limit_exceeded", delay_ms: 0 }), background: false };
    const limited = { ...simulate({ tokens: 100, delay_ms: 0 }), background: false, max_output_tokens: 16 };
    const running = (await call("POST", "/responses", simulate({ hang: true }))).body.id;
    for (const body of [failing, limited]) expect((await call("POST", "/responses", body)).status).toBe(200);
    const filters = [
      "limit=100&include[]=output&include[]=run",
      "status=completed&status=failed&background=false&order=asc",
      "model=simulator/default&created_after=1&created_before=9999999999&metadata[simulator.hang]=true",
      `step=waiting_for_approval&before=${running}&include=run`,
    ];
    for (const query of filters) expect((await call("GET", `/responses?${query}`)).status).toBe(200);
    expect((await call("DELETE", `/responses/${running}`)).status).toBe(200);
  });

  test("token counts, and a compaction that a response continues", async () => {
    const input = [say("Herons wait."), say("And now?")];
    const counted = await call("POST", "/responses/input_tokens", { model: "simulator/default", input });
    expect(counted.status).toBe(200);
    expect((await call("POST", "/responses/input_tokens")).status).toBe(200);
    const compacted = await call<{ output: object[] }>("POST", "/responses/compact", {
      model: "simulator/default",
      input,
    });
    expect(compacted.status).toBe(200);
    expect((await call("POST", "/responses", fast({ input: compacted.body.output }))).status).toBe(200);
    const compaction = [{ type: "compaction", compact_threshold: 1_000 }];
    expect((await call("POST", "/responses", fast({ context_management: compaction }))).status).toBe(200);
  });

  test.each([{}, { encoding_format: "base64" }, { dimensions: 8 }])("embeddings with %j", async (options) => {
    const body = { model: "simulator/default", input: ["Herons wait.", "And now?"], ...options };
    expect((await call("POST", "/embeddings", body)).status).toBe(200);
  });

  test("items with every `include`", async () => {
    const { id } = (await call("POST", "/responses", fast())).body;
    const both = "include=reasoning.encrypted_content&include=message.output_text.logprobs";
    for (const path of [
      `/responses/${id}?${both}`,
      `/responses/${id}/input_items?include[]=file_search_call.results`,
    ]) {
      expect((await call("GET", path)).status).toBe(200);
    }
    const conversation = (await call("POST", "/conversations")).body.id;
    const path = `/conversations/${conversation}/items`;
    const added = await call<{ data: { id: string }[] }>("POST", `${path}?${both}`, { items: [say("one")] });
    expect((await call("GET", `${path}?${both}`)).status).toBe(200);
    expect((await call("GET", `${path}/${added.body.data[0]!.id}?${both}`)).status).toBe(200);
  });

  test("models, the server, and the paths under /v5", async () => {
    for (const path of ["/models", "/models/simulator/default"]) expect((await call("GET", path)).status).toBe(200);
    expect((await call("GET", "/models/simulator")).status).toBe(200);
    for (const path of ["/healthz", "/readyz"]) expect((await send("GET", `${root}${path}`)).status).toBe(200);
    expect((await send("GET", `${root}/v5/models`, undefined, headers)).status).toBe(200);
    expect((await call("GET", "/nothing")).status).toBe(404);
  });

  test.each<[string, string, unknown, number]>([
    ["POST", "/responses", { model: "simulator/default" }, 400],
    ["POST", "/responses", "{", 400],
    ["POST", "/responses", "[".repeat(300), 400],
    ["POST", "/responses", fast({ temperature: 3 }), 400],
    ["POST", "/responses", fast({ metadata: { ["k".repeat(65)]: "v" } }), 400],
    ["POST", "/responses", fast({ conversation: "conv_1" }), 404],
    ["GET", "/containers?limit=0", undefined, 400],
    ["GET", "/responses?status=done", undefined, 400],
    ["GET", "/responses?before=resp_1", undefined, 400],
    ["GET", "/responses?project=*", undefined, 403],
    ["GET", "/conversations?after=conv_1", undefined, 400],
    ["GET", "/conversations?created_after=-1", undefined, 400],
    ["GET", "/containers?after=cntr_1", undefined, 400],
    ["GET", "/containers/cntr_1", undefined, 404],
    ["DELETE", "/containers/foo", undefined, 400],
    ["POST", "/responses", fast({ conversation: "conv_1", previous_response_id: "resp_1" }), 400],
    ["POST", "/responses", fast({ input: [{ type: "item_reference", id: "msg_1" }] }), 404],
    ["POST", "/responses", fast({ input: [{ type: "function_call", call_id: "c", name: "n", arguments: "{}" }] }), 400],
    ["GET", "/responses/foo", undefined, 400],
    ["GET", "/responses/resp_1", undefined, 404],
    ["GET", "/responses/%ZZ", undefined, 400],
    ["DELETE", "/responses/resp_1", undefined, 404],
    ["POST", "/responses/resp_1/cancel", undefined, 404],
    ["GET", "/responses/resp_1/input_items?limit=0", undefined, 400],
    ["POST", "/conversations", { items: [{ type: "bogus" }] }, 400],
    ["POST", "/conversations/conv_1", { metadata: {} }, 404],
    ["GET", "/conversations/conv_1/items?order=up", undefined, 400],
    ["GET", "/conversations/conv_1/items/msg_1", undefined, 404],
    ["GET", "/responses/resp_1?include=bogus", undefined, 400],
    ["GET", "/conversations/conv_1/items/msg_1?include[]=bogus", undefined, 400],
    ["POST", "/conversations/conv_1/items?include=bogus", { items: [] }, 400],
    ["POST", "/responses", { prompt: { id: "pmpt_none" } }, 404],
    ["POST", "/responses", fast({ input: FORGED }), 400],
    ["POST", "/conversations", { items: FORGED }, 400],
    ["POST", "/responses/input_tokens", { inptu: "Hello" }, 400],
    ["POST", "/responses/compact", { model: "simulator/default", input: [] }, 400],
  ])("an error: %s %s %j", async (method, path, body, status) => {
    expect((await call(method, path, body)).status).toBe(status);
  });

  test("errors before any endpoint", async () => {
    for (const path of ["/responses/resp_1", "/models", "/../openapi.json"]) {
      expect((await call("GET", path, undefined, { "x-client-request-id": "x".repeat(513) })).status).toBe(400);
      expect((await call("GET", path, undefined, { "x-request-id": "mine" })).headers.get("x-request-id")).toBe("mine");
    }
    for (const path of ["/responses/resp_1", "/models"]) {
      expect((await send("GET", `${api.url}${path}`)).status).toBe(401);
      expect((await send("GET", `${api.url}${path}`, undefined, { authorization: "Bearer no" })).status).toBe(401);
    }
    expect((await call("POST", "/responses", fast(), { "content-encoding": "nonsense" })).status).toBe(415);
    const limits = { KEY_PREFIX: uniquePrefix(), RATE_LIMIT_REQUESTS_PER_MINUTE: "1", MAX_BODY_BYTES: "2048" };
    await using small = await startApi(limits);
    expect((await send("POST", `${small.url}/responses`, "x".repeat(3_000))).status).toBe(413);
    expect((await send("GET", `${small.url}/models/nobody/none`)).status).toBe(404);
    expect((await send("POST", `${small.url}/responses`, { model: "nobody/none", input: "x" })).status).toBe(404);
    expect((await send("POST", `${small.url}/responses/input_tokens`, { model: "nobody/none" })).status).toBe(404);
    await create(small.url, simulate({}));
    for (const path of ["/responses", "/responses/compact"]) {
      const body = { model: "simulator/default", input: "Hello" };
      expect((await send("POST", `${small.url}${path}`, body)).status).toBe(429);
    }
  });

  test("administration: projects, keys, limits, usage and the audit log", async () => {
    const admin = async (method: string, path: string, body?: object) => {
      const headersOfAdmin = { authorization: `Bearer ${ADMIN}` };
      const answer = await send<{ id: string }>(method, `${api.url}/organization${path}`, body, headersOfAdmin);
      expect({ method, path, status: answer.status }).toEqual({ method, path, status: 200 });
      return answer.body.id;
    };
    const month = { currency: "USD", interval: "month", threshold_amount: 100 };
    const project = `/projects/${await admin("POST", "/projects", { name: "one" })}`;
    await admin("GET", "/projects?limit=1");
    await admin("GET", project);
    await admin("POST", project, { name: "two" });
    const accounts = `${project}/service_accounts`;
    const account = `${accounts}/${await admin("POST", accounts, { name: "worker" })}`;
    await admin("GET", accounts);
    await admin("GET", account);
    await admin("POST", account, { name: "other" });
    await admin("POST", `${account}/api_keys`, {});
    const key = `${project}/api_keys/${await admin("POST", `${project}/api_keys`, { name: "own" })}`;
    await admin("GET", `${project}/api_keys`);
    await admin("GET", key);
    await admin("DELETE", key);
    await admin("DELETE", account);
    await admin("GET", `${project}/rate_limits`);
    await admin("POST", `${project}/rate_limits/rl_all_models`, { max_open_responses: 3 });
    await admin("POST", `${project}/spend_limit`, month);
    await admin("GET", `${project}/spend_limit`);
    await admin("DELETE", `${project}/spend_limit`);
    const alert = `${project}/spend_alerts/${await admin("POST", `${project}/spend_alerts`, month)}`;
    await admin("GET", `${project}/spend_alerts`);
    await admin("GET", alert);
    await admin("POST", alert, month);
    await admin("DELETE", alert);
    await admin("POST", `${project}/archive`);
    for (const path of ["/usage/completions?group_by[]=model", "/costs?group_by=project_id"]) {
      await admin("GET", `${path}&start_time=${Math.floor(Date.now() / 1000) - 86_400}`);
    }
    await admin("GET", "/audit_logs?effective_at[gte]=1&event_types[]=project.created");
    await admin("GET", "/workers");
    await admin("GET", "/queues");
  });

  test("answers to an official client", async () => {
    const client = new OpenAI({ baseURL: api.url, apiKey: KEY, maxRetries: 0 });
    const { id } = await client.conversations.create({ items: [{ type: "message", role: "user", content: "Hi" }] });
    const response = await client.responses.create({ model: "simulator/default", input: "Hello", conversation: id });
    const types: string[] = [];
    for await (const event of await client.responses.retrieve(response.id, { stream: true })) types.push(event.type);
    expect(types.at(-1)).toBe("response.completed");
    expect((await client.responses.inputItems.list(response.id)).data).toHaveLength(1);
    expect((await client.conversations.items.list(id)).data).toHaveLength(3);
  });

  test("requests cover every route", async () => {
    await fetch(`${root}/openapi.json`);
    await fetch(`${root}/docs`);
    await fetch(`${root}/docs/clients`);
    await fetch(`${root}/`);
    const answered = [...described.seen].filter((seen) => seen.endsWith(" 200"));
    expect(answered.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path} 200`).toSorted());
  });
});
