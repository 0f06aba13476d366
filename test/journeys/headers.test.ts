/** The headers of every answer, and the answers to bytes that are not a request. */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { request } from "undici";
import { describe, expect, test } from "vitest";
import { describeApi } from "../../src/openapi/document.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { create, send, simulate } from "../support/api-client.ts";
import { uniquePrefix } from "../support/redis.ts";
import { subscribe } from "../support/subscriber.ts";
import { openTestServerWithWorker } from "../support/test-server.ts";

expectDescribed();

const environment = { KEY_PREFIX: uniquePrefix() };
const OURS = /^req_[0-9a-f]{32}$/;
const { api } = await openTestServerWithWorker(environment);

const ask = async (headers: Record<string, string>, path = "/models") =>
  await send<object>("GET", `${api.url}${path}`, undefined, headers);

describe("x-request-id", () => {
  test.each(["trace-1", "4bf92f35-77b3/0:1@edge+a=b", "x".repeat(128)])("of a client is kept: %s", async (id) => {
    const answer = await ask({ "x-request-id": id });
    expect(answer.headers.get("x-request-id")).toBe(id);
    await api.line((line) => line["requestId"] === id, "the id in its log");
  });

  test.each(["", "x".repeat(129), "two words", 'a"b', "a,b", "\u00ff"])(
    "that is invalid is replaced by ours: %j",
    async (id) => {
      expect((await ask({ "x-request-id": id })).headers.get("x-request-id")).toMatch(OURS);
    },
  );

  test.each(["/responses", "/responses/compact"])("leads in the log to the response created by %s", async (path) => {
    const requestId = `made-by${path}`;
    const body = { model: "simulator/default", input: "Hello" };
    const answer = await send("POST", `${api.url}${path}`, body, { "x-request-id": requestId });
    const line = await api.line((each) => each["requestId"] === requestId, "the request in its log");
    expect([answer.status, line["responseId"]]).toEqual([200, answer.body.id]);
  });

  test("is on errors too, and generated where the client sent none", async () => {
    const rejected = await ask({ "x-request-id": "mine" }, "/responses/resp_unknown");
    expect([rejected.status, rejected.headers.get("x-request-id")]).toEqual([404, "mine"]);
    expect((await ask({})).headers.get("x-request-id")).toMatch(OURS);
  });
});

describe("X-Client-Request-Id", () => {
  test("is logged beside our own id", async () => {
    const answer = await ask({ "x-client-request-id": "call 7 of my job" });
    expect(answer.headers.get("x-request-id")).toMatch(OURS);
    const line = await api.line((each) => each["clientRequestId"] === "call 7 of my job", "the client's id in its log");
    expect(line["requestId"]).toBe(answer.headers.get("x-request-id"));
  });

  test.each(["x".repeat(513), "caf\u00e9"])("that is not at most 512 ASCII characters is rejected: %#", async (id) => {
    const answer = await ask({ "x-client-request-id": id });
    expect(answer).toMatchObject({ status: 400, body: { error: { param: null, code: "invalid_value" } } });
    expect(answer.headers.get("x-request-id")).toMatch(OURS);
  });
});

test("openai-processing-ms and openai-version are on answers, errors and streams", async () => {
  const { id } = await create(api.url, simulate({ tokens: 2, delay_ms: 0 }));
  await subscribe(api.url, id);
  const stream = await fetch(`${api.url}/responses/${id}?stream=true`);
  await stream.text();
  const health = ["healthz", "readyz"].map((path) => fetch(new URL(`/${path}`, api.url)));
  const answers = [
    await ask({}),
    await ask({}, "/nothing"),
    await send("GET", `${api.url}/responses/${id}`),
    stream,
    ...(await Promise.all(health)),
  ];
  for (const { headers } of answers) {
    expect(headers.get("openai-version")).toBe("2020-10-01");
    expect(headers.get("openai-processing-ms")).toMatch(/^\d+$/);
    expect(headers.get("x-request-id")).toMatch(OURS);
  }
});

test("HEAD of a running stream returns at once and frees its connection", async () => {
  const { id } = await create(api.url, simulate({ hang: true }));
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(`HEAD /v1/responses/${id}?stream=true HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
  socket.write(`GET /v1/models/simulator/default HTTP/1.1\r\nhost: ${hostname}\r\nconnection: close\r\n\r\n`);
  const answers = await text(socket);
  expect(answers.match(/^HTTP\/1\.1 \d+/gm)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
  expect(answers).toMatch(/content-type: text\/event-stream[^]*"id":"simulator\/default"/i);
});

describe("a cursor in the Last-Event-ID header", () => {
  test("that is wrong is reported by the header's name", async () => {
    const { id } = await create(api.url, simulate({ tokens: 2, delay_ms: 0 }));
    await subscribe(api.url, id);
    const path = `/responses/${id}?stream=true`;
    expect((await ask({ "last-event-id": "abc" }, path)).body).toEqual({
      error: {
        message: "Invalid 'Last-Event-ID' header: expected an integer >= 0, but got 'abc' instead.",
        type: "invalid_request_error",
        param: null,
        code: "invalid_value",
      },
    });
    const message = /^Invalid 'Last-Event-ID' header: 999 is beyond the last recorded event, which is \d+\.$/;
    expect((await ask({ "last-event-id": "999" }, path)).body).toMatchObject({
      error: { param: null, message: expect.stringMatching(message) },
    });
    expect((await ask({}, `${path}&starting_after=999`)).body).toMatchObject({ error: { param: "starting_after" } });
  });
});

/** Sends bytes on a new connection, and returns all that comes back until the server closes it. */
async function sendBytes(bytes: string | Buffer): Promise<{ status: number; head: string; body: unknown }> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(bytes);
  const answer = await text(socket);
  const [head, body] = answer.split("\r\n\r\n") as [string, string];
  return { status: Number(head.split(" ")[1]), head, body: JSON.parse(body) as unknown };
}

const httpErrors = describeApi().components.responses["HttpError"]!.content!["application/json"]!.examples!;

describe("requests that Node would answer itself", () => {
  test.each([
    ["no host", "GET /v1/models HTTP/1.1\r\nconnection: close\r\n\r\n", 400, "missingHost"],
    ["two hosts", "GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\nHOST: 127.0.0.1\r\n\r\n", 400, "severalHosts"],
    ["two hosts, the second empty", "GET /v1/models HTTP/1.0\r\nhost: a\r\nhost:\r\n\r\n", 400, "severalHosts"],
    [
      "two hosts, and a body to come",
      "POST /v1/responses HTTP/1.1\r\nhost: a\r\nhost: b\r\ncontent-length: 9\r\n\r\n",
      400,
      "severalHosts",
    ],
    [
      "an unknown expectation",
      "POST /v1/responses HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: a-miracle\r\ncontent-length: 9\r\n\r\n",
      417,
      "expectationFailed",
    ],
  ])("%s: rejected like any request", async (_name, bytes, status, described) => {
    const answer = await sendBytes(bytes);
    expect(answer.status).toBe(status);
    expect(httpErrors[described]!.value).toEqual(answer.body);
    expect(answer.head).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/i);
    expect(answer.head).toMatch(/\r\nopenai-processing-ms: \d+\r\n/i);
  });

  test("a tunnel gets 404", async () => {
    const answer = await sendBytes("CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\r\n");
    expect(answer).toMatchObject({
      status: 404,
      body: { error: { message: "Invalid URL (CONNECT example.org:443)", type: "invalid_request_error" } },
    });
    expect(answer.head).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/);
  });

  test("HTTP/1.0 needs no host, and Expect: 100-continue works", async () => {
    // Without keys a request must name this machine as its host; the health checks accept any name.
    expect((await sendBytes("GET /healthz HTTP/1.0\r\n\r\n")).status).toBe(200);
    const body = JSON.stringify({ model: "nobody/x", input: "Hello" });
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    const head = `host: ${hostname}\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: ${body.length}`;
    socket.write(`POST /v1/responses HTTP/1.1\r\n${head}\r\n\r\n`);
    const [interim] = (await once(socket, "data")) as [Buffer];
    expect(String(interim)).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.write(body);
    expect(await text(socket)).toContain("model_not_found");
  });
});

/** The server must not wait for the rest: the client sends no more, and keeps the connection open. */
describe("a body that is too large", () => {
  const LIMIT = 33_554_432;
  const tooLarge = {
    error: { code: "request_too_large", message: expect.stringContaining(`${LIMIT} bytes`) as string },
  };
  const head = (...lines: string[]): string =>
    [`POST /v1/responses HTTP/1.1`, `host: ${new URL(api.url).hostname}`, ...lines, "\r\n"].join("\r\n");
  const chunk = (bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);

  test.each<[string, bytes: () => string | Buffer]>([
    ["announced", () => head(`content-length: ${LIMIT + 1}`)],
    ["a length beyond all integers", () => head("content-length: 9007199254740993")],
    [
      "a length, to a path that reads no body",
      () => head(`content-length: ${LIMIT + 1}`).replace("responses", "nothing"),
    ],
    ["a length with an expectation", () => head("expect: 100-continue", `content-length: ${LIMIT + 1}`)],
    ["announced, compressed", () => head("content-encoding: gzip", `content-length: ${LIMIT + 1}`)],
    [
      "sent endlessly without a length",
      () => Buffer.concat([Buffer.from(head("transfer-encoding: chunked")), chunk(Buffer.alloc(LIMIT + 1, " "))]),
    ],
    [
      "compressed and endless",
      () => {
        const bytes = chunk(gzipSync(Buffer.alloc(LIMIT + 100_000, " ")));
        return Buffer.concat([Buffer.from(head("content-encoding: gzip", "transfer-encoding: chunked")), bytes]);
      },
    ],
  ])("%s: rejected at once, and the connection is closed", async (_name, bytes) => {
    const answer = await sendBytes(bytes());
    expect(answer).toMatchObject({ status: 413, body: tooLarge });
    expect(answer.head).toMatch(/\r\nconnection: close(\r\n|$)/i);
  });

  test("a client that sends all of it before it reads gets its answer", async () => {
    const body = Buffer.alloc(LIMIT + 1, " ");
    const { statusCode, body: answer } = await request(`${api.url}/responses`, { method: "POST", body });
    expect(statusCode).toBe(413);
    expect(await answer.json()).toMatchObject(tooLarge);
  });

  test("a client that expects 100-continue is not asked for an unwanted body", async () => {
    const answer = await sendBytes(head("expect: 100-continue", "content-length: 9").replace("responses", "nothing"));
    expect(answer.status).toBe(404);
    expect(answer.head).toMatch(/\r\nconnection: close/i);
  });
});

describe("bytes that are not a request", () => {
  test.each([
    ["no HTTP", "HELLO\r\n\r\n", 400, null, "malformedHttp"],
    ["a header without a name", "GET /v1/models HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n", 400, null, "malformedHttp"],
    [
      "two lengths",
      "POST /v1/responses HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
      400,
      null,
      "malformedHttp",
    ],
    [
      "endless headers",
      `GET /v1/models HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
      431,
      "headers_too_large",
      "headersTooLarge",
    ],
  ])("%s: answered in the contract's envelope, and closed", async (_name, bytes, status, code, described) => {
    const answer = await sendBytes(bytes);
    expect(answer.status).toBe(status);
    expect(httpErrors[described]!.value).toEqual(answer.body);
    expect(answer.body).toMatchObject({ error: { type: "invalid_request_error", param: null, code } });
    expect(answer.head).toMatch(/\r\nx-request-id: req_[0-9a-f]{32}\r\n/);
    expect(answer.head).toMatch(/\r\nconnection: close$/);
  });

  test("after a running stream: the connection is cut, the stream unchanged", async () => {
    const { id } = await create(api.url, simulate({ hang: true }));
    const { hostname, port } = new URL(api.url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(`GET /v1/responses/${id}?stream=true HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`);
    const closed = once(socket, "close");
    let received = "";
    for await (const chunk of socket) {
      received += String(chunk);
      if (received.includes("response.created")) socket.write("HELLO\r\n\r\n");
    }
    await closed;
    expect(received).toContain("response.created");
    expect(received).not.toContain("invalid_request_error");
    await send("POST", `${api.url}/responses/${id}/cancel`);
  });
});
