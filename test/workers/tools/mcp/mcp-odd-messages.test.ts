/** Servers whose messages, statuses and labels break the protocol, and which still work. */
import { writeFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { call, mcpTool, callOutputs, runMcp, describeItems } from "../../../support/mcp-runs.ts";
import { startMcpServer } from "../../../support/mcp-server.ts";
import { useMcpFolder } from "../../../support/mcp-fixtures.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

const { storage, folder } = await useMcpFolder();

interface Message {
  id?: number;
  method?: string;
  params?: { protocolVersion?: string };
}

const GREETING = {
  protocolVersion: "2025-06-18",
  capabilities: { tools: {} },
  serverInfo: { name: "odd", version: "1" },
};
const RESULTS: Record<string, object> = {
  initialize: GREETING,
  "tools/list": { tools: [{ name: "look", inputSchema: { type: "object" } }] },
  "tools/call": { content: [{ type: "text", text: "seen" }] },
};

/** How a valid answer is changed and sent. */
interface Oddity {
  change?: (answer: { jsonrpc: string; id: number | undefined; result: object }, method: string) => unknown;
  send?: (response: ServerResponse, json: string, message: Message, request: IncomingMessage) => void;
}

const sendJson = (response: ServerResponse, json: string) => {
  response.writeHead(200, { "content-type": "application/json" }).end(json);
};
const sendStream = (response: ServerResponse, json: string) => {
  response.writeHead(200, { "content-type": "text/event-stream" }).end(`event: message\ndata: ${json}\n\n`);
};

async function runWith({ change = (answer) => answer, send = sendJson }: Oddity, environment = {}) {
  await using server = await startMcpServer({
    intercept: (request, response, body) => {
      if (request.method !== "POST") return response.writeHead(405).end() !== undefined;
      const message = JSON.parse(body) as Message;
      const result = RESULTS[message.method ?? ""];
      if (message.id === undefined || result === undefined) response.writeHead(202).end();
      else {
        const answer = change({ jsonrpc: "2.0", id: message.id, result }, message.method!);
        send(response, JSON.stringify(answer), message, request);
      }
      return true;
    },
  });
  const request = { tools: [mcpTool({ server_url: server.url })], metadata: scriptSteps(call("srv__look")) };
  const { response, calls } = await runMcp(storage, request, { environment });
  expect(response.status).toBe("completed");
  return { items: describeItems(response.output), output: callOutputs(calls.at(-1)!)[0] };
}

const greeted = (fields: object): Oddity => ({
  change: (answer, method) => (method === "initialize" ? { ...answer, result: { ...GREETING, ...fields } } : answer),
});
const called = (change: (answer: { id: number | undefined }) => unknown): Oddity => ({
  change: (answer, method) => (method === "tools/call" ? change(answer) : answer),
});

const UNDERSTOOD: [string, Oddity][] = [
  ["no jsonrpc", { change: ({ id, result }) => ({ id, result }) }],
  ["another jsonrpc", { change: (answer) => ({ ...answer, jsonrpc: "1.0" }) }],
  ["an error that is null", { change: (answer) => ({ ...answer, error: null }) }],
  ["fields of its own", { change: (answer) => ({ ...answer, took: 7 }) }],
  ["ids as text", { change: (answer) => ({ ...answer, id: String(answer.id) }) }],
  ["ids that are null", { change: (answer) => ({ ...answer, id: null }) }],
  ["no ids", { change: ({ id: _id, ...answer }) => answer }],
  ["_meta that is text", { change: (answer) => ({ ...answer, result: { ...answer.result, _meta: "x" } }) }],
  ["a list of one message", { change: (answer) => [answer] }],
  ["a greeting without a name", greeted({ serverInfo: undefined })],
  ["a greeting without its version", greeted({ serverInfo: { name: "odd" } })],
  ["a greeting without capabilities", greeted({ capabilities: undefined })],
  ["capabilities that are null", greeted({ capabilities: null })],
  ["capabilities that are a list", greeted({ capabilities: ["tools"] })],
  ["capabilities that are flags", greeted({ capabilities: { tools: true, logging: false, prompts: null } })],
  ["a greeting without a version of the protocol", greeted({ protocolVersion: undefined })],
  ["an older version of the protocol", greeted({ protocolVersion: "2024-10-07" })],
  ["instructions that are no text", greeted({ instructions: ["Do."] })],
];

describe("a server that answers with", () => {
  const ways = { JSON: sendJson, "a stream": sendStream };
  test.each(
    Object.entries(ways).flatMap(([way, send]) => UNDERSTOOD.map(([name, odd]) => [name, way, odd, send] as const)),
  )("%s, as %s", async (name, way, oddity, send) => {
    if (name === "a list of one message" && way !== "JSON") return;
    const { items } = await runWith({ ...oddity, send });
    expect(items).toEqual(["list look", "look completed: seen", "message"]);
  });

  const labels = [
    "application/json; charset=utf-8",
    "APPLICATION/JSON",
    "text/json",
    "text/plain",
    "text/html",
    undefined,
  ];
  test.each(labels)("JSON labeled %j", async (label) => {
    const send: Oddity["send"] = (response, json) => {
      response.writeHead(200, label === undefined ? {} : { "content-type": label }).end(json);
    };
    expect((await runWith({ send })).items).toEqual(["list look", "look completed: seen", "message"]);
  });

  test.each(["text/event-stream; charset=utf-8", "Text/Event-Stream"])("a stream labeled %j", async (label) => {
    const send: Oddity["send"] = (response, json) => {
      response.writeHead(200, { "content-type": label }).end(`data:${json}\r\n\r\n`);
    };
    expect((await runWith({ send })).items).toEqual(["list look", "look completed: seen", "message"]);
  });

  test.each([201, 202])("status %i and a valid answer", async (status) => {
    const send: Oddity["send"] = (response, json) => {
      response.writeHead(status, { "content-type": "application/json" }).end(json);
    };
    expect((await runWith({ send })).items).toEqual(["list look", "look completed: seen", "message"]);
  });

  test("a stream cut anywhere, with notifications", async () => {
    const send: Oddity["send"] = (response, json) => {
      const notice = { method: "notifications/message", params: { level: "info", data: "wörking \u2028 on it" } };
      const bytes = Buffer.from(`: hello\n\ndata: ${JSON.stringify(notice)}\n\nid: 1\ndata: ${json}\n\n`);
      response.writeHead(200, { "content-type": "text/event-stream" });
      for (const byte of bytes) response.write(Buffer.from([byte]));
      response.end();
    };
    expect((await runWith({ send })).items).toEqual(["list look", "look completed: seen", "message"]);
  });

  test("a stream with a request of its own", async () => {
    const send: Oddity["send"] = (response, json) => {
      const ask = (id: unknown, method: string) => `data: ${JSON.stringify({ jsonrpc: "2.0", id, method })}\n\n`;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`${ask("a", "ping")}${ask(0, "roots/list")}${ask(null, "ping")}data: ${json}\n\n`);
    };
    expect((await runWith({ send })).items).toEqual(["list look", "look completed: seen", "message"]);
  });

  test("an error for the newest version instead of an older version", async () => {
    const send: Oddity["send"] = (response, json, { method, params }) => {
      if (method !== "initialize" || params?.protocolVersion === "2025-06-18") return sendJson(response, json);
      response.writeHead(400).end("Unsupported protocol version (supported versions: 2025-06-18, 2025-03-26)");
    };
    expect((await runWith({ send })).items).toEqual(["list look", "look completed: seen", "message"]);
  });
});

describe("a lost session that only a message reports", () => {
  test.each([
    "Session not found",
    "Bad Request: No valid session ID provided",
    "The session has expired.",
    "Session abc-123 was terminated",
    "Invalid session",
    "Server not initialized",
    "Received request before initialization was complete",
  ])("%s: the call moves to a new session", async (message) => {
    const methods: string[] = [];
    const odd: Oddity = {
      change: (answer, method) => {
        const isFirst = method === "tools/call" && !methods.includes(method);
        methods.push(method);
        return isFirst ? { jsonrpc: "2.0", id: answer.id, error: { code: -32_000, message } } : answer;
      },
    };
    expect((await runWith(odd)).items).toEqual(["list look", "look completed: seen", "message"]);
    expect(methods).toEqual(["initialize", "tools/list", "tools/call", "initialize", "tools/call"]);
  });

  test("is not confused with a tool's own sessions", async () => {
    const error = { code: -32_602, message: "The session of this browser could not be saved" };
    const { items } = await runWith(called(({ id }) => ({ jsonrpc: "2.0", id, error })));
    expect(items[1]).toMatch(/failed: .*could not be saved/);
  });
});

describe("a call that is answered with", () => {
  test.each([
    ["a result that is text", { result: "plain" }, /completed: plain$/],
    ["a result that is a list", { result: [1, 2] }, /completed: \[1,2\]$/],
    ["a result that is null", { result: null }, /completed: $/],
    ["an error whose code is a word", { error: { code: "NO_ROW", message: "No row" } }, /failed: .*No row \(NO_ROW\)/],
    ["an error whose code is a number as text", { error: { code: "-32602", message: "No row" } }, /-32602.*No row/],
    ["an error without a code", { error: { message: "No row" } }, /failed: .*-32603.*No row/],
    ["an error with a fractional code", { error: { code: 1.5, message: "No row" } }, /failed: .*No row \(1.5\)/],
    ["an error that is text", { error: "No row" }, /failed: .*No row/],
    ["an error without a message", { error: { code: 7 } }, /failed: .*"code":7/],
    ["an error whose message is not text", { error: { code: 7, message: { en: "No row" } } }, /failed: .*No row/],
    ["an error without a call id", { id: null, error: { code: 7, message: "No row" } }, /failed: .*No row/],
    ["an error and a result", { result: {}, error: { code: 7, message: "No row" } }, /failed: .*No row/],
  ])("%s", async (_, fields, expected) => {
    for (const send of [sendJson, sendStream]) {
      const { items } = await runWith({ ...called(({ id }) => ({ jsonrpc: "2.0", id, ...fields })), send });
      expect(items[1]).toMatch(expected);
    }
  });

  test.each([
    ["no JSON", 200, "<html>"],
    ["nothing", 200, ""],
    ["only an acceptance", 202, ""],
  ])("%s fails at once", async (_, status, body) => {
    const send: Oddity["send"] = (response, json, { method }) => {
      if (method === "tools/call") response.writeHead(status, { "content-type": "text/html" }).end(body);
      else sendJson(response, json);
    };
    const { items } = await runWith({ send });
    expect(items[1]).toMatch(/failed: .*violates the protocol/);
  });
});

describe("a server of the older transport", () => {
  test.each(["/messages?session=1", "messages", "?id=7"])("works at %s", async (endpoint) => {
    let stream: ServerResponse | undefined;
    const paths = new Set<string>();
    await using server = await startMcpServer({
      intercept: (request, response, body) => {
        if (request.method === "GET") {
          stream = response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
          stream.write(`event: endpoint\ndata: ${endpoint}\n\n`);
          return true;
        }
        if (request.method !== "POST" || stream === undefined) return response.writeHead(405).end() !== undefined;
        paths.add(request.url!);
        const { id, method = "" } = JSON.parse(body) as Message;
        response.writeHead(200).end("Accepted");
        const answer = { id: String(id), result: { ...RESULTS[method], _meta: 7 }, error: null };
        if (id !== undefined) stream.write(`event: message\ndata: ${JSON.stringify(answer)}\n\n`);
        return true;
      },
    });
    const request = { tools: [mcpTool({ server_url: server.url })], metadata: scriptSteps(call("srv__look")) };
    const { response } = await runMcp(storage, request);
    expect(describeItems(response.output)).toEqual(["list look", "look completed: seen", "message"]);
    expect([...paths]).toEqual([new URL(endpoint, server.url).href.slice(new URL(server.url).origin.length)]);
  });
});

test("an unknown version is named in the error", async () => {
  const { items } = await runWith(greeted({ protocolVersion: "1999-01-01" }));
  expect(items[0]).toMatch(/^list {2}! The server uses an unsupported version of the protocol/);
});

test("a process may print other lines between its messages", async () => {
  const script = join(folder, "odd.mjs");
  await writeFile(
    script,
    `import { createInterface } from "node:readline";
    const results = ${JSON.stringify(RESULTS)};
    console.log("Starting …");
    for await (const line of createInterface({ input: process.stdin })) {
      const { id, method } = JSON.parse(line);
      if (id === undefined) continue;
      console.log("{ not JSON");
      process.stdout.write(JSON.stringify({ id: String(id), result: { ...results[method], _meta: 7 }, error: null }) + "\\r\\n");
    }`,
  );
  const file = join(folder, "servers.json");
  await writeFile(file, JSON.stringify({ servers: { srv: { command: process.execPath, args: [script] } } }));
  const request = { tools: [mcpTool({})], metadata: scriptSteps(call("srv__look")) };
  const { response } = await runMcp(storage, request, { environment: { MCP_SERVERS_FILE: file } });
  expect(describeItems(response.output)).toEqual(["list look", "look completed: seen", "message"]);
});
