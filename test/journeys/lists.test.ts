/** `GET /responses` and `GET /conversations` (contract.md#lists-of-responses), through HTTP and the official client. */
import OpenAI from "openai";
import { CursorPage } from "openai/core/pagination";
import { beforeAll, expect, test } from "vitest";
import { create, pollToEnd, send, simulate } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { type ReceivedEvent, subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "alpha:key-of-alpha-0001,beta:key-of-beta-00001,gamma:key-of-gamma-0001,delta:key-of-delta-0001",
  ADMIN_KEYS: "ops:admin-key-of-ops-0000000000000001",
};
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const ALPHA = bearer("key-of-alpha-0001");
const BETA = bearer("key-of-beta-00001");
const GAMMA = bearer("key-of-gamma-0001");
const DELTA = bearer("key-of-delta-0001");
const ADMIN = bearer("admin-key-of-ops-0000000000000001");
const { api } = await openTestServerWithWorker(environment);

interface Page {
  object: "list";
  data: ({ id: string; status: string; output?: unknown[] } & Record<string, unknown>)[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

async function list(query = "", headers: Record<string, string> = ALPHA, path = "/responses"): Promise<Page> {
  const { status, body } = await send<Page>("GET", `${api.url}${path}?${query}`, undefined, headers);
  if (status !== 200) throw new Error(JSON.stringify(body));
  return body;
}
const idsOf = (page: Page) => page.data.map(({ id }) => id);

const done = (fields: Record<string, unknown> = {}) => simulate({ tokens: 2, delay_ms: 0 }, fields);
/** Oldest first. */
const ended: string[] = [];
let running: string;

beforeAll(async () => {
  for (const color of ["red", "blue", "red"]) {
    const body = done({ metadata: { "simulator.tokens": "2", "simulator.delay_ms": "0", color } });
    const { id } = await create(api.url, body, ALPHA);
    await pollToEnd(api.url, id, ALPHA);
    ended.push(id);
  }
  const foreground = await create(api.url, done({ background: false }), ALPHA);
  ended.push(foreground.id);
  ({ id: running } = await create(api.url, simulate({ hang: true }), ALPHA));
  const cut = new AbortController();
  const onEvent = ({ type }: ReceivedEvent) => {
    if (type === "response.in_progress") cut.abort();
  };
  await subscribe(api.url, running, { headers: ALPHA, signal: cut.signal, onEvent });
});

test("an entry is what GET shows, without output", async () => {
  const { data } = await list();
  for (const entry of data) {
    const { output, ...shown } = (await send("GET", `${api.url}/responses/${entry.id}`, undefined, ALPHA)).body;
    expect(output).toBeDefined();
    expect(entry).toEqual(shown);
  }
  expect(data.map(({ status }) => status)).toEqual(["in_progress", "completed", "completed", "completed", "completed"]);
});

test("include shows the output as GET does", async () => {
  const { data } = await list("include[]=output&limit=2&status=completed");
  const shown = await Promise.all(data.map(({ id }) => send("GET", `${api.url}/responses/${id}`, undefined, ALPHA)));
  expect(data).toEqual(shown.map(({ body }) => body));
});

test("pages follow in both orders and directions", async () => {
  const all = [...ended, running];
  const first = await list("limit=2");
  expect(first).toMatchObject({ object: "list", first_id: running, last_id: ended[3], has_more: true });
  const second = await list(`limit=2&after=${first.last_id}`);
  expect([idsOf(second), second.has_more]).toEqual([[ended[2], ended[1]], true]);
  const third = await list(`limit=2&after=${second.last_id}`);
  expect([idsOf(third), third.has_more]).toEqual([[ended[0]], false]);
  const back = await list(`limit=2&before=${third.first_id}`);
  expect([idsOf(back), back.has_more]).toEqual([idsOf(second), true]);
  expect(idsOf(await list("order=asc"))).toEqual(all);
  expect(idsOf(await list(`order=asc&after=${all[1]}&before=${all[4]}`))).toEqual([all[2], all[3]]);
  expect(idsOf(await list(`order=asc&limit=2&before=${all[4]}`))).toEqual([all[2], all[3]]);
});

test("filters narrow the list, alone and together", async () => {
  const [first, second, third, foreground] = ended;
  expect(idsOf(await list("status=in_progress"))).toEqual([running]);
  expect(idsOf(await list("status[]=queued&status[]=in_progress&status[]=failed"))).toEqual([running]);
  expect(idsOf(await list("metadata[color]=red"))).toEqual([third, first]);
  expect(idsOf(await list("metadata[color]=red&metadata[size]=xl"))).toEqual([]);
  expect(idsOf(await list("background=false"))).toEqual([foreground]);
  expect(idsOf(await list("model=simulator/default&status=completed&metadata[color]=blue"))).toEqual([second]);
  expect(idsOf(await list("model=simulator/other"))).toEqual([]);
  const { created_at } = (await list("metadata[color]=blue")).data[0]!;
  const atOrAfter = await list(`created_after=${Number(created_at)}&order=asc`);
  expect(atOrAfter.data.every((entry) => Number(entry["created_at"]) >= Number(created_at))).toBe(true);
  expect(idsOf(atOrAfter)).toContain(second);
  expect(idsOf(await list(`created_before=${Number(created_at)}`))).not.toContain(second);
  expect(idsOf(await list(`created_after=${Number(created_at) + 3_600}`))).toEqual([]);
});

test("a finished response is listed as completed at once", async () => {
  for (let i = 0; i < 20; i += 1) {
    const { id } = await create(api.url, done({ background: false }), BETA);
    expect(idsOf(await list("status=completed&limit=1", BETA))).toEqual([id]);
    expect(idsOf(await list("status=in_progress", BETA))).toEqual([]);
  }
});

test("a response that clients cannot read is not listed", async () => {
  await create(api.url, done({ background: false, store: false }), DELTA);
  expect(await list("", DELTA)).toEqual({ object: "list", data: [], first_id: null, last_id: null, has_more: false });
});

test("the official client lists and pages by itself", async () => {
  const client = new OpenAI({ apiKey: "key-of-alpha-0001", baseURL: api.url, maxRetries: 0 });
  type Entry = Omit<OpenAI.Responses.Response, "output">;
  const page = await client.get<Page>("/responses", { query: { limit: 2, metadata: { color: "red" } } });
  expect(idsOf(page)).toEqual([ended[2], ended[0]]);
  const found: string[] = [];
  const query = { limit: 2, status: ["completed", "in_progress"] };
  for await (const { id } of client.getAPIList<Entry, CursorPage<Entry>>("/responses", CursorPage, { query })) {
    found.push(id);
  }
  expect(found).toEqual([running, ...ended.toReversed()]);
});

test("a page continues after a response that was deleted", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 6; i += 1) ids.push((await create(api.url, simulate({ hang: true }), GAMMA)).id);
  const seen: string[] = [];
  for (let after = ""; ;) {
    const page = await list(`limit=2${after}`, GAMMA);
    for (const id of idsOf(page)) {
      seen.push(id);
      await send("DELETE", `${api.url}/responses/${id}`, undefined, GAMMA);
    }
    if (!page.has_more) break;
    after = `&after=${page.last_id}`;
  }
  expect(seen).toEqual(ids.toReversed());
  expect((await list("", GAMMA)).data).toEqual([]);
});

test.each([
  ["limit=0", "limit", "integer_below_min_value"],
  ["limit=101", "limit", "integer_above_max_value"],
  ["order=up", "order", "invalid_value"],
  ["status=done", "status[0]", "invalid_value"],
  ["background=maybe", "background", "invalid_type"],
  ["created_after=yesterday", "created_after", "invalid_type"],
  ["created_before=-1", "created_before", "integer_below_min_value"],
  ["metadata=red", "metadata", "invalid_type"],
  ["step=queued", "step", "invalid_value"],
  ["include[]=items", "include[0]", "invalid_value"],
  ["after=resp_unknown", "after", "invalid_value"],
  ["before=resp_unknown", "before", "invalid_value"],
])("%s is an error that names the parameter", async (query, param, code) => {
  const answer = await send<object>("GET", `${api.url}/responses?${query}`, undefined, ALPHA);
  expect(answer).toMatchObject({ status: 400, body: { error: { type: "invalid_request_error", param, code } } });
});

test("another project's responses are not listed, nor a cursor", async () => {
  expect(idsOf(await list("limit=100", BETA)).filter((id) => ended.includes(id))).toEqual([]);
  const answer = await send<object>("GET", `${api.url}/responses?after=${running}`, undefined, BETA);
  expect(answer).toMatchObject({ status: 400, body: { error: { param: "after", code: "invalid_value" } } });
  for (const project of ["beta", "*", "alpha"]) {
    const named = await send<object>("GET", `${api.url}/responses?project=${project}`, undefined, BETA);
    expect(named).toMatchObject({ status: 403, body: { error: { code: "insufficient_permissions" } } });
  }
});

test("an admin lists one project, or all", async () => {
  expect(idsOf(await list("project=alpha", ADMIN))).toEqual([running, ...ended.toReversed()]);
  const all: string[] = [];
  for (let after = ""; ;) {
    const page = await list(`project=*&limit=7${after}`, ADMIN);
    all.push(...idsOf(page));
    if (!page.has_more) break;
    after = `&after=${page.last_id}`;
  }
  const [alpha, beta] = [[running, ...ended.toReversed()], idsOf(await list("limit=100", BETA))];
  expect(all).toHaveLength(new Set(all).size);
  expect(all.filter((id) => alpha.includes(id))).toEqual(alpha);
  expect(all.filter((id) => beta.includes(id))).toEqual(beta);
  expect(all).toHaveLength(alpha.length + beta.length);
});

test("an admin reads, cancels and deletes any project's response", async () => {
  const { id } = await create(api.url, simulate({ hang: true }), BETA);
  expect((await send("GET", `${api.url}/responses/${id}`, undefined, ADMIN)).body.id).toBe(id);
  expect((await send("GET", `${api.url}/responses/${id}/input_items`, undefined, ADMIN)).status).toBe(200);
  const cancelled = await send("POST", `${api.url}/responses/${id}/cancel`, undefined, ADMIN);
  expect(cancelled.body.status).toBe("cancelled");
  expect(idsOf(await list("status=cancelled", BETA))).toEqual([id]);
  expect((await send("DELETE", `${api.url}/responses/${id}`, undefined, ADMIN)).status).toBe(200);
  expect(idsOf(await list("status=cancelled", BETA))).toEqual([]);
});

test("conversations are listed, filtered, changed and deleted", async () => {
  const ids: string[] = [];
  for (const topic of ["tea", "coffee", "tea"]) {
    const { body } = await send<{ id: string }>("POST", `${api.url}/conversations`, { metadata: { topic } }, ALPHA);
    ids.push(body.id);
  }
  const conversations = (query = "", headers = ALPHA) => list(query, headers, "/conversations");
  const page = await conversations("limit=2");
  expect(page).toMatchObject({ object: "list", first_id: ids[2], last_id: ids[1], has_more: true });
  expect(page.data[0]).toEqual((await send("GET", `${api.url}/conversations/${ids[2]}`, undefined, ALPHA)).body);
  expect(idsOf(await conversations(`after=${ids[1]}`))).toEqual([ids[0]]);
  expect(idsOf(await conversations(`before=${ids[1]}`))).toEqual([ids[2]]);
  expect(idsOf(await conversations("metadata[topic]=tea&order=asc"))).toEqual([ids[0], ids[2]]);
  await send("POST", `${api.url}/conversations/${ids[0]}`, { metadata: { topic: "milk" } }, ALPHA);
  expect(idsOf(await conversations("metadata[topic]=tea"))).toEqual([ids[2]]);
  expect(idsOf(await conversations("metadata[topic]=milk"))).toEqual([ids[0]]);
  expect(idsOf(await conversations("", BETA))).toEqual([]);
  await send("DELETE", `${api.url}/conversations/${ids[1]}`, undefined, ALPHA);
  expect(idsOf(await conversations(`after=${ids[1]}`))).toEqual([ids[0]]);
  expect(idsOf(await conversations())).toEqual([ids[2], ids[0]]);
});
