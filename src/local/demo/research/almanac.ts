/**
 * A local MCP server over streamable HTTP with one read-only tool and one that writes. It counts incoming calls and can
 * hold the first call of the read-only tool, so that the demo can kill a worker while it waits for the result.
 */
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";
import { callKey, type ExecutedCallLog } from "./check-calls.ts";
import { LIGHTS } from "./pages.ts";

export const LOOK_UP = "look_up_lights";
export const ADD_NOTE = "add_note";

export interface Almanac extends AsyncDisposable {
  url: string;
  /** Host and port, in the form of FETCH_ALLOWED_HOSTS. */
  host: string;
  /** Resolves when the first call of the read-only tool arrives. */
  lookUpStarted: Promise<void>;
}

export async function startAlmanac(
  executed: ExecutedCallLog,
  { holdsFirst }: { holdsFirst: boolean },
): Promise<Almanac> {
  const started = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  let isHeld = holdsFirst;
  const arrive = async (): Promise<void> => {
    started.resolve();
    if (!isHeld) return;
    isHeld = false;
    await released.promise;
  };
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const message: unknown = request.method === "POST" ? await json(request) : undefined;
    const id = request.headers["mcp-session-id"];
    const transport = typeof id === "string" ? sessions.get(id) : await openSession(sessions, executed, arrive);
    if (transport === undefined) response.writeHead(404).end("There is no such session.");
    else await transport.handleRequest(request, response, message);
  };
  const server = createServer((request, response) => void take(request, response).catch(() => response.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/mcp`,
    host,
    lookUpStarted: started.promise,
    async [Symbol.asyncDispose]() {
      released.resolve();
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function openSession(
  sessions: Map<string, StreamableHTTPServerTransport>,
  executed: ExecutedCallLog,
  arrive: () => Promise<void>,
): Promise<StreamableHTTPServerTransport> {
  const transport = new StreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  await almanacServer(executed, arrive).connect(transport);
  return transport;
}

function almanacServer(executed: ExecutedCallLog, arrive: () => Promise<void>): McpServer {
  const server = new McpServer({ name: "almanac", version: "1.0.0" });
  server.registerTool(
    LOOK_UP,
    {
      description: `The lamps of lighthouses: height, nominal range, character. It knows ${Object.keys(LIGHTS).join(", ")}.`,
      inputSchema: { names: z.array(z.string()) },
      annotations: { readOnlyHint: true },
    },
    async ({ names }) => {
      executed.record(callKey(LOOK_UP, { names }));
      await arrive();
      const found = Object.fromEntries(names.map((name) => [name, LIGHTS[name] ?? "not in the almanac"]));
      return { content: [{ type: "text", text: JSON.stringify(found) }] };
    },
  );
  server.registerTool(
    ADD_NOTE,
    { description: "Keep a note for the reader of the report.", inputSchema: { text: z.string() } },
    ({ text }) => {
      executed.record(callKey(ADD_NOTE, { text }));
      return { content: [{ type: "text", text: "The note is kept." }] };
    },
  );
  return server;
}
