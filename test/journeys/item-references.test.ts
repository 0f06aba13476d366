/** `item_reference`: a client can name any item whose id it can know, instead of sending it. */
import { expect, test } from "vitest";
import type { Response } from "../../src/protocol/response.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

expectDescribed();

interface Item {
  id: string;
  content?: { text: string }[];
}
interface Page {
  data: Item[];
}

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix, API_KEYS: "alpha:key-of-alpha,beta:key-of-beta" };
const ALPHA = { authorization: "Bearer key-of-alpha" };
const BETA = { authorization: "Bearer key-of-beta" };
const { api, inspector } = await openTestServerWithWorker(environment);

const get = async <T>(path: string) => (await send<T>("GET", `${api.url}${path}`, undefined, ALPHA)).body;
const start = async (settings: object, fields: object = {}) =>
  await create(api.url, simulate({ delay_ms: 0, ...settings }, { ...fields }), ALPHA);
const finish = async (settings: object, fields: object = {}) =>
  await pollToEnd(api.url, (await start(settings, fields)).id, ALPHA);
const inputOf = async (id: string) => (await get<Page>(`/responses/${id}/input_items`)).data;
const say = (text: string, fields: object = {}) => ({ type: "message", role: "user", content: text, ...fields });

async function reference(ids: string[], headers = ALPHA) {
  const input = ids.map((id) => ({ type: "item_reference", id }));
  return await send("POST", `${api.url}/responses`, simulate({ tokens: 1 }, { input }), headers);
}

/** The items that the model gets for them. */
async function resolved(ids: string[]): Promise<Item[]> {
  const answer = await reference(ids);
  expect(answer).toMatchObject({ status: 200, body: { error: null } });
  return JSON.parse((await inspector.redis.get(inspector.layout.input(answer.body.id)))!) as Item[];
}

test("an input item is known by its listed id, once listed", async () => {
  const { id } = await start({ hang: true }, { input: [say("the first"), say("the second")] });
  const items = await inputOf(id);
  const named = ["the second", "the first"].map((content, index) => ({ id: items[index]!.id, content }));
  expect(await resolved(items.map((item) => item.id))).toMatchObject(named);
  expect((await reference([items[0]!.id], BETA)).status).toBe(404);
  await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ALPHA);
  expect(await resolved([items[1]!.id])).toMatchObject([named[1]]);
});

test("an input item is known by its client's id", async () => {
  await start({ tokens: 1 }, { input: [say("named", { id: "msg_mine" })] });
  expect(await resolved(["msg_mine"])).toMatchObject([{ id: "msg_mine", content: "named" }]);
});

test("accepting a plain request indexes nothing: no client knows its ids", async () => {
  const { id } = await start({ hang: true });
  const keys = await inspector.redis.keys(`${prefix}:item:*`);
  const owners = await Promise.all(keys.map((key) => inspector.redis.get(key)));
  expect(owners.filter((owner) => owner?.includes(id))).toEqual([]);
});

test.each([
  ["completed", { tokens: 3 }],
  ["failed", { tokens: 20, fail_after: 6 }],
])("output of a response that has %s is known", async (status, settings) => {
  const response = await finish(settings);
  expect(response.status).toBe(status);
  const ids = response.output.map((item) => item.id);
  expect(ids).not.toEqual([]);
  expect(await resolved(ids)).toEqual(response.output);
});

test("output of a cancelled response is known once its end is visible", async () => {
  const { id } = await start({ tokens: 1_000, delay_ms: 10 });
  const answers: Promise<Item[]>[] = [];
  await subscribe(api.url, id, {
    headers: ALPHA,
    onEvent: async (event) => {
      if (event.id === 20) await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ALPHA);
      if (event.type !== "response.failed") return;
      const { output } = (JSON.parse(event.data) as { response: Response }).response;
      answers.push(resolved(output.map((item) => item.id)));
    },
  });
  expect(await answers[0]).toMatchObject([{ type: "message", status: "incomplete" }]);
});

test("items of a deleted response are unknown; responses that used them keep copies", async () => {
  const { id, output } = await finish({ tokens: 2 });
  const ids = [output[0]!.id, (await inputOf(id))[0]!.id];
  const user = (await reference(ids.slice(0, 1))).body;
  await send("DELETE", `${api.url}/responses/${id}`, undefined, ALPHA);
  expect((await reference(ids.slice(1))).status).toBe(404);
  expect(await inputOf(user.id)).toEqual(output);
  expect(await resolved(ids.slice(0, 1))).toEqual(output);
});

test("items of a conversation are known: added ones, and a deleted response's turn", async () => {
  const body = { items: [say("at its opening", { id: "msg_opening" })] };
  const { body: conversation } = await send<{ id: string }>("POST", `${api.url}/conversations`, body, ALPHA);
  const path = `/conversations/${conversation.id}`;
  const added = await send<Page>("POST", `${api.url}${path}/items`, { items: [say("added later")] }, ALPHA);
  expect(await resolved(["msg_opening", added.body.data[0]!.id])).toMatchObject([
    { content: [{ text: "at its opening" }] },
    { content: [{ text: "added later" }] },
  ]);
  const turn = await finish({ tokens: 2 }, { conversation: conversation.id });
  await send("DELETE", `${api.url}/responses/${turn.id}`, undefined, ALPHA);
  expect(await resolved([turn.output[0]!.id])).toEqual(turn.output);
  const second = await finish({ tokens: 2 }, { conversation: conversation.id });
  await send("DELETE", `${api.url}/responses/${second.id}`, undefined, ALPHA);
  await send("DELETE", `${api.url}${path}`, undefined, ALPHA);
  expect((await reference([second.output[0]!.id])).status).toBe(404);
});

test("a conversation keeps the referenced item under its id", async () => {
  const { output } = await finish({ text: "An answer." });
  const answer = output[0]!;
  const named = { type: "item_reference", id: answer.id };
  const post = async (path: string, items: object[]) =>
    await send<Page & { id: string }>("POST", `${api.url}/conversations${path}`, { items }, ALPHA);
  const { body: opened } = await post("", [named]);
  expect((await get<Page>(`/conversations/${opened.id}/items`)).data).toEqual(output);
  const { body: other } = await post("", []);
  expect((await post(`/${other.id}/items`, [say("before"), named])).body.data[1]).toEqual(answer);
  expect(await resolved([answer.id])).toEqual(output);
  // A second copy would be two items with one id in one conversation.
  expect(await post(`/${other.id}/items`, [named])).toMatchObject({
    status: 400,
    body: { error: { param: "items[0].id", code: "invalid_value" } },
  });
  for (const path of ["", `/${other.id}/items`]) {
    expect(await post(path, [{ type: "item_reference", id: "msg_nowhere" }])).toMatchObject({
      status: 404,
      body: { error: { param: "items" } },
    });
  }
});

test("a reference stored as sent hides no other", async () => {
  const { output } = await finish({ text: "An answer." });
  const id = output[0]!.id;
  const { body: conversation } = await send<Item>("POST", `${api.url}/conversations`, { items: [] }, ALPHA);
  const referenceJson = JSON.stringify({ type: "item_reference", id });
  const { redis, layout } = inspector;
  await redis.hset(layout.conversationItems(conversation.id), id, referenceJson);
  await redis.zadd(layout.conversationOrder(conversation.id), 1, id);
  await get(`/conversations/${conversation.id}/items`);
  const index = layout.itemIndex("alpha", id);
  expect(await redis.get(index), "listing it makes nothing known").not.toContain(conversation.id);
  await redis.append(index, ` ${conversation.id}`);
  expect(await resolved([id])).toEqual(output);
});
