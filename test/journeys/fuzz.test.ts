/** The API answers every request: with a response that will end, or with an error in the contract's envelope. */
/* oxlint-disable vitest/no-conditional-expect -- the expectation depends on the answer to a random request */
import fc from "fast-check";
import { Pool } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { listSchema } from "../../src/protocol/list.ts";
import { isTerminalStatus, responseSchema, type ResponseStatus } from "../../src/protocol/response.ts";
import { RedisInspector } from "../support/api-client.ts";
import { type ErrorName, type OddRequest, oddRequests } from "../support/odd-requests.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const SEED = 20_260_401;
const REQUESTS = 20_000;
const BATCH = 500;
const CONCURRENCY = 32;
const ANSWER_WITHIN_MS = 20_000;

const prefix = uniquePrefix();
let inspector: RedisInspector;
let api: ApiProcess;
let pool: Pool;

beforeAll(async () => {
  inspector = new RedisInspector(prefix);
  // Without a worker: every accepted response still exists at the end.
  api = await startApi({ KEY_PREFIX: prefix, MAX_OPEN_RESPONSES: "1000000", LOG_LEVEL: "info" });
  pool = new Pool(new URL(api.url).origin, { connections: CONCURRENCY, pipelining: 1 });
});
afterAll(async () => {
  await pool.destroy();
  await api[Symbol.asyncDispose]();
  inspector[Symbol.dispose]();
});

const envelopeSchema = z.strictObject({
  error: z.strictObject({
    message: z.string().min(1),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** What the server has accepted. */
const responses = new Set<string>();
const conversations = new Set<string>();
/** Ids with a delete request: they may be gone. */
const deleted = new Set<string>();

interface Sent {
  method: OddRequest["method"];
  path: string;
  headers: Record<string, string>;
  body?: Buffer;
}

function nameIn(ids: Set<string>, name: ErrorName, ending: string): string {
  if ("text" in name) return name.text;
  return [...ids][name.accepted % Math.max(1, ids.size)] ?? `${ending}_1`;
}

/** Fills in the ids that exist at this point. */
function concrete({ method, path, name, query, headers, body }: OddRequest): Sent {
  const put = (text: string): string =>
    text.includes("RESP") || text.includes("CONV")
      ? text.replaceAll("RESP", nameIn(responses, name, "resp")).replaceAll("CONV", nameIn(conversations, name, "conv"))
      : text;
  const isNamed = body !== undefined && (body.includes('"RESP"') || body.includes('"CONV"'));
  return {
    method,
    path: `/v1${put(path)}${query === "" ? "" : `?${query}`}`,
    headers: { "content-type": "application/json", ...headers },
    ...(body !== undefined && { body: isNamed ? Buffer.from(put(body.toString("latin1")), "latin1") : body }),
  };
}

const idSchema = z.looseObject({ id: z.string() });

async function exchange(sent: Sent): Promise<void> {
  const [, resource, id, sub] = sent.path.slice("/v1".length).split(/[/?]/);
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const { statusCode, headers, body } = await pool.request({ ...sent, body: sent.body ?? null, signal });
  const isCreate = sent.method === "POST" && id === undefined;
  if (String(headers["content-type"]).startsWith("text/event-stream")) {
    expect(statusCode).toBe(200);
    // Such a stream never ends: no worker runs the response.
    if (isCreate) accept(await firstResponse(body));
    body.on("error", () => {}).destroy();
    return;
  }
  const text = await body.text();
  // The answer to an EventSource that has the last event (contract.md#eventsource).
  if (statusCode === 204) {
    expect([sent.method, text]).toEqual(["GET", ""]);
    return;
  }
  const json: unknown = JSON.parse(text);
  // A cursor ahead of the log of a response in flight (contract.md#cursors). Redis itself is always available.
  if (statusCode === 503) {
    expect(envelopeSchema.parse(json).error.message).toMatch(/^Event \d+ is not recorded at the moment/);
    return;
  }
  if (statusCode >= 400 && statusCode < 500) {
    envelopeSchema.parse(json);
    return;
  }
  expect(statusCode).toBe(200);
  if (sent.method === "DELETE" && id !== undefined && sub !== "items") deleted.add(id);
  if (isCreate && resource === "responses") accept(json);
  if (isCreate && resource === "conversations") conversations.add(idSchema.parse(json).id);
  if (sub !== undefined || sent.method !== "GET" || resource !== "responses") return;
  if (id === undefined || id === "") listSchema(z.looseObject({ id: z.string() })).parse(json);
  else responseSchema.parse(json);
}

function accept(json: unknown): void {
  const response = responseSchema.parse(json);
  expect(response).toEqual(json);
  responses.add(response.id);
}

/** For an event stream, the response in its first event. */
async function firstResponse(body: AsyncIterable<Buffer>): Promise<unknown> {
  let received = "";
  for await (const chunk of body) {
    received += chunk.toString();
    const data = /^data: ([^\n]*)\n\n/m.exec(received)?.[1];
    if (data !== undefined) return (JSON.parse(data) as { response: unknown }).response;
  }
  throw new Error(`The stream ended with ${received}.`);
}

async function exchangeOrTell(sent: Sent): Promise<void> {
  try {
    await exchange(sent);
  } catch (cause) {
    const body = sent.body?.toString("latin1");
    const shown = JSON.stringify({
      ...sent,
      body: body !== undefined && body.length > 5_000 ? body.slice(0, 5_000) : body,
    });
    throw new Error(`Seed ${SEED}: ${shown}\n${String(cause)}`, { cause });
  }
}

/** Runs `task` on each value, with limited concurrency; reports all failures. */
async function inParallel<T>(all: Iterable<T>, task: (each: T) => Promise<void>): Promise<void> {
  const left = all[Symbol.iterator]();
  const failures: string[] = [];
  const work = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true && failures.length < 10; next = left.next()) {
      await task(next.value).catch((error: unknown) => void failures.push(String(error)));
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  expect(failures.join("\n\n")).toBe("");
}

/** Generated as they are sent, each batch from its own seed: all at once would fill the memory. */
function* generate(): Generator<Sent> {
  for (let first = 0; first < REQUESTS; first += BATCH) {
    for (const request of fc.sample(oddRequests, { seed: SEED + first, numRuns: BATCH })) yield concrete(request);
  }
}

test(`${REQUESTS} odd requests get a response or an error`, { timeout: 180_000 }, async () => {
  await inParallel(generate(), exchangeOrTell);
  const errors = api.lines.filter(({ level }) => level >= 50);
  expect(errors).toEqual([]);
});

test("every accepted object is readable", { timeout: 60_000 }, async () => {
  expect(responses.size).toBeGreaterThan(REQUESTS / 20);
  await inParallel(responses, async (id) => {
    const { statusCode, body } = await pool.request({ method: "GET", path: `/v1/responses/${id}` });
    const json: unknown = await body.json();
    expect([id, statusCode]).toEqual([id, deleted.has(id) ? 404 : 200]);
    if (statusCode === 200) expect(responseSchema.parse(json)).toEqual(json);
  });
});

const RESPONSE_PARTS = ["events", "input", "meta", "request"];
/** Of long responses, and of long inputs. */
const MAYBE_PARTS = new Set(["snapshot", "input-index"]);
const CONVERSATION_PARTS = new Set(["conversation", "item-calls", "items", "order", "unanswered"]);

test("no object exists in part", { timeout: 60_000 }, async () => {
  const { redis, layout } = inspector;
  const parts = new Map<string, string[]>();
  const strays: string[] = [];
  for await (const keys of redis.scanStream({ match: `*${prefix}:*`, count: 5_000 }) as AsyncIterable<string[]>) {
    for (const key of keys) {
      const [, id, part] = /^[^{]+:\{((?:resp|conv)_\w+)\}:([\w-]+)$/.exec(key) ?? [];
      if (id !== undefined && part !== undefined) parts.set(id, [...new Set([...(parts.get(id) ?? []), part])]);
      else if (!isOfTheServer(key)) strays.push(key);
    }
  }
  expect(strays).toEqual([]);
  const open = new Set(await inspector.inFlight());
  const known = new Set([...responses, ...conversations]);
  expect([...parts.keys(), ...open].filter((id) => !known.has(id))).toEqual([]);

  await inParallel(responses, async (id) => {
    const { status, last, deleted: isDeleted } = await inspector.meta(id);
    if (deleted.has(id)) {
      expect([id, isDeleted ?? "1", open.has(id)]).toEqual([id, "1", false]);
      return;
    }
    const there = (parts.get(id) ?? []).filter((part) => !MAYBE_PARTS.has(part));
    expect([id, ...there.toSorted()]).toEqual([id, ...RESPONSE_PARTS]);
    expect([id, await redis.xlen(layout.events(id))]).toEqual([id, Number(last) + 1]);
    expect([id, open.has(id)]).toEqual([id, !isTerminalStatus(status as ResponseStatus)]);
  });
  await inParallel(conversations, async (id) => {
    const there = parts.get(id) ?? [];
    if (deleted.has(id)) expect([id, ...there]).toEqual([id]);
    else
      expect([id, there.includes("conversation"), there.every((part) => CONVERSATION_PARTS.has(part))]).toEqual([
        id,
        true,
        true,
      ]);
    const [ordered, kept] = [
      await redis.zcard(layout.conversationOrder(id)),
      await redis.hlen(layout.conversationItems(id)),
    ];
    expect([id, ordered]).toEqual([id, kept]);
    const lock = (await redis.hget(layout.conversation(id), "lock")) ?? "";
    expect(lock === "" || open.has(lock), `${id} is locked by ${lock}`).toBe(true);
  });
});

/** Kinds of keys that belong to no single response (src/redis/layout.ts). */
function isOfTheServer(key: string): boolean {
  const { layout } = inspector;
  const beginnings = [layout.idempotency(""), layout.itemIndex("", "").slice(0, -1), `${layout.queuePrefix}:`];
  beginnings.push(layout.continuation("")[0].slice(0, -"}:waiting".length));
  beginnings.push(layout.storedBytes("")[0], `${layout.responseList}:`, `${layout.conversationList}:`);
  beginnings.push(`{${layout.inFlight}}:organization:`);
  const own = [
    layout.inFlight,
    layout.inFlightProjects,
    layout.inFlightOf("default"),
    layout.windowed,
    layout.sealingKey,
    layout.dataVersion,
    layout.writeProbe,
    layout.replicaProbe,
  ];
  return own.includes(key) || beginnings.some((beginning) => key.startsWith(beginning));
}
