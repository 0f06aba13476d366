/** When a server is asked for the list of its tools, and which list of the conversation is used instead. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { McpTool, McpToolList } from "../../../workers/tools/mcp/tool-filter.ts";
import { knownTools } from "../../../workers/tools/mcp/tool-list.ts";
import { call, knownList, mcpTool, offered, runMcp, shown } from "../../support/mcp-runs.ts";
import { startMcpServer, type TestMcpServer, textResult } from "../../support/mcp-server.ts";
import { openTestStorage, type TestStorage } from "../../support/storage.ts";
import { steps } from "../../support/tool-runs.ts";

let storage: TestStorage;
let server: TestMcpServer;
beforeAll(async () => {
  storage = await openTestStorage();
  server = await startMcpServer();
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.begun.length = 0;
  server.methods.length = 0;
});

const tool = (fields: Partial<McpTool> = {}) => mcpTool({ server_url: server.url, ...fields });
const LOOK = { name: "look", input_schema: {}, annotations: { readOnlyHint: true } };
const CHANGE = { name: "change", input_schema: {}, annotations: { readOnlyHint: false } };
const BARE = { name: "bare", input_schema: {} };

describe("the list of tools", () => {
  test("is shown once in a conversation, and asked for once", async () => {
    const first = await runMcp(storage, { tools: [tool()], metadata: steps(call("srv__look", { x: 1 })) });
    expect(shown(first.response.output)).toEqual(["list look,change", "look completed: saw 1", "message"]);
    expect(server.methods).toContain("tools/list");
    server.methods.length = 0;
    const request = { tools: [tool()], metadata: steps(call("srv__change", { x: 2 })) };
    const second = await runMcp(storage, request, { ancestors: [first.id] });
    expect(shown(second.response.output)).toEqual(["change completed: changed 2", "message"]);
    expect(server.methods).not.toContain("tools/list");
    // What the model sees of the first response's call goes by the same name.
    const names = second.calls[0]!.input.flatMap((item) => (item.type === "function_call" ? [item.name] : []));
    expect(names).toEqual(["srv__look"]);
  });

  test("that the client sends back is used, and its server not even connected to before a call", async () => {
    const { response, calls } = await runMcp(storage, { tools: [tool()] }, { input: [knownList(tool(), [LOOK])] });
    expect(shown(response.output)).toEqual(["message"]);
    expect(offered(calls[0]!)).toEqual(["srv__look"]);
    expect(server.methods).toEqual([]);
  });

  test("is asked for again if it failed, lacks what is allowed now, or is not known to be of this server", async () => {
    const only = tool({ allowed_tools: ["look"] });
    const list = knownList(only, [LOOK]);
    for (const known of [
      { ...list, error: "gone" },
      { ...list, id: "mcpl_1" },
      knownList(only, [BARE]),
      knownList(tool({ server_label: "other", allowed_tools: ["look"] }), [LOOK]),
      knownList(tool({ server_url: `${server.url}?other`, allowed_tools: ["look"] }), [LOOK]),
      knownList(tool({ allowed_tools: ["look", "change"] }), [LOOK]),
      knownList(tool({ allowed_tools: { read_only: true } }), [LOOK]),
    ]) {
      const { response } = await runMcp(storage, { tools: [only] }, { input: [known] });
      expect(shown(response.output)).toEqual(["list look", "message"]);
    }
  });

  test("is used for the same filter said in another way, and an unfiltered one for any filter", async () => {
    const list = knownList(tool({ allowed_tools: ["look", "change"] }), [LOOK, CHANGE]);
    const whole = knownList(tool({ allowed_tools: {} }), [LOOK, CHANGE]);
    const filters: [McpToolList, NonNullable<McpTool["allowed_tools"]>][] = [
      [list, { tool_names: ["change", "look", "look"] }],
      [whole, ["change"]],
      [whole, { read_only: false }],
    ];
    for (const [known, allowed_tools] of filters) {
      const { response, calls } = await runMcp(storage, { tools: [tool({ allowed_tools })] }, { input: [known] });
      expect(shown(response.output)).toEqual(["message"]);
      expect(offered(calls[0]!)).toContain("srv__change");
    }
    expect(server.methods).toEqual([]);
  });

  test("that a filter has narrowed does not narrow what is allowed later", async () => {
    const first = await runMcp(storage, { tools: [tool({ allowed_tools: ["look"] })] });
    const second = await runMcp(storage, { tools: [tool()] }, { ancestors: [first.id] });
    expect(offered(second.calls[0]!)).toEqual(["srv__look", "srv__change"]);
  });

  test("of a server says nothing of another that has its label now, nor what it changes", async () => {
    const first = await runMcp(storage, { tools: [tool()] });
    await using other = await startMcpServer({ tools: { look: { run: () => textResult("changed it") } } });
    const require_approval = { never: { read_only: true } };
    const request = {
      tools: [tool({ server_url: other.url, require_approval })],
      metadata: steps(call("srv__look", { x: 1 })),
    };
    const second = await runMcp(storage, request, { ancestors: [first.id] });
    expect(shown(second.response.output)).toEqual(["list look", 'may I look {"x":1}']);
  });

  test("that failed is not asked for again in the response that it failed in", () => {
    const { server_label, server_url } = tool();
    const origin = { server_label, address: server_url!, allowed_tools: null };
    const list: McpToolList = { ...knownList(tool(), []), error: "gone" };
    expect(knownTools(origin, { context: [list], produced: [] })).toBeUndefined();
    expect(knownTools(origin, { context: [list], produced: [list] })).toEqual([]);
    expect(knownTools({ ...origin, address: "other" }, { context: [list], produced: [list] })).toBeUndefined();
  });
});
