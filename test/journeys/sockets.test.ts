/** Clients that request a WebSocket or another upgrade: handshakes by hand, over real sockets. */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ApiProcess, type ServerProcess, startApi, startWorker } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

const KEY = "authorization: Bearer key-of-mine";
const HANDSHAKE = [
  "connection: Upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

let api: ApiProcess;
let worker: ServerProcess;
beforeAll(async () => {
  const environment = { KEY_PREFIX: uniquePrefix() };
  [api, worker] = await Promise.all([
    startApi({ ...environment, API_KEYS: "mine:key-of-mine" }),
    startWorker(environment),
  ]);
});
afterAll(async () => {
  await Promise.all([api[Symbol.asyncDispose](), worker[Symbol.asyncDispose]()]);
});

/** All bytes until the server closes the connection. */
async function exchange(line: string, headers: readonly string[], body = ""): Promise<string> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  socket.write(`${[line, `host: ${hostname}`, ...headers].join("\r\n")}\r\n\r\n${body}`);
  return await text(socket);
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)![1]);

describe("a handshake for a WebSocket", () => {
  test.each(["/v1/responses", "/v5/responses", "/v1/realtime?model=m", "/v1/responses/resp_1"])(
    "to %s gets 426 with the supported protocols, and is closed",
    async (path) => {
      const answer = await exchange(`GET ${path} HTTP/1.1`, [...HANDSHAKE, KEY]);
      const [head, body] = answer.split("\r\n\r\n") as [string, string];
      expect(head).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
      expect(head.toLowerCase().split("\r\n")).toEqual(
        expect.arrayContaining([
          "upgrade: http/1.1",
          "connection: upgrade, close",
          "content-type: application/json; charset=utf-8",
          "openai-version: 2020-10-01",
        ]),
      );
      expect(JSON.parse(body)).toEqual({
        error: {
          type: "invalid_request_error",
          param: null,
          code: "websocket_not_supported",
          message:
            "This server does not speak WebSocket. Send requests by HTTP: POST /v1/responses with 'stream': true.",
        },
      });
    },
  );

  test.each([["Upgrade: h2c, WebSocket"], ["upgrade: foo,websocket"]])("is recognized by %j too", async (upgrade) => {
    const headers = ["connection: keep-alive, Upgrade", upgrade, KEY];
    expect(statusOf(await exchange("GET /v1/responses HTTP/1.1", headers))).toBe(426);
  });

  test("without a key is rejected for that", async () => {
    const headers = [...HANDSHAKE, "connection: close"];
    expect(statusOf(await exchange("GET /v1/responses HTTP/1.1", headers))).toBe(401);
  });

  test("outside of the API is a normal request", async () => {
    expect(statusOf(await exchange("GET /healthz HTTP/1.1", [...HANDSHAKE, "connection: close"]))).toBe(200);
  });

  test("by the platform's client fails once, and the next request succeeds", async () => {
    const socket = new WebSocket(api.url.replace("http:", "ws:").concat("/responses"));
    const [event] = (await once(socket, "error")) as [Event];
    expect(event.type).toBe("error");
    const headers = { authorization: "Bearer key-of-mine" };
    expect((await fetch(`${api.url}/models`, { headers })).status).toBe(200);
  });
});

describe("another upgrade is ignored, and HTTP/1.1 answers its request", () => {
  const body = JSON.stringify({
    model: "simulator/default",
    input: "Hello",
    stream: true,
    metadata: { "simulator.text": "Hi", "simulator.delay_ms": "0" },
  });
  const h2c = ["connection: Upgrade, HTTP2-Settings, close", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__", KEY];

  test("from curl and Java, with a body", async () => {
    const length = `content-length: ${Buffer.byteLength(body)}`;
    const answer = await exchange("POST /v1/responses HTTP/1.1", [...h2c, length], body);
    expect(statusOf(answer)).toBe(200);
    expect(answer).toContain("event: response.completed");
  });

  test("from a GET", async () => {
    expect(statusOf(await exchange("GET /v1/models HTTP/1.1", h2c))).toBe(200);
  });

  test("a POST that names WebSocket is not a handshake", async () => {
    const headers = ["connection: Upgrade, close", "upgrade: websocket", `content-length: ${body.length}`, KEY];
    expect(statusOf(await exchange("POST /v1/responses HTTP/1.1", headers, body))).toBe(200);
  });

  test("HTTP/1.0 has no upgrades", async () => {
    const headers = ["connection: Upgrade", "upgrade: websocket", KEY];
    expect(statusOf(await exchange("GET /v1/models HTTP/1.0", headers))).toBe(200);
  });
});
