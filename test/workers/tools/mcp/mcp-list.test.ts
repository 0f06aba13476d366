/** When a worker requests a server's list of tools, and when it uses a list of the conversation instead. */
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { McpTool, McpToolList } from "../../../../workers/tools/mcp/tool-filter.ts";
import { findKnownTools } from "../../../../workers/tools/mcp/tool-list.ts";
import {
  BARE,
  call,
  CHANGE,
  createToolList,
  LOOK,
  mcpTool,
  offeredToolNames,
  runMcp,
  describeItems,
} from "../../../support/mcp-runs.ts";
import { startMcpServer, textResult } from "../../../support/mcp-server.ts";
import { useMcpServer } from "../../../support/mcp-fixtures.ts";
import { scriptSteps } from "../../../support/tool-runs.ts";

const { storage, server } = await useMcpServer();

const tool = (fields: Partial<McpTool> = {}) => mcpTool({ server_url: server.url, ...fields });

describe("the list of tools", () => {
  test("is requested and shown once per conversation", async () => {
    const first = await runMcp(storage, { tools: [tool()], metadata: scriptSteps(call("srv__look", { x: 1 })) });
    expect(describeItems(first.response.output)).toEqual(["list look,change", "look completed: saw 1", "message"]);
    expect(server.methods).toContain("tools/list");
    server.methods.length = 0;
    const request = { tools: [tool()], metadata: scriptSteps(call("srv__change", { x: 2 })) };
    const second = await runMcp(storage, request, { ancestors: [first.id] });
    expect(describeItems(second.response.output)).toEqual(["change completed: changed 2", "message"]);
    expect(server.methods).not.toContain("tools/list");
    // The model sees the first response's call under the same name.
    const names = second.calls[0]!.history.flatMap((item) => (item.type === "function_call" ? [item.name] : []));
    expect(names).toEqual(["srv__look"]);
  });

  test("is taken from the client's items, without a connection before a call", async () => {
    const { response, calls } = await runMcp(storage, { tools: [tool()] }, { input: [createToolList(tool(), [LOOK])] });
    expect(describeItems(response.output)).toEqual(["message"]);
    expect(offeredToolNames(calls[0]!)).toEqual(["srv__look"]);
    expect(server.methods).toEqual([]);
  });

  test("is requested again if it failed, lacks an allowed tool or may be another server's", async () => {
    const only = tool({ allowed_tools: ["look"] });
    const list = createToolList(only, [LOOK]);
    for (const known of [
      { ...list, error: "gone" },
      { ...list, id: "mcpl_1" },
      createToolList(only, [BARE]),
      createToolList(tool({ server_label: "other", allowed_tools: ["look"] }), [LOOK]),
      createToolList(tool({ server_url: `${server.url}?other`, allowed_tools: ["look"] }), [LOOK]),
      createToolList(tool({ allowed_tools: ["look", "change"] }), [LOOK]),
      createToolList(tool({ allowed_tools: { read_only: true } }), [LOOK]),
    ]) {
      const { response } = await runMcp(storage, { tools: [only] }, { input: [known] });
      expect(describeItems(response.output)).toEqual(["list look", "message"]);
    }
  });

  test("is requested again if it was cut off, even if the client sends it", async () => {
    const cut = { ...createToolList(tool(), []), status: "incomplete" as const };
    const { response, calls } = await runMcp(storage, { tools: [tool()] }, { input: [cut] });
    expect(describeItems(response.output)).toEqual(["list look,change", "message"]);
    expect(offeredToolNames(calls[0]!)).toEqual(["srv__look", "srv__change"]);
  });

  test("is reused for equivalent filters, and an unfiltered one for any filter", async () => {
    const list = createToolList(tool({ allowed_tools: ["look", "change"] }), [LOOK, CHANGE]);
    const whole = createToolList(tool({ allowed_tools: {} }), [LOOK, CHANGE]);
    const filters: [McpToolList, NonNullable<McpTool["allowed_tools"]>][] = [
      [list, { tool_names: ["change", "look", "look"] }],
      [whole, ["change"]],
      [whole, { read_only: false }],
    ];
    for (const [known, allowed_tools] of filters) {
      const { response, calls } = await runMcp(storage, { tools: [tool({ allowed_tools })] }, { input: [known] });
      expect(describeItems(response.output)).toEqual(["message"]);
      expect(offeredToolNames(calls[0]!)).toContain("srv__change");
    }
    expect(server.methods).toEqual([]);
  });

  test("is not reused from a narrower filter", async () => {
    const first = await runMcp(storage, { tools: [tool({ allowed_tools: ["look"] })] });
    const second = await runMcp(storage, { tools: [tool()] }, { ancestors: [first.id] });
    expect(offeredToolNames(second.calls[0]!)).toEqual(["srv__look", "srv__change"]);
  });

  test("is not shared with another server of the same label", async () => {
    const first = await runMcp(storage, { tools: [tool()] });
    await using other = await startMcpServer({ tools: { look: { run: () => textResult("changed it") } } });
    const require_approval = { never: { read_only: true } };
    const request = {
      tools: [tool({ server_url: other.url, require_approval })],
      metadata: scriptSteps(call("srv__look", { x: 1 })),
    };
    const second = await runMcp(storage, request, { ancestors: [first.id] });
    expect(describeItems(second.response.output)).toEqual(["list look", 'may I look {"x":1}']);
  });

  test("is not requested again in the response where it failed", () => {
    const { server_label, server_url } = tool();
    const origin = { server_label, address: server_url!, allowed_tools: null };
    const list: McpToolList = { ...createToolList(tool(), []), error: "gone" };
    expect(findKnownTools(origin, { context: [list], responseItems: [] })).toBeUndefined();
    expect(findKnownTools(origin, { context: [list], responseItems: [list] })).toEqual([]);
    expect(findKnownTools({ ...origin, address: "other" }, { context: [list], responseItems: [list] })).toBeUndefined();
  });
});

describe("a list of many pages", () => {
  interface Page {
    tools: object[];
    nextCursor?: string;
  }
  const named = (count: number, start: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `t${start + i}`, inputSchema: { type: "object" } }));

  /** The shown list of a server with these pages, and the number of pages requested. */
  async function listed(pageAt: (n: number) => Page, fields: Partial<McpTool> = {}) {
    let pages = 0;
    await using paged = await startMcpServer({
      intercept: (_request, response, body) => {
        const { id, method } = JSON.parse(body === "" ? "{}" : body) as { id?: number; method?: string };
        if (method !== "tools/list") return false;
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ jsonrpc: "2.0", id, result: pageAt(pages++) }));
        return true;
      },
    });
    const { response } = await runMcp(storage, { tools: [tool({ server_url: paged.url, ...fields })] });
    const [list, answer] = describeItems(response.output);
    expect(answer).toBe("message");
    return { list, pages };
  }

  test("is read to its end", async () => {
    const ends = (n: number): Page => ({ tools: named(1, n), ...(n < 2 && { nextCursor: `${n}` }) });
    expect(await listed(ends)).toEqual({ list: "list t0,t1,t2", pages: 3 });
  });

  test("stops at the maximum of allowed tools, and continues past other ones", async () => {
    const endless = (n: number): Page => ({ tools: named(300, n * 300), nextCursor: `${n}` });
    expect(await listed(endless)).toEqual({
      list: expect.stringContaining("more tools than a model can see"),
      pages: 2,
    });
    const ends = (n: number): Page => (n < 2 ? endless(n) : { tools: named(300, n * 300) });
    const { list } = await listed(ends, { allowed_tools: ["t1", "t899"] });
    expect(list).toBe("list t1,t899");
  });

  test("stops at the maximum size, from tools or anything else", async () => {
    const long = (n: number): Page => ({
      tools: named(1, n).map((each) => ({ ...each, description: "x".repeat(700_000) })),
      nextCursor: `${n}`,
    });
    expect(await listed(long)).toEqual({ list: expect.stringContaining("more tools than a model can see"), pages: 2 });
    const padded = (n: number): Page => ({
      tools: named(1, n).map((each) => ({ ...each, padding: "x".repeat(5_000_000) })),
      nextCursor: `${n}`,
    });
    expect(await listed(padded)).toEqual({ list: expect.stringContaining("too long"), pages: 2 });
  });

  test("has one timeout for all pages", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const slow = (n: number): Page => {
      vi.advanceTimersByTime(20_000);
      return { tools: named(1, n), nextCursor: `${n}` };
    };
    expect(await listed(slow)).toEqual({ list: expect.stringContaining("timed out"), pages: 2 });
  });
});
