/** Conversations: their items, the turns that responses add to them, and the lock that lets one write at a time. */
import { describe, expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { untilNoneInFlight } from "../support/poll-until.ts";
import { startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

interface Conversation {
  id: string;
  object: string;
  created_at: number;
  metadata: Record<string, string>;
}
interface Item {
  id: string;
  type: string;
  role?: string;
  content?: { type: string; text: string }[];
}
interface Page {
  object: "list";
  data: Item[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix, API_KEYS: "alpha:key-of-alpha,beta:key-of-beta" };
const ALPHA = { authorization: "Bearer key-of-alpha" };
const BETA = { authorization: "Bearer key-of-beta" };
const server = await openTestServerWithWorker(environment);
const { api, inspector } = server;

expectDescribed();

const call = async <T>(method: string, path: string, body?: unknown, headers = ALPHA) =>
  await send<T>(method, `${api.url}${path}`, body, headers);
const open = async (body: unknown = {}) => (await call<Conversation>("POST", "/conversations", body)).body;
const itemsOf = async (id: string) => (await call<Page>("GET", `/conversations/${id}/items?order=asc`)).body.data;
const textsOf = (items: Item[]) => items.map((item) => item.content?.map((part) => part.text).join(""));
const say = (text: string) => ({ type: "message", role: "user", content: text });
const NAMED = { ...say("x"), id: "msg_x" };
const answer = (text: string, conversation: string, fields: object = {}) =>
  simulate({ text, delay_ms: 0 }, { background: false, conversation, input: `Say ${text}`, ...fields });

describe("a conversation", () => {
  test("is created, read, changed and deleted once", async () => {
    const conversation = await open({ metadata: { topic: "herons" }, items: [say("Hello")] });
    expect(conversation).toMatchObject({ object: "conversation", metadata: { topic: "herons" } });
    expect(conversation.id).toMatch(/^conv_[0-9a-f]{50}$/);
    const path = `/conversations/${conversation.id}`;
    expect((await call("GET", path)).body).toEqual(conversation);
    const changed = await call("POST", path, { metadata: { topic: "reeds" } });
    expect(changed.body).toEqual({ ...conversation, metadata: { topic: "reeds" } });
    expect((await call("GET", path)).body).toEqual(changed.body);
    const deleted = await call("DELETE", path);
    expect(deleted.body).toEqual({ id: conversation.id, object: "conversation.deleted", deleted: true });
    expect(await call("DELETE", path)).toMatchObject({
      status: 404,
      body: { error: { message: `Conversation with id '${conversation.id}' not found.`, param: null, code: null } },
    });
    expect(await inspector.redis.keys(`*${conversation.id}*`)).toEqual([]);
  });

  test("keeps its items in order, pages them, and returns each by id", async () => {
    const { id } = await open({ items: [say("one"), say("two")] });
    const added = await call<Page>("POST", `/conversations/${id}/items`, { items: [say("three")] });
    expect(added.body).toMatchObject({ object: "list", has_more: false, first_id: added.body.data[0]!.id });
    const all = await itemsOf(id);
    expect(textsOf(all)).toEqual(["one", "two", "three"]);
    expect(all[0]).toMatchObject({
      type: "message",
      role: "user",
      status: "completed",
      content: [{ type: "input_text" }],
    });
    const page = (await call<Page>("GET", `/conversations/${id}/items?limit=2`)).body;
    expect(textsOf(page.data)).toEqual(["three", "two"]);
    const rest = await call<Page>("GET", `/conversations/${id}/items?limit=2&after=${page.last_id}`);
    expect(rest.body).toMatchObject({ has_more: false, data: [{ id: all[0]!.id }] });
    const path = `/conversations/${id}/items/${all[1]!.id}`;
    expect((await call<Item>("GET", path)).body).toEqual(all[1]);
    expect((await call<Conversation>("DELETE", path)).body).toMatchObject({ id, object: "conversation" });
    expect(textsOf(await itemsOf(id))).toEqual(["one", "three"]);
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("DELETE", path)).status).toBe(404);
  });

  test.each([
    [
      "21 items",
      "/conversations",
      { items: Array.from({ length: 21 }, () => say("x")) },
      "items",
      "array_above_max_length",
    ],
    ["no items", "/conversations/ID/items", {}, "items", "missing_required_parameter"],
    ["no metadata", "/conversations/ID", {}, "metadata", "missing_required_parameter"],
    ["an unknown key", "/conversations", { item: [] }, "item", "unknown_parameter"],
    ["an item of an unknown kind", "/conversations", { items: [{ type: "zzz" }] }, "items[0].type", "invalid_value"],
    ["an empty id", "/conversations", { items: [{ ...say("x"), id: "" }] }, "items[0].id", "string_below_min_length"],
    ["two items with one id", "/conversations", { items: [NAMED, NAMED] }, "items[1].id", "invalid_value"],
    ["two of them further on", "/conversations/ID/items", { items: [NAMED, NAMED] }, "items[1].id", "invalid_value"],
    ["an order", "/conversations/ID/items", { items: [{ type: "compaction_trigger" }] }, "items[0]", "invalid_value"],
    [
      "an invalid metadata name",
      "/conversations",
      { metadata: JSON.parse('{"__proto__":"x"}') as object },
      "metadata.__proto__",
      "invalid_value",
    ],
  ])("rejects %s", async (_name, path, body, param, code) => {
    const { id } = await open();
    expect(await call("POST", path.replace("ID", id), body)).toMatchObject({
      status: 400,
      body: { error: { param, code } },
    });
  });

  test("keeps an existing id's item, and adds nothing of that request", async () => {
    const { id } = await open({ items: [{ ...say("one"), id: "msg_one" }] });
    const items = [say("new"), { ...say("another"), id: "msg_one" }];
    expect(await call("POST", `/conversations/${id}/items`, { items })).toMatchObject({
      status: 400,
      body: {
        error: {
          message: "Invalid 'items[1].id': an item with id 'msg_one' already exists.",
          param: "items[1].id",
          code: "invalid_value",
        },
      },
    });
    expect(textsOf(await itemsOf(id))).toEqual(["one"]);
    // A response is never rejected for it: its turn is added as far as it is new.
    const input = [{ ...say("again"), id: "msg_one" }];
    expect((await create(api.url, answer("done", id, { input }), ALPHA)).status).toBe("completed");
    expect(textsOf(await itemsOf(id))).toEqual(["one", "done"]);
  });

  test("accepts a repeated include", async () => {
    const { id } = await open({ items: [say("one")] });
    const query = "include[]=message.input_image.image_url&".repeat(30);
    expect((await call<Page>("GET", `/conversations/${id}/items?${query}`)).body.data).toHaveLength(1);
  });

  test("of another project is unknown to every method", async () => {
    const { id } = await open({ items: [say("mine")] });
    const [item] = await itemsOf(id);
    for (const [method, path, body] of [
      ["GET", ""],
      ["POST", "", { metadata: {} }],
      ["DELETE", ""],
      ["GET", "/items"],
      ["POST", "/items", { items: [say("theirs")] }],
      ["GET", `/items/${item!.id}`],
      ["DELETE", `/items/${item!.id}`],
    ] as const) {
      expect((await call(method, `/conversations/${id}${path}`, body, BETA)).status, `${method} ${path}`).toBe(404);
    }
    const created = await call("POST", "/responses", answer("x", id), BETA);
    expect(created).toMatchObject({
      status: 404,
      body: { error: { message: `Conversation with id '${id}' not found.` } },
    });
    expect(textsOf(await itemsOf(id))).toEqual(["mine"]);
  });
});

describe("a response in a conversation", () => {
  test("gets the earlier items, and adds its turn", async () => {
    const { id } = await open({ items: [say("The word is heron.")] });
    const first = await create(api.url, answer("first", id), ALPHA);
    expect(first).toMatchObject({ status: "completed", conversation: { id }, previous_response_id: null });
    const second = await create(api.url, answer("second", id), ALPHA);
    expect(textsOf(await itemsOf(id))).toEqual(["The word is heron.", "Say first", "first", "Say second", "second"]);
    const tokens = (response: Response) => (response.status === "completed" ? response.usage.input_tokens : 0);
    expect(tokens(second)).toBeGreaterThan(tokens(first));
  });

  test("adds its turn at once at its end; meanwhile others are rejected", async () => {
    const { id } = await open();
    const body = { ...simulate({ tokens: 60, delay_ms: 20 }), conversation: id };
    const running = await create(api.url, body, ALPHA);
    await subscribe(api.url, running.id, { headers: ALPHA, cutAfterEvents: 10 });
    expect(await itemsOf(id)).toEqual([]);
    const rejected = [
      await call("POST", "/responses", { ...body, background: false }),
      await call("POST", `/conversations/${id}/items`, { items: [say("x")] }),
      await call("DELETE", `/conversations/${id}/items/msg_x`),
    ];
    for (const each of rejected) {
      expect(each).toMatchObject({
        status: 400,
        body: { error: { code: "conversation_locked", param: "conversation" } },
      });
      expect(Number(each.headers.get("retry-after"))).toBeGreaterThan(0);
    }
    await pollToEnd(api.url, running.id, ALPHA);
    // A client that sees the end may send the next request at once.
    const next = await create(api.url, answer("next", id), ALPHA);
    expect(next.status).toBe("completed");
    expect(await itemsOf(id)).toHaveLength(4);
    expect(await inspector.inFlight()).toEqual([]);
  });

  test.each([
    ["failed", { error: "server_error" }],
    ["cancelled", { hang: true }],
  ])("that is %s adds nothing and releases the lock", async (status, settings) => {
    const { id } = await open();
    const running = await create(api.url, { ...simulate(settings), conversation: id }, ALPHA);
    if (status === "cancelled") await call("POST", `/responses/${running.id}/cancel`);
    expect((await pollToEnd(api.url, running.id, ALPHA)).status).toBe(status);
    expect((await create(api.url, answer("after", id), ALPHA)).status).toBe("completed");
    expect(textsOf(await itemsOf(id))).toEqual(["Say after", "after"]);
  });

  test("whose worker was killed adds its turn once", async () => {
    await server.worker[Symbol.asyncDispose]();
    const doomed = await startWorker(environment);
    const { id } = await open();
    const body = { ...simulate({ tokens: 80, delay_ms: 15 }), conversation: id, input: "Go" };
    const running = await create(api.url, body, ALPHA);
    await subscribe(api.url, running.id, { headers: ALPHA, cutAfterEvents: 20 });
    doomed.kill("SIGKILL");
    await doomed.exited;
    server.worker = await startWorker(environment);
    const final = await pollToEnd(api.url, running.id, ALPHA);
    expect((await itemsOf(id)).slice(1)).toEqual(final.output);
  });

  test("leaves its turn when deleted; a deleted conversation takes none", async () => {
    const { id } = await open();
    const response = await create(api.url, answer("kept", id), ALPHA);
    await call("DELETE", `/responses/${response.id}`);
    expect(textsOf(await itemsOf(id))).toEqual(["Say kept", "kept"]);
    const running = await create(api.url, { ...simulate({ tokens: 30, delay_ms: 10 }), conversation: id }, ALPHA);
    await call("DELETE", `/conversations/${id}`);
    await pollToEnd(api.url, running.id, ALPHA);
    await untilNoneInFlight(inspector);
    expect(await inspector.redis.keys(`*${id}*`)).toEqual([]);
  });

  test("is rejected with previous_response_id, and for an unknown conversation", async () => {
    const { id } = await open();
    const both = await call("POST", "/responses", answer("x", id, { previous_response_id: "resp_1" }));
    expect(both).toMatchObject({
      status: 400,
      body: { error: { code: "mutually_exclusive_parameters", param: null } },
    });
    const unknown = await call("POST", "/responses", answer("x", "conv_unknown"));
    expect(unknown).toMatchObject({
      status: 404,
      body: { error: { message: "Conversation with id 'conv_unknown' not found.", param: null, code: null } },
    });
  });

  test("a reader releases the lock of an ended response", async () => {
    const { id } = await open();
    const over = await create(api.url, answer("said", id), ALPHA);
    await untilNoneInFlight(inspector);
    await inspector.redis.hset(`${prefix}:{${id}}:conversation`, "lock", over.id);
    expect(textsOf(await itemsOf(id))).toEqual(["Say said", "said"]);
    expect(await inspector.redis.hget(`${prefix}:{${id}}:conversation`, "lock")).toBe("");
  });

  test("a lock whose holder has no record is released", async () => {
    const { id } = await open();
    await inspector.redis.hset(`${prefix}:{${id}}:conversation`, "lock", "resp_nobody");
    expect((await create(api.url, answer("mine", id), ALPHA)).status).toBe("completed");
  });
});
