/** Responses with an MCP server's tools, run in this process against a real Redis. */
import { expect } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import type { ResolvedRequest } from "../../src/protocol/create-request.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Response } from "../../src/protocol/response.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { AttemptControl } from "../../workers/attempt/attempt.ts";
import { openMcpKind } from "../../workers/tools/mcp/mcp.ts";
import { newListId } from "../../workers/tools/mcp/list-id.ts";
import type { McpTool, McpToolList } from "../../workers/tools/mcp/tool-filter.ts";
import type { UpstreamCall } from "../../workers/upstreams/upstream.ts";
import {
  type PriorContext,
  createResponse,
  finalResponse,
  RecordingUpstream,
  runOnce,
  scriptSteps,
} from "./tool-runs.ts";

export interface McpRun {
  id: string;
  response: Response;
  log: string[];
  /** The model's input, call by call. */
  calls: UpstreamCall[];
}

export interface McpRunOptions extends PriorContext {
  environment?: Record<string, string>;
}

/** Loopback is allowed, as by an operator with a local server. */
const ENVIRONMENT = { FETCH_ALLOWED_HOSTS: "127.0.0.1" };

const ANSWER = { ...scriptSteps(), "simulator.calls": "0" };

export async function runMcp(
  storage: Storage,
  request: Partial<ResolvedRequest>,
  { environment = {}, ...before }: McpRunOptions = {},
): Promise<McpRun> {
  const upstream = new RecordingUpstream();
  const kinds = [openMcpKind(readConfig({ ...ENVIRONMENT, ...environment }))];
  // By default the simulator calls any offered function.
  const id = await createResponse(storage, { metadata: ANSWER, ...request }, before);
  expect(await runOnce({ storage, kinds, upstream }, id, new AttemptControl())).toBe("ended");
  return { id, ...(await finalResponse(storage, id)), calls: upstream.calls };
}

/** The tools of LOOK_AND_CHANGE as in its list, and one without annotations. */
export const LOOK = { name: "look", input_schema: {}, annotations: { readOnlyHint: true } };
export const CHANGE = { name: "change", input_schema: {}, annotations: { readOnlyHint: false } };
export const BARE = { name: "bare", input_schema: {} };

export function mcpTool(fields: Partial<McpTool>): McpTool {
  return { type: "mcp", server_label: "srv", require_approval: "never", ...fields };
}

/** The list of a server's tools, as an earlier response of this server showed it. */
export function createToolList(
  { server_label, server_url, allowed_tools }: McpTool,
  tools: McpToolList["tools"],
): McpToolList {
  const id = newListId({ server_label, address: server_url!, allowed_tools });
  return { type: "mcp_list_tools", id, server_label, tools };
}

/** Each item in a word or two. */
export function describeItems(output: readonly OutputItem[]): string[] {
  return output.map((item) => {
    switch (item.type) {
      case "mcp_list_tools":
        return `list ${item.tools.map(({ name }) => name).join(",")}${item.error == null ? "" : ` ! ${item.error}`}`;
      case "mcp_call":
        return `${item.name} ${item.status}: ${item.output ?? JSON.stringify(item.error)}`;
      case "mcp_approval_request":
        return `may I ${item.name} ${item.arguments}`;
      default:
        return item.type;
    }
  });
}

/** The names of the functions offered to the model. */
export function offeredToolNames(call: UpstreamCall): string[] {
  return (call.request.tools ?? []).map((tool) => (tool.type === "function" ? tool.name : tool.type));
}

/** The call outputs that the model received. */
export function callOutputs(call: UpstreamCall): unknown[] {
  return call.history.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []));
}

export const call = (name: string, args: object = {}) => ({ call: name, arguments: args });
