/** The tools of a server that a model is offered, and the calls that the client must approve. */
import { describe, expect, test } from "vitest";
import type { OutputItem, StoredInputItem } from "../../../../src/protocol/item.ts";
import { endFromOutside } from "../../../../src/responses/ending/end-from-outside.ts";
import { toMcpFunctionName } from "../../../../workers/tools/mcp/function-name.ts";
import { isAllowed, type McpTool, needsApproval } from "../../../../workers/tools/mcp/tool-filter.ts";
import {
  BARE,
  call,
  CHANGE,
  LOOK,
  mcpTool,
  offeredToolNames,
  callOutputs,
  runMcp,
  describeItems,
} from "../../../support/mcp-runs.ts";
import { LOOK_AND_CHANGE } from "../../../support/mcp-server.ts";
import { useMcpServer } from "../../../support/mcp-fixtures.ts";
import { createResponse, scriptSteps } from "../../../support/tool-runs.ts";

const { storage, server } = await useMcpServer();

const tool = (fields: Partial<McpTool> = {}) => mcpTool({ server_url: server.url, ...fields });

describe("the model is offered", () => {
  test.each<[McpTool["allowed_tools"], string[]]>([
    [undefined, ["srv__look", "srv__change"]],
    [null, ["srv__look", "srv__change"]],
    [["change", "unknown"], ["srv__change"]],
    [[], []],
    [{ read_only: true }, ["srv__look"]],
    [{ read_only: false }, ["srv__change"]],
    [{ tool_names: ["change"] }, ["srv__change"]],
    [{ tool_names: ["change"], read_only: true }, []],
    [{}, ["srv__look", "srv__change"]],
  ])("of allowed_tools %j: %j", async (allowed_tools, names) => {
    const request = { tools: [tool(allowed_tools === undefined ? {} : { allowed_tools })] };
    const { response, calls } = await runMcp(storage, request);
    expect(offeredToolNames(calls[0]!)).toEqual(names);
    expect(describeItems(response.output)[0]).toBe(`list ${names.map((name) => name.slice(5)).join(",")}`);
  });

  test("unique names that every provider accepts", async () => {
    const label = "my server!";
    const mine = { type: "function" as const, name: "my_server___look", parameters: {} };
    const { calls } = await runMcp(storage, { tools: [tool({ server_label: label }), mine] });
    expect(offeredToolNames(calls[0]!)).toEqual(["my_server___look_2", "my_server___change", "my_server___look"]);
    const long = ["x".repeat(70), `${"x".repeat(70)}y`].map((name) => toMcpFunctionName("srv", name));
    expect(new Set(long).size).toBe(2);
    for (const name of long) expect(name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
  });

  test("only the tool that tool_choice names, by either name", async () => {
    const tool_choice = { type: "mcp" as const, server_label: "srv!", name: "change" };
    const { calls } = await runMcp(storage, { tools: [tool({ server_label: "srv!" })], tool_choice });
    expect(calls[0]!.request.tool_choice).toEqual({ type: "function", name: "srv___change" });
    const any = { type: "mcp" as const, server_label: "srv" };
    const all = await runMcp(storage, { tools: [tool()], tool_choice: any });
    expect(all.calls[0]!.request.tool_choice).toMatchObject({ type: "allowed_tools", mode: "required" });
  });

  test("no instructions of the server", async () => {
    const { calls } = await runMcp(storage, { tools: [tool({ server_description: "Ours." })] });
    expect(calls[0]!.request.tools![0]).toMatchObject({ description: "Ours.\n\nDoes look.", strict: false });
    expect(calls[0]!.request.instructions).toBeUndefined();
  });
});

describe("require_approval", () => {
  test.each<[McpTool["require_approval"], { look: boolean; change: boolean; bare: boolean }]>([
    [undefined, { look: true, change: true, bare: true }],
    [null, { look: true, change: true, bare: true }],
    ["always", { look: true, change: true, bare: true }],
    ["never", { look: false, change: false, bare: false }],
    [{ never: { read_only: true } }, { look: false, change: true, bare: true }],
    [{ never: { tool_names: ["change"] } }, { look: true, change: false, bare: true }],
    [{ never: { tool_names: ["change"], read_only: true } }, { look: true, change: true, bare: true }],
    [{ never: {} }, { look: true, change: true, bare: true }],
    [
      { never: { tool_names: ["look", "change"] }, always: { read_only: false } },
      { look: false, change: true, bare: true },
    ],
    [{ always: { tool_names: ["look"] } }, { look: true, change: true, bare: true }],
    [{}, { look: true, change: true, bare: true }],
  ])("%j selects the calls that need approval", (required, expected) => {
    const asked = [LOOK, CHANGE, BARE].map((each) => [each.name, needsApproval(each, required)]);
    expect(Object.fromEntries(asked)).toEqual(expected);
  });

  test("defaults to 'always': the response ends with the request, without a call", async () => {
    const { require_approval: _never, ...always } = tool();
    const { response, calls } = await runMcp(storage, {
      tools: [always],
      metadata: scriptSteps([call("srv__change", { x: 1 }), call("srv__look", { x: 2 })]),
    });
    expect(describeItems(response.output)).toEqual(["list look,change", 'may I change {"x":1}', 'may I look {"x":2}']);
    expect(response.status).toBe("completed");
    expect(server.begun).toEqual([]);
    expect(calls).toHaveLength(1);
  });

  const ask = () =>
    runMcp(storage, {
      tools: [tool({ require_approval: "always" })],
      metadata: scriptSteps(call("srv__change", { x: 1 })),
    });
  const requestOf = (output: readonly OutputItem[]) => output.find((item) => item.type === "mcp_approval_request")!;
  const answer = (approval_request_id: string, approve: boolean, reason?: string) => ({
    type: "mcp_approval_response" as const,
    id: "mcpa_1",
    approval_request_id,
    approve,
    ...(reason !== undefined && { reason }),
  });
  const always = () => ({ tools: [tool({ require_approval: "always" })] });

  test("runs an approved call in the next response only", async () => {
    const { id, response } = await ask();
    const request = requestOf(response.output);
    const second = await runMcp(storage, always(), { ancestors: [id], input: [answer(request.id, true)] });
    expect(describeItems(second.response.output)).toEqual(["change completed: changed 1", "message"]);
    expect(second.response.output[0]).toMatchObject({ approval_request_id: request.id, arguments: '{"x":1}' });
    expect(callOutputs(second.calls[0]!)).toEqual(["changed 1"]);
    const third = await runMcp(storage, always(), {
      ancestors: [id, second.id],
      input: [answer(request.id, true)],
    });
    expect(describeItems(third.response.output)).toEqual(["message"]);
    expect(server.begun).toEqual(["change 1"]);
  });

  test("runs an approved call once for repeated requests", async () => {
    const { id, response } = await ask();
    const request = requestOf(response.output);
    // In the chain, sent again, and with changed arguments.
    const again = [request, { ...request, arguments: '{"x":2}' }] as StoredInputItem[];
    const input = [...again, answer(request.id, true)];
    const second = await runMcp(storage, always(), { ancestors: [id], input });
    expect(describeItems(second.response.output)).toEqual(["change completed: changed 1", "message"]);
    expect(server.begun).toEqual(["change 1"]);
  });

  test("runs an approved call once if two tools share the server's label", async () => {
    const { id, response } = await ask();
    const request = { tools: [...always().tools, ...always().tools] };
    const input = [answer(requestOf(response.output).id, true)];
    const second = await runMcp(storage, request, { ancestors: [id], input });
    expect(describeItems(second.response.output)).toEqual(["change completed: changed 1", "message"]);
    expect(server.begun).toEqual(["change 1"]);
  });

  test("does not run a call approved for a finished response", async () => {
    const { id, response } = await ask();
    const input = [answer(requestOf(response.output).id, true)];
    const cancelled = await createResponse(storage, always(), { ancestors: [id], input });
    await endFromOutside(storage, cancelled, "cancel");
    const third = await runMcp(storage, always(), { ancestors: [id, cancelled] });
    expect(describeItems(third.response.output)).toEqual(["message"]);
    expect(server.begun).toEqual([]);
  });

  test.each([
    [[true, false], []],
    [[false, true], ["change 1"]],
  ])("uses the last of several answers: %j", async (verdicts, begun) => {
    const { id, response } = await ask();
    const request = requestOf(response.output);
    const input = verdicts.map((approve, i) => ({ ...answer(request.id, approve), id: `mcpa_${i}` }));
    await runMcp(storage, always(), { ancestors: [id], input });
    expect(server.begun).toEqual(begun);
  });

  test("accepts the request from items that the client sends", async () => {
    const { response } = await ask();
    const [list, request] = response.output as [OutputItem & object, OutputItem & object];
    const input = [list, request, answer(request.id, true)] as Parameters<typeof runMcp>[2] & object;
    const second = await runMcp(storage, always(), { input: input as never });
    expect(describeItems(second.response.output)).toEqual(["change completed: changed 1", "message"]);
  });

  test("shows the model a denial and its reason, without a call", async () => {
    const { id, response } = await ask();
    const denial = answer(requestOf(response.output).id, false, "not today");
    const second = await runMcp(storage, always(), { ancestors: [id], input: [denial] });
    expect(describeItems(second.response.output)).toEqual(["message"]);
    expect(callOutputs(second.calls[0]!)).toEqual(["The user rejected this call: not today"]);
    expect(server.begun).toEqual([]);
  });

  test("does not run an approved call of a tool not allowed now", async () => {
    const { id, response } = await ask();
    const request = { tools: [tool({ require_approval: "always", allowed_tools: ["look"] })] };
    const input = [answer(requestOf(response.output).id, true)];
    const second = await runMcp(storage, request, { ancestors: [id], input });
    expect(describeItems(second.response.output)).toEqual(["message"]);
    expect(callOutputs(second.calls[0]!)).toEqual(["The user approved this call, but it was not executed."]);
    expect(server.begun).toEqual([]);
  });
});

test("a filter of both kinds requires both matches", () => {
  expect(isAllowed(LOOK, { tool_names: ["look"], read_only: true })).toBe(true);
  expect(isAllowed(BARE, { read_only: false })).toBe(true);
  expect(Object.keys(LOOK_AND_CHANGE)).toEqual(["look", "change"]);
});
