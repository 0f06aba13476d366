/**
 * Promises 1 and 2 (contract.md#promises): subscribers see only recorded events, and every cursor gets exactly the
 * rest, byte for byte.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { create, pollToEnd, RedisInspector, send, simulate } from "../support/api-client.ts";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { expectExact, type ReceivedEvent, subscribe, subscribeToEnd } from "../support/subscriber.ts";

const prefix = uniquePrefix();
const environment = { KEY_PREFIX: prefix };
let inspector: RedisInspector;
let apis: [ApiProcess, ApiProcess];
let worker: ServerProcess;

beforeAll(async () => {
  inspector = new RedisInspector(prefix);
  const [first, second, started] = await Promise.all([
    startApi(environment),
    startApi(environment),
    startWorker(environment),
  ]);
  apis = [first, second];
  worker = started;
});
afterAll(async () => {
  await Promise.all([...apis, worker].map((each) => each[Symbol.asyncDispose]()));
  inspector[Symbol.dispose]();
});

test("subscribers see only events in Redis, with equal bytes from two API processes", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 120, delay_ms: 5 }));
  const unrecorded: number[] = [];
  const onEvent = async (event: ReceivedEvent): Promise<void> => {
    const [entry] = await inspector.redis.xrange(inspector.layout.events(id), `${event.id}-1`, `${event.id}-1`);
    if (entry?.[1][1] !== event.data) unrecorded.push(event.id);
  };
  const [first, second] = await Promise.all(apis.map((api) => subscribe(api.url, id, { onEvent })));
  const log = await inspector.log(id);
  expect(unrecorded).toEqual([]);
  expectExact(first!.events, log, 0);
  expectExact(second!.events, log, 0);
});

test("a finished response is resumed from every event", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 60, delay_ms: 0, reasoning: 10 }));
  await pollToEnd(apis[0].url, id);
  const log = await inspector.log(id);
  for (let cursor = 0; cursor < log.length; cursor += 1) {
    const { events, isWhole } = await subscribe(apis[cursor % 2]!.url, id, { startingAfter: cursor });
    expect(isWhole).toBe(true);
    expectExact(events, log, cursor + 1);
  }
  const all = await subscribe(apis[1].url, id);
  expectExact(all.events, log, 0);
});

test("a running response is resumed from many events, with connections cut anywhere", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 250, delay_ms: 6, reasoning: 20 }));
  const subscribers = Array.from({ length: 24 }, async (_, seed) => {
    const random = seededRandom(seed);
    const start = Math.floor(random() * 3);
    const events: ReceivedEvent[] = [];
    let startingAfter: number | undefined = start === 0 ? undefined : start - 1;
    for (;;) {
      const api = apis[Math.floor(random() * 2)]!;
      const cutAfterBytes = Math.floor(random() * 20_000) + 1;
      const received = await subscribe(api.url, id, { startingAfter, cutAfterBytes });
      events.push(...received.events);
      startingAfter = events.at(-1)?.id ?? startingAfter;
      if (received.isWhole) return { events, start };
    }
  });
  for (const { events, start } of await Promise.all(subscribers)) {
    expectExact(events, await inspector.log(id), start);
  }
});

test("500 subscribers follow one running response, each complete and exact", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 150, delay_ms: 20 }));
  const received = await Promise.all(Array.from({ length: 500 }, (_, i) => subscribe(apis[i % 2]!.url, id)));
  const log = await inspector.log(id);
  for (const { events, isWhole } of received) {
    expect(isWhole).toBe(true);
    expectExact(events, log, 0);
  }
});

test("a stalled reader continues where it was, and does not delay others", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 4_000, delay_ms: 0, delta_bytes: 1_000 }));
  const fastIsDone = Promise.withResolvers<void>();
  const slow = subscribe(apis[0].url, id, {
    // It reads one event, then nothing until the fast one has everything.
    onEvent: async ({ id: position }) => {
      if (position === 0) await fastIsDone.promise;
    },
  });
  const fast = await subscribe(apis[0].url, id);
  fastIsDone.resolve();
  const log = await inspector.log(id);
  expectExact(fast.events, log, 0);
  expectExact((await slow).events, log, 0);
});

test("Last-Event-ID resumes like starting_after, which takes precedence", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 10, delay_ms: 0 }));
  await pollToEnd(apis[0].url, id);
  const log = await inspector.log(id);
  const byHeader = await subscribe(apis[0].url, id, { headers: { "last-event-id": "5" } });
  expectExact(byHeader.events, log, 6);
  const byBoth = await subscribe(apis[0].url, id, { startingAfter: 8, headers: { "last-event-id": "5" } });
  expectExact(byBoth.events, log, 9);
});

test("an EventSource that returns after the end gets 204; starting_after gets an empty stream", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 5, delay_ms: 0 }));
  await pollToEnd(apis[0].url, id);
  const last = (await inspector.log(id)).length - 1;
  const ask = async (method: string, lastEventId: number, query = "") => {
    const url = `${apis[0].url}/responses/${id}?stream=true${query}`;
    const answer = await fetch(url, { method, headers: { "last-event-id": String(lastEventId) } });
    return { status: answer.status, text: await answer.text() };
  };
  expect(await ask("GET", last)).toEqual({ status: 204, text: "" });
  expect(await ask("HEAD", last)).toEqual({ status: 204, text: "" });
  expect(await ask("GET", last, `&starting_after=${last}`)).toEqual({ status: 200, text: "" });
  expect((await ask("GET", last - 1)).text).toContain("event: response.completed");
  const running = await create(apis[0].url, simulate({ hang: true }));
  const followed = await fetch(`${apis[0].url}/responses/${running.id}?stream=true`, {
    headers: { "last-event-id": "1" },
  });
  expect(followed.status).toBe(200);
  await send("DELETE", `${apis[0].url}/responses/${running.id}`);
  await followed.text();
});

test.each(["starting_after", "Last-Event-ID"])(
  "a cursor beyond a running log is retried until the log has it: %s",
  async (source) => {
    const { id } = await create(apis[0].url, simulate({ tokens: 60, delay_ms: 10 }));
    const headers: Record<string, string> = source === "Last-Event-ID" ? { "last-event-id": "40" } : {};
    const query = source === "Last-Event-ID" ? "" : "&starting_after=40";
    const url = `${apis[0].url}/responses/${id}?stream=true${query}`;
    const rejected = await send<object>("GET", url, undefined, headers);
    expect(rejected).toMatchObject({ status: 503, body: { error: { type: "server_error", param: null } } });
    expect(rejected.headers.get("retry-after")).toMatch(/^\d+$/);
    await subscribe(apis[0].url, id, { cutAfterEvents: 41 });
    const { events } = await subscribe(
      apis[0].url,
      id,
      source === "Last-Event-ID" ? { headers } : { startingAfter: 40 },
    );
    expectExact(events, await inspector.log(id), 41);
    const beyond = await send<object>("GET", url.replace("=40", "=400"), undefined, { "last-event-id": "400" });
    expect(beyond).toMatchObject({ status: 400, body: { error: { code: "invalid_value" } } });
  },
);

test("a cursor at the end gets an empty stream, one beyond it an error with the end", async () => {
  const { id } = await create(apis[0].url, simulate({ tokens: 5, delay_ms: 0 }));
  await pollToEnd(apis[0].url, id);
  const last = (await inspector.log(id)).length - 1;
  expect(await subscribe(apis[0].url, id, { startingAfter: last })).toEqual({ events: [], isWhole: true });
  const beyond = await send<object>("GET", `${apis[0].url}/responses/${id}?stream=true&starting_after=${last + 1}`);
  expect(beyond).toMatchObject({
    status: 400,
    body: {
      error: { code: "invalid_value", param: "starting_after", message: expect.stringContaining(`is ${last}.`) },
    },
  });
});

test.each(["-1", "x", "1.5", "1e3", ""])("starting_after=%s is rejected", async (cursor) => {
  const { id } = await create(apis[0].url, simulate({ tokens: 1, delay_ms: 0 }));
  const answer = await send<object>("GET", `${apis[0].url}/responses/${id}?stream=true&starting_after=${cursor}`);
  expect(answer).toMatchObject({ status: 400, body: { error: { param: "starting_after", code: "invalid_value" } } });
});

test("an API process that stops ends its streams, and clients resume on another", async () => {
  const leaving = await startApi(environment);
  const { id } = await create(leaving.url, simulate({ tokens: 200, delay_ms: 10 }));
  let urls = [leaving.url, apis[1].url];
  const stopping = Promise.withResolvers<void>();
  const events = await subscribeToEnd(() => urls[0]!, id, {
    onEvent: ({ id: position }) => {
      if (position !== 30) return;
      leaving.kill("SIGTERM");
      urls = urls.slice(1);
      stopping.resolve();
    },
  });
  await stopping.promise;
  expectExact(events, await inspector.log(id), 0);
  expect(await leaving.exited).toBe(0);
});

test("an API process that stops does not wait for idle connections", async () => {
  // Either would be longer than this test's timeout.
  const leaving = await startApi({ ...environment, DRAIN_GRACE_MS: "600000", HTTP_KEEP_ALIVE_MS: "600000" });
  const body = JSON.stringify(simulate({ tokens: 60, delay_ms: 10 }, { background: false, stream: true }));
  const { hostname, port } = new URL(leaving.url);
  // It never closes a connection by itself.
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const head = ["POST /v1/responses HTTP/1.1", `host: ${hostname}`, `content-length: ${body.length}`];
  socket.write(`${head.join("\r\n")}\r\ncontent-type: application/json\r\n\r\n${body}`);
  let answer = "";
  for await (const piece of socket.setEncoding("utf8") as AsyncIterable<string>) {
    if (answer === "") leaving.kill("SIGTERM");
    answer += piece;
  }
  expect(answer).toMatch(/event: response\.completed\n[^]*\r\n0\r\n\r\n$/);
  expect(await leaving.exited).toBe(0);
});
