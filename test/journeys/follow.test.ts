/** `background-responses/client` follows responses of real processes across everything that breaks. */
import OpenAI from "openai";
import { afterAll, expect, test } from "vitest";
import { follow, waitFor } from "../../src/client/index.ts";
import { CLIENTS } from "../conformance/clients/clients.ts";
import { create, send, simulate } from "../support/api-client.ts";
import { type CuttingProxy, startCuttingProxy } from "../support/cutting-proxy.ts";
import { startApi, startWorker } from "../support/processes.ts";
import { seededRandom } from "../support/random.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

const environment = { KEY_PREFIX: uniquePrefix() };
const server = await openTestServerWithWorker(environment);
// A test replaces the API process.
afterAll(async () => await server.api[Symbol.asyncDispose]());

const QUICK = { minDelayMs: 5, maxDelayMs: 100 };

type Event = OpenAI.Responses.ResponseStreamEvent;

const openClient = (proxy: CuttingProxy): OpenAI => new OpenAI({ baseURL: proxy.url, apiKey: "any" });

async function expectRecorded(id: string, events: readonly unknown[], first = 0): Promise<void> {
  const log = await server.inspector.log(id);
  expect(events).toEqual(log.slice(first).map((line) => JSON.parse(line) as unknown));
}

test.each(CLIENTS)("%s follows through a proxy that cuts every few KB", async (_name, { OpenAI }) => {
  await using proxy = await startCuttingProxy(server.api.url);
  const random = seededRandom(7);
  proxy.cutAfter = () => 1_000 + Math.floor(random() * 6_000);
  const client = new OpenAI({ baseURL: proxy.url, apiKey: "any" });
  const { id } = await create(server.api.url, simulate({ tokens: 300, delay_ms: 2, reasoning: 20 }));
  const run = follow(client, id, QUICK);
  const events: Event[] = [];
  for await (const event of run) events.push(event);
  await expectRecorded(id, events);
  expect(proxy.cuts).toBeGreaterThan(5);
  expect(run.cursor).toBe(events.length - 1);
  const final = await run.finalResponse();
  const { body } = await send("GET", `${server.api.url}/responses/${id}`);
  expect(final).toMatchObject({ ...body });
  expect(final.output_text.length).toBeGreaterThan(300);
});

test("API restarts and a killed worker interrupt no follower", async () => {
  await using proxy = await startCuttingProxy(server.api.url);
  const client = openClient(proxy);
  const { id } = await create(server.api.url, simulate({ tokens: 150, delay_ms: 20 }));
  const run = follow(client, id, QUICK);
  const waiting = waitFor(client, id, QUICK);
  const events: Event[] = [];
  for await (const event of run) {
    events.push(event);
    if (events.length === 30 || events.length === 60) {
      // The old process ends the streams of its clients, and they come back to the new one.
      const old = server.api;
      const api = await startApi(environment);
      proxy.target = api.url;
      Object.assign(server, { api });
      await old.stop();
    }
    if (events.length === 90) {
      const next = startWorker(environment);
      server.worker.kill("SIGKILL");
      server.worker = await next;
    }
  }
  await expectRecorded(id, events);
  const final = await run.finalResponse();
  expect(final.status).toBe("completed");
  expect(await waiting).toEqual(final);
});

test("a process that stored its cursor resumes after it", async () => {
  const client = new OpenAI({ baseURL: server.api.url, apiKey: "any" });
  const { id } = await create(server.api.url, simulate({ tokens: 40, delay_ms: 5 }));
  const first = follow(client, id);
  for await (const event of first) if (event.sequence_number === 20) break;
  expect(first.cursor).toBe(20);
  const second = follow(client, id, { after: first.cursor });
  const rest: Event[] = [];
  for await (const event of second) rest.push(event);
  await expectRecorded(id, rest, 21);
  // The loop that was left can be resumed too.
  const again: Event[] = [];
  for await (const event of first) again.push(event);
  expect(again).toEqual(rest);
  // Nothing follows the last event, which a stored cursor may name.
  const none: Event[] = [];
  const ended = follow(client, id, { after: second.cursor });
  for await (const event of ended) none.push(event);
  expect(none).toEqual([]);
  expect((await ended.finalResponse()).status).toBe("completed");
});

test("a cursor after the last event is an error, not a wait", async () => {
  const client = new OpenAI({ baseURL: server.api.url, apiKey: "any" });
  const { id } = await create(server.api.url, simulate({ tokens: 3, delay_ms: 0 }));
  const { cursor } = await drain(follow(client, id));
  const beyond = follow(client, id, { ...QUICK, after: cursor! + 1 });
  await expect(beyond.finalResponse()).rejects.toMatchObject({ status: 400, param: "starting_after" });
});

test("a response deleted in the middle ends both with 404", async () => {
  await using proxy = await startCuttingProxy(server.api.url);
  const { id } = await create(server.api.url, simulate({ tokens: 5_000, delay_ms: 20 }));
  const client = openClient(proxy);
  const waiting = waitFor(client, id, QUICK).catch((error: unknown) => error);
  const following = (async () => {
    for await (const event of follow(client, id, QUICK)) {
      if (event.sequence_number !== 10) continue;
      // While the connection is away, so that the follower does not see the run being cancelled first.
      proxy.isAway = true;
      proxy.cut();
      await send("DELETE", `${server.api.url}/responses/${id}`);
      proxy.isAway = false;
    }
  })();
  await expect(following).rejects.toMatchObject({ status: 404 });
  expect(await waiting).toMatchObject({ status: 404 });
});

test("a half-open connection is noticed by its missing heartbeats", async () => {
  await using proxy = await startCuttingProxy(server.api.url);
  const { id } = await create(server.api.url, simulate({ tokens: 400, delay_ms: 10 }));
  const failures: unknown[] = [];
  const onRetry = ({ error }: { error: unknown }): void => void failures.push(error);
  // The server of this test sends a heartbeat each second.
  const run = follow(openClient(proxy), id, { ...QUICK, silenceTimeoutMs: 2_500, onRetry });
  const events: Event[] = [];
  for await (const event of run) {
    events.push(event);
    if (events.length === 50) proxy.freeze();
  }
  await expectRecorded(id, events);
  expect(String(failures[0])).toContain("silent for 2.5 s");
  expect(failures).toHaveLength(1);
});

test("heartbeats keep a quiet connection", async () => {
  const client = new OpenAI({ baseURL: server.api.url, apiKey: "any" });
  const { id } = await create(server.api.url, simulate({ tokens: 2, delay_ms: 4_000 }));
  const failures: unknown[] = [];
  const onRetry = ({ error }: { error: unknown }): void => void failures.push(error);
  const final = await follow(client, id, { silenceTimeoutMs: 2_500, onRetry }).finalResponse();
  expect(final.status).toBe("completed");
  expect(failures).toEqual([]);
});

test("a loop that waits beside its final response gets it", async () => {
  const client = new OpenAI({ baseURL: server.api.url, apiKey: "any" });
  const { id } = await create(server.api.url, simulate({ tokens: 10, delay_ms: 10 }));
  const run = follow(client, id);
  const finals: unknown[] = [];
  for await (const event of run) {
    if (event.sequence_number !== 3) continue;
    finals.push(await run.finalResponse());
    await expect(drain(run)).rejects.toMatchObject({ code: "already_followed" });
  }
  expect(finals).toEqual([await run.finalResponse()]);
});

async function drain<R extends AsyncIterable<Event>>(run: R): Promise<R> {
  for await (const event of run) void event;
  return run;
}
