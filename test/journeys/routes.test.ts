/**
 * A body is read only where it has a meaning: every path and method of the description, with bodies that are not JSON.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorEnvelope } from "../../src/protocol/error.ts";
import { describeApi } from "../../src/openapi/document.ts";
import type { Method, Operation } from "../../src/openapi/spec.ts";
import { type ApiProcess, startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";

/** An admin's, for a project: it opens every path. */
const KEY = { authorization: "Bearer key-of-the-admin", "openai-project": "mine" };
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

const MULTIPART = '--b\r\ncontent-disposition: form-data; name="file"\r\n\r\n{"a":\r\n--b--\r\n';
const BODIES = [
  { type: "multipart/form-data; boundary=b", body: MULTIPART },
  { type: "application/json", body: '{"model":' },
];
const NOT_JSON = "We could not parse the JSON body of your request. The API expects a JSON object.";

/** Each path with ids filled in; the API does not route the paths beside it. */
const { paths } = describeApi();
const ROUTES = Object.entries(paths).flatMap(([template, item]) => {
  if (item.servers !== undefined) return [];
  const at = template
    .replaceAll("{response_id}", "resp_1")
    .replaceAll("{conversation_id}", "conv_1")
    .replaceAll("{container_id}", "cntr_1");
  const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
  return [{ path: at.replaceAll(/\{\w+\}/g, "x"), pattern, item }];
});

/** The first route that matches: GET treats `/responses/compact` as an id. */
function operationOf(method: string, path: string): Operation | undefined {
  const name = method.toLowerCase() as Method;
  return ROUTES.find(({ pattern, item }) => item[name] !== undefined && pattern.test(path))?.item[name];
}

const REQUESTS = ROUTES.flatMap(({ path }) =>
  METHODS.map((method) => ({ path, method, operation: operationOf(method, path) })),
);
const MISSING = ["/nothing", "/responses/resp_1/nothing", "/batches", "/conversations/conv_1/items/msg_1/x"];

let api: ApiProcess;
beforeAll(async () => {
  api = await startApi({
    KEY_PREFIX: uniquePrefix(),
    API_KEYS: "mine:key-of-mine",
    ADMIN_KEYS: "ada:key-of-the-admin",
  });
});
afterAll(async () => await api[Symbol.asyncDispose]());

interface Sent {
  method: string;
  path: string;
  type: string;
  body: string;
  headers?: Record<string, string>;
}

/** By hand: fetch sends no body with GET. */
async function ask({ method, path, type, body, headers = KEY }: Sent): Promise<{ status: number; message: string }> {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [
    `${method} /v1${path} HTTP/1.1`,
    `host: ${hostname}`,
    `content-type: ${type}`,
    `content-length: ${Buffer.byteLength(body)}`,
    "connection: close",
    ...lines,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
  const answer = await text(socket);
  const json = answer.slice(answer.indexOf("\r\n\r\n") + 4);
  const { error } = JSON.parse(json) as Partial<ErrorEnvelope>;
  return { status: Number(answer.slice(9, 12)), message: error?.message ?? "" };
}

const takesForm = ({ requestBody }: Operation): boolean => requestBody?.content["multipart/form-data"] !== undefined;

test("uploads take a form, and no JSON", async () => {
  const [form, json] = BODIES;
  expect((await ask({ method: "POST", path: "/files", ...json! })).message).toContain("multipart/form-data");
  expect((await ask({ method: "POST", path: "/files", ...form! })).message).toContain("expected a file");
  for (const body of BODIES) {
    const answer = await ask({ method: "POST", path: "/uploads/x/parts", ...body });
    expect(answer).toEqual({ status: 404, message: "No such Upload object: x" });
  }
});

describe.each(BODIES)("a body of $type", ({ type, body }) => {
  test.each(REQUESTS.filter(({ operation }) => operation?.requestBody !== undefined && !takesForm(operation)))(
    "to $method $path is read",
    async ({ path, method }) => {
      expect(await ask({ method, path, type, body })).toEqual({ status: 400, message: NOT_JSON });
    },
  );

  test.each(REQUESTS.filter(({ operation }) => operation !== undefined && operation.requestBody === undefined))(
    "to $method $path, which takes none, is ignored",
    async ({ path, method }) => {
      const without = await ask({ method, path, type, body: "" });
      expect(await ask({ method, path, type, body })).toEqual(without);
    },
  );

  test.each(REQUESTS.filter(({ operation }) => operation === undefined))(
    "to $path, which does not support $method, gets 404",
    async ({ path, method }) => {
      expect(await ask({ method, path, type, body })).toEqual({
        status: 404,
        message: `Invalid URL (${method} /v1${path})`,
      });
    },
  );

  test.each(MISSING.flatMap((path) => METHODS.map((method) => ({ path, method }))))(
    "to $method $path, which does not exist, gets 404",
    async ({ path, method }) => {
      expect(await ask({ method, path, type, body })).toEqual({
        status: 404,
        message: `Invalid URL (${method} /v1${path})`,
      });
    },
  );

  test.each(["/nothing", "/responses", "/responses/resp_1/cancel"])(
    "to POST %s without a key gets 401",
    async (path) => {
      expect((await ask({ method: "POST", path, type, body, headers: {} })).status).toBe(401);
    },
  );
});

test("an unread body leaves its connection for the next request", async () => {
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  await once(socket, "connect");
  const body = "x".repeat(1_000_000);
  const head = (line: string, more: string) => `${line} HTTP/1.1\r\nhost: ${hostname}\r\n${more}`;
  const key = `authorization: ${KEY.authorization}\r\nopenai-project: mine\r\n`;
  socket.write(`${head("GET /v1/models", `${key}content-length: ${body.length}\r\n\r\n`)}${body}`);
  socket.write(`${head("POST /v1/nothing", `${key}content-length: ${body.length}\r\n\r\n`)}${body}`);
  socket.write(head("GET /v1/models/simulator/default", `${key}connection: close\r\n\r\n`));
  const answers = await text(socket);
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 404", "HTTP/1.1 200"]);
});
