/** The client against a server that answers what a test orders: which failures it repeats, when, and how it gives up. */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { follow, FollowError, type FollowOptions, type RetryNotice, waitFor } from "../../../src/client/index.ts";
import { CLIENTS } from "../../conformance/clients/clients.ts";

interface OrderedAnswer {
  status: number;
  headers?: Record<string, string>;
  body: string;
  /** The connection stays open after the body. */
  isOpen?: boolean;
}

let server: Server;
let answers: OrderedAnswer[] = [];
let requests: string[] = [];
let notices: RetryNotice[] = [];

const QUICK = { minDelayMs: 2, maxDelayMs: 20, onRetry: (notice: RetryNotice): void => void notices.push(notice) };
const SSE = { "content-type": "text/event-stream; charset=utf-8" };
const ended = {
  id: "resp_1",
  status: "completed",
  output: [{ type: "message", content: [{ type: "output_text", text: "Hi" }] }],
};

const frame = (n: number, type: string, fields: object = {}): string =>
  `id: ${n}\nevent: ${type}\ndata: ${JSON.stringify({ type, sequence_number: n, ...fields })}\n\n`;
const created = frame(0, "response.created", { response: { id: "resp_1", status: "queued" } });
const delta = frame(1, "response.output_text.delta", { delta: "Hi" });
const completed = frame(2, "response.completed", { response: ended });
const stream = (...frames: string[]): OrderedAnswer => ({ status: 200, headers: SSE, body: frames.join("") });
const failure = (status: number, headers: Record<string, string> = {}): OrderedAnswer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify({ error: { message: "no", type: "t", code: "c", param: null } }),
});

beforeEach(async () => {
  [answers, requests, notices] = [[], [], []];
  server = createServer((request, response) => {
    requests.push(request.url!.slice("/v1/responses/resp_1".length));
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    response.writeHead(answer.status, answer.headers ?? {});
    if (answer.isOpen) response.write(answer.body === "" ? ":\n" : answer.body);
    else response.end(answer.body);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const openClient = ({ OpenAI } = CLIENTS[0]![1]) =>
  new OpenAI({ baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, apiKey: "any" });

async function collect(options: FollowOptions = QUICK, client = openClient()): Promise<number[]> {
  const numbers: number[] = [];
  for await (const event of follow(client, "resp_1", options)) numbers.push(event.sequence_number);
  return numbers;
}

test.each(CLIENTS)("%s hides what a server repeats, and half a frame", async (_name, client) => {
  answers = [stream(created, delta.slice(0, 20)), stream(created, delta), stream(delta, completed)];
  expect(await collect(QUICK, openClient(client))).toEqual([0, 1, 2]);
  expect(requests).toEqual(["?stream=true", "?stream=true&starting_after=0", "?stream=true&starting_after=1"]);
});

test.each([408, 409, 429, 500, 502, 503, 529])("a %i is retried", async (status) => {
  answers = [failure(status), failure(status), stream(created, delta, completed)];
  expect(await collect()).toEqual([0, 1, 2]);
  expect(notices.map(({ failures }) => failures)).toEqual([1, 2]);
  answers = [
    failure(status),
    { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(ended) },
  ];
  expect(await waitFor(openClient(), "resp_1", QUICK)).toEqual({ ...ended, output_text: "Hi" });
});

test.each([400, 401, 403, 404, 422])("a %i is thrown as the client's own error", async (status) => {
  answers = [failure(status)];
  await expect(collect()).rejects.toMatchObject({ status, code: "c" });
  await expect(waitFor(openClient(), "resp_1", QUICK)).rejects.toMatchObject({ status });
  expect(requests).toHaveLength(2);
});

test("the server's x-should-retry overrides the status", async () => {
  answers = [failure(429, { "x-should-retry": "false" })];
  await expect(collect()).rejects.toMatchObject({ status: 429 });
  answers = [failure(400, { "x-should-retry": "true" }), stream(created, delta, completed)];
  expect(await collect()).toEqual([0, 1, 2]);
});

test("Retry-After delays the retry, in seconds or as a date", async () => {
  const soon = new Date(Date.now() + 60_000).toUTCString();
  for (const [value, atLeastMs, atMostMs] of [
    ["30", 30_000, 30_000],
    [soon, 50_000, 60_000],
    ["86400", 300_000, 300_000],
  ] as const) {
    answers = [failure(503, { "retry-after": value })];
    const stopping = new AbortController();
    const onRetry = (notice: RetryNotice): void => {
      notices.push(notice);
      stopping.abort(new Error("seen"));
    };
    await expect(collect({ onRetry, signal: stopping.signal })).rejects.toThrow("seen");
    expect(notices.at(-1)!.delayMs).toBeGreaterThanOrEqual(atLeastMs);
    expect(notices.at(-1)!.delayMs).toBeLessThanOrEqual(atMostMs);
  }
});

test("delays grow with each failure, and start over after progress", async () => {
  const failures = Array.from({ length: 8 }, () => failure(500));
  answers = [...failures, stream(created), failure(500), stream(delta, completed)];
  await collect({ ...QUICK, minDelayMs: 1, maxDelayMs: 40 });
  const delays = notices.map(({ delayMs }) => delayMs);
  for (const [i, delayMs] of delays.slice(0, 8).entries()) {
    const longest = Math.min(40, 2 ** i);
    expect(delayMs).toBeLessThanOrEqual(longest);
    expect(delayMs).toBeGreaterThanOrEqual(longest / 2);
  }
  expect(delays.slice(8).every((delayMs) => delayMs <= 2)).toBe(true);
});

test("a server that stays away ends both with a named error", async () => {
  const client = openClient();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const options = { ...QUICK, giveUpAfterMs: 200 };
  for (const wait of [() => collect(options, client), () => waitFor(client, "resp_1", options)]) {
    const error: unknown = await wait().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FollowError);
    expect(error).toMatchObject({ code: "unreachable", cause: { message: "Connection error." } });
  }
  expect(notices.length).toBeGreaterThan(4);
  await once(server.listen(0, "127.0.0.1"), "listening");
});

test("an aborted signal ends every wait with its reason", async () => {
  const reason = new Error("enough");
  const silent = { ...stream(created), isOpen: true };
  for (const answer of [silent, failure(500, { "retry-after": "60" })]) {
    answers = [answer];
    const stopping = new AbortController();
    const abortLater = (): void => void setImmediate(() => stopping.abort(reason));
    server.once("request", abortLater);
    await expect(collect({ signal: stopping.signal })).rejects.toBe(reason);
    await expect(collect({ signal: stopping.signal })).rejects.toBe(reason);
    await expect(waitFor(openClient(), "resp_1", { signal: stopping.signal })).rejects.toBe(reason);
  }
});

test("an address that sends no events is no server to wait for", async () => {
  answers = [{ status: 200, headers: { "content-type": "text/html" }, body: "<h1>Sign in</h1>" }];
  await expect(collect()).rejects.toMatchObject({ code: "no_event_stream" });
  expect(requests).toHaveLength(1);
});

test("a server whose streams stay empty is asked whether the response has ended", async () => {
  answers = [
    stream(),
    stream(),
    stream(),
    { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(ended) },
  ];
  const run = follow(openClient(), "resp_1", { ...QUICK, after: 9 });
  expect(await run.finalResponse()).toMatchObject({ status: "completed", output_text: "Hi" });
  expect(requests).toEqual([
    "?stream=true&starting_after=8",
    "?stream=true&starting_after=9",
    "?stream=true&starting_after=9",
    "",
  ]);
});

test("a broken poll is repeated", async () => {
  const json = JSON.stringify(ended);
  answers = [
    { status: 200, headers: { "content-type": "application/json" }, body: json.slice(0, 20) },
    { status: 200, headers: { "content-type": "application/json" }, body: json },
  ];
  expect(await waitFor(openClient(), "resp_1", QUICK)).toMatchObject({ status: "completed" });
  expect(notices).toHaveLength(1);
});

test("an error of the caller is thrown at once", async () => {
  await expect(follow(openClient(), "..", QUICK).finalResponse()).rejects.toThrow("invalid segments");
  // Without an id, the address would be that of the list of all responses.
  expect(() => follow(openClient(), "")).toThrow(TypeError);
  await expect(waitFor(openClient(), "")).rejects.toThrow(TypeError);
  expect(notices).toEqual([]);
});
