/** A server's error becomes an item and a message to the model, and never ends the response. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import type { McpTool } from "../../../../workers/tools/mcp/tool-filter.ts";
import { call, createToolList, mcpTool, callOutputs, runMcp, describeItems } from "../../../support/mcp-runs.ts";
import { LOOK_AND_CHANGE, startMcpServer, type TestMcpServerOptions, textResult } from "../../../support/mcp-server.ts";
import { useMcpFolder } from "../../../support/mcp-fixtures.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

const { storage, folder } = await useMcpFolder();

const TOOLS = [
  { name: "look", input_schema: {}, annotations: { readOnlyHint: true } },
  { name: "change", input_schema: {} },
];

describe("a server that cannot list its tools", () => {
  const SECRET = "planted-secret-0123456789";

  async function listError(fields: Partial<McpTool>, environment: Record<string, string> = {}) {
    const tools = [mcpTool({ authorization: SECRET, ...fields })];
    const tool_choice = { type: "mcp" as const, server_label: "srv" };
    const { response, log, calls } = await runMcp(storage, { tools, tool_choice }, { environment });
    expect(response.status).toBe("completed");
    expect(log.join("\n")).not.toContain(SECRET);
    expect(log.filter((event) => event.includes('"response.mcp_list_tools.failed"'))).toHaveLength(1);
    // The provider receives no unknown tool and no tool_choice of one.
    expect(calls[0]!.request).toMatchObject({ tools: [], tool_choice: "none" });
    const [list, answer] = describeItems(response.output);
    expect(answer).toBe("message");
    return list!;
  }

  test("becomes a failed list, and the model answers without it", async () => {
    const closed = await startMcpServer();
    await closed[Symbol.asyncDispose]();
    expect(await listError({ server_url: closed.url })).toContain("could not be reached");
  });

  test.each([401, 403, 404, 429, 500, 503])("reports HTTP status %i without the server's body", async (status) => {
    await using server = await startMcpServer({
      intercept: (request, response) => {
        response.writeHead(status).end(`You said ${request.headers.authorization}`);
        return true;
      },
    });
    expect(await listError({ server_url: server.url })).toContain(`HTTP status ${status}`);
  });

  test("repeats no secret from a protocol error", async () => {
    await using server = await startMcpServer({
      intercept: (request, response, body) => {
        const { id } = JSON.parse(body) as { id: number };
        const error = { code: -32_000, message: `No entry with ${request.headers.authorization}` };
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ jsonrpc: "2.0", id, error }));
        return true;
      },
    });
    expect(await listError({ server_url: server.url })).toBe("list  ! No entry with <redacted>");
  });

  test("is not reached by redirects to internal addresses", async () => {
    await using server = await startMcpServer();
    const inside = { FETCH_ALLOWED_HOSTS: "" };
    expect(await listError({ server_url: server.url }, inside)).toContain("not allowed");
    const elsewhere = createServer((_request, response) => {
      response.writeHead(307, { location: server.url }).end();
    }).listen(0, "127.0.0.1");
    await once(elsewhere, "listening");
    const { port } = elsewhere.address() as AddressInfo;
    expect(await listError({ server_url: `http://127.0.0.1:${port}/mcp` })).toContain("HTTP status 307");
    elsewhere.close();
    expect(server.methods).toEqual([]);
  });

  test("fails beyond the size limit", async () => {
    const big = { description: "x".repeat(2 * 1024 * 1024) };
    await using server = await startMcpServer({
      intercept: (_request, response, body) => {
        const { id, method } = JSON.parse(body) as { id: number; method: string };
        if (method !== "tools/list") return false;
        response.writeHead(200, { "content-type": "text/event-stream" });
        const result = { tools: [{ name: "look", inputSchema: { type: "object" }, ...big }] };
        response.end(`data: ${JSON.stringify({ jsonrpc: "2.0", id, result })}\n\n`);
        return true;
      },
    });
    expect(await listError({ server_url: server.url })).toContain("more tools than a model can see");
  });

  test("may be a process that does not start", async () => {
    const file = join(folder, "broken.json");
    await writeFile(file, JSON.stringify({ servers: { srv: { command: "/does/not/exist" } } }));
    expect(await listError({}, { MCP_SERVERS_FILE: file })).toContain("Connection closed");
  });
});

describe("a call", () => {
  async function runCall(options: TestMcpServerOptions, name: string, environment: Record<string, string> = {}) {
    await using server = await startMcpServer(options);
    const tool = mcpTool({ server_url: server.url });
    const request = { tools: [tool], metadata: scriptSteps(call(`srv__${name}`, { x: 1 })) };
    const input = [createToolList(tool, TOOLS)];
    const { response, log, calls } = await runMcp(storage, request, { environment, input });
    expect(response.status).toBe("completed");
    const [item, answer] = response.output;
    expect(answer!.type).toBe("message");
    const failed = log.filter((event) => event.includes('"response.mcp_call.failed"'));
    expect(failed).toHaveLength(item!.status === "failed" ? 1 : 0);
    return { item: item!, output: callOutputs(calls.at(-1)!)[0], begun: server.begun };
  }

  const failing = (result: () => never | ReturnType<typeof textResult>) => ({ look: { run: result } });

  test("fails if the tool reports an error", async () => {
    const { item, output } = await runCall(
      { tools: failing(() => ({ ...textResult("no such row"), isError: true })) },
      "look",
    );
    const content = [{ type: "text", text: "no such row" }];
    expect(item).toMatchObject({
      status: "failed",
      output: null,
      error: { type: "mcp_tool_execution_error", content },
    });
    expect(output).toBe("no such row");
  });

  test("fails on a protocol error", async () => {
    const { item, output } = await runCall(
      {
        tools: failing(() => {
          throw new Error("broken inside");
        }),
      },
      "look",
    );
    expect(item).toMatchObject({ error: { type: "mcp_protocol_error", code: -32_603, message: "broken inside" } });
    expect(output).toContain("broken inside");
  });

  test("fails on an HTTP error", async () => {
    const intercept: TestMcpServerOptions["intercept"] = (_request, response, body) => {
      if (!body.includes("tools/call")) return false;
      response.writeHead(502).end("bad");
      return true;
    };
    const { item } = await runCall({ intercept }, "look");
    expect(item).toMatchObject({ error: { type: "http_error", code: 502 } });
  });

  test("times out, and the server receives a cancel", async () => {
    const cancelled = Promise.withResolvers<void>();
    const run = async (_args: object, signal: AbortSignal) => {
      signal.addEventListener("abort", () => cancelled.resolve());
      await cancelled.promise;
      return textResult("late");
    };
    const { item } = await runCall({ tools: { change: { run } } }, "change", { MCP_CALL_TIMEOUT_MS: "150" });
    expect(item).toMatchObject({ status: "failed", error: { type: "mcp_protocol_error", code: -32_001 } });
    await cancelled.promise;
  });

  test("has its answer truncated for the model", async () => {
    const { item, output } = await runCall({ tools: failing(() => textResult("y".repeat(300_000))) }, "look");
    expect(item.status).toBe("completed");
    expect(String(output).length).toBeLessThan(263_000);
    expect(output).toContain("[cut off");
  });

  const dropOnce = (): NonNullable<TestMcpServerOptions["intercept"]> => {
    let dropped = 0;
    return (_request, response, body) => {
      if (!body.includes("tools/call") || dropped++ > 0) return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      response.destroy();
      return true;
    };
  };

  test("is repeated after a crash if it changes nothing", async () => {
    const { item, begun } = await runCall({ intercept: dropOnce() }, "look");
    expect(item).toMatchObject({ status: "completed", output: "saw 1" });
    expect(begun).toEqual(["look 1"]);
  });

  test("is not repeated after a crash if it may change something", async () => {
    const { item, begun } = await runCall({ intercept: dropOnce() }, "change");
    expect(item).toMatchObject({ status: "failed", error: { type: "mcp_protocol_error", code: -32_000 } });
    expect(begun).toEqual([]);
  });

  test("moves to a new session if the server lost the old one", async () => {
    await using server = await startMcpServer({
      tools: {
        ...LOOK_AND_CHANGE,
        restart: {
          run: () => {
            server.forgetSessions();
            return textResult("restarted");
          },
        },
      },
    });
    const tools = [mcpTool({ server_url: server.url })];
    const metadata = scriptSteps(call("srv__restart"), call("srv__change", { x: 1 }), call("srv__change", { x: 2 }));
    const { response } = await runMcp(storage, { tools, metadata });
    expect(describeItems(response.output).slice(1, -1)).toEqual([
      "restart completed: restarted",
      "change completed: changed 1",
      "change completed: changed 2",
    ]);
    expect(server.begun).toEqual(["restart undefined", "change 1", "change 2"]);
    expect(server.headers).toHaveLength(2);
  });
});
