/** MCP servers for tests: one in this process that records its requests, and the protocol's own as a process. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type Tool,
} from "@modelcontextprotocol/sdk/types.js";

export interface TestTool {
  annotations?: Tool["annotations"];
  run: (args: Record<string, unknown>, signal: AbortSignal) => Promise<CallToolResult> | CallToolResult;
}

export interface TestMcpServer extends AsyncDisposable {
  url: string;
  /** `<tool> <value of the argument x>`, when a call began. */
  begun: string[];
  /** Methods of the protocol in order of arrival; `DELETE` for the end of a session. */
  methods: string[];
  /** Headers of the first message of each session. */
  headers: IncomingMessage["headers"][];
  /** Resolves once `isSo` holds, checked after each request, answer and closed connection. */
  until: (isSo: () => boolean) => Promise<void>;
  readonly openConnections: number;
  /** Forgets every session, like a restarted server. */
  forgetSessions: () => void;
}

export const textResult = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });

/** `look` is annotated as read-only; `change` is not. */
export const LOOK_AND_CHANGE: Record<string, TestTool> = {
  look: { annotations: { readOnlyHint: true }, run: ({ x }) => textResult(`saw ${String(x)}`) },
  change: { run: ({ x }) => textResult(`changed ${String(x)}`) },
};

export interface TestMcpServerOptions {
  tools?: Record<string, TestTool>;
  /** Answers instead of the server if it returns true. */
  intercept?: (request: IncomingMessage, response: ServerResponse, body: string) => boolean | Promise<boolean>;
}

/** An `intercept` that answers these methods with results that the protocol's own server would not send. */
export function interceptWith(results: Record<string, unknown>): NonNullable<TestMcpServerOptions["intercept"]> {
  return (_request, response, body) => {
    const { id, method } = JSON.parse(body === "" ? "{}" : body) as { id?: number; method?: string };
    if (method === undefined || !Object.hasOwn(results, method)) return false;
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ jsonrpc: "2.0", id, result: results[method] }));
    return true;
  };
}

const INPUT = { type: "object" as const, properties: { x: {} } };

function protocolServer(tools: Record<string, TestTool>, begin: (call: string) => void): Server {
  const server = new Server({ name: "test", version: "1" }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.entries(tools).map(([name, { annotations }]) => ({
      name,
      description: `Does ${name}.`,
      inputSchema: INPUT,
      ...(annotations !== undefined && { annotations }),
    })),
  }));
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const args = params.arguments ?? {};
    begin(`${params.name} ${String(args["x"])}`);
    return await tools[params.name]!.run(args, signal);
  });
  return server;
}

export async function startMcpServer(options: TestMcpServerOptions = {}): Promise<TestMcpServer> {
  const tools = options.tools ?? LOOK_AND_CHANGE;
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const waiting = new Set<() => void>();
  const tell = () => {
    for (const wake of waiting) wake();
  };
  let openConnections = 0;
  const notes = { begun: [] as string[], methods: [] as string[], headers: [] as IncomingMessage["headers"][] };

  const begin = (call: string): void => {
    notes.begun.push(call);
    tell();
  };
  const openSession = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await protocolServer(tools, begin).connect(transport);
    return transport;
  };

  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    if ((await options.intercept?.(request, response, body)) === true) return;
    const message = body === "" ? undefined : (JSON.parse(body) as { method?: string });
    notes.methods.push(message?.method ?? request.method!);
    if (message?.method === "initialize") notes.headers.push(request.headers);
    const sessionId = request.headers["mcp-session-id"] as string | undefined;
    const transport = sessionId === undefined ? await openSession() : sessions.get(sessionId);
    if (transport === undefined) return void response.writeHead(404).end("Session not found");
    await transport.handleRequest(request, response, message);
    tell();
  };
  const http = createServer((request, response) => {
    response.on("close", tell);
    take(request, response).catch(() => response.destroy());
  });
  http.on("connection", (socket) => {
    openConnections += 1;
    socket.on("close", () => {
      openConnections -= 1;
      tell();
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    ...notes,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    get openConnections() {
      return openConnections;
    },
    forgetSessions: () => sessions.clear(),
    until: async (isSo) => {
      while (!isSo()) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

const require = createRequire(import.meta.url);
export const EVERYTHING_SERVER_PATH = require.resolve("@modelcontextprotocol/server-everything/dist/index.js");

export interface EverythingServer extends AsyncDisposable {
  url: string;
}

/** A test that fails during startup may leave it open, so it closes at the end of the run. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export async function startEverythingServer(transport: "streamableHttp" | "sse"): Promise<EverythingServer> {
  const port = await freePort();
  const child = spawn(process.execPath, [EVERYTHING_SERVER_PATH, transport], {
    env: { PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  running.add(child);
  const exited = once(child, "exit").then(() => running.delete(child));
  for await (const line of createInterface(child.stderr)) if (line.includes(String(port))) break;
  child.stderr.resume();
  return {
    url: `http://127.0.0.1:${port}/${transport === "sse" ? "sse" : "mcp"}`,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createNetServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
