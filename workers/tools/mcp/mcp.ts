/**
 * Tools of MCP servers, called by this server where the model's provider does not. Read `open` first: the list of the tools
 * comes from the conversation or from the server, each tool that the request allows becomes a function, and what the client
 * has approved is to be called at once.
 *
 * What a server says is data. Which of its tools may be called, and which only when the client approves, is the request's
 * to say; a server's `instructions` are not put before the model at all, since they would speak with the client's voice.
 */
import type { Config } from "../../../src/config/config.ts";
import type { Tool } from "../../../src/protocol/tool.ts";
import { type Redact, redactor } from "../../../src/logging/redaction.ts";
import { FetchPolicy } from "../../net/fetch-policy.ts";
import type { ApprovedCall, OpenTool, ServerFunction, ToolCall, ToolKind, ToolResult, ToolSession } from "../tool.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";
import { answeredResult, faultResult } from "./call-result.ts";
import { McpConnection } from "./connection.ts";
import { faultOf } from "./faults.ts";
import { withDocument } from "./fetched-document.ts";
import { mcpFunctionName } from "./function-name.ts";
import { showMcpCall } from "./shown-call.ts";
import { addressOf, secretsOf, targetOf } from "./target.ts";
import { isAllowed, isReadOnly, type ListedTool, type McpTool, needsApproval } from "./tool-filter.ts";
import { knownTools, listTools } from "./tool-list.ts";

export function openMcpKind(config: Config): ToolKind {
  const policy = new FetchPolicy(config.FETCH_ALLOWED_HOSTS);
  return {
    types: ["mcp"],
    async open(tool, session) {
      if (!isMcpTool(tool)) throw new TypeError(`This is no tool of type ${tool.type}.`);
      const target = targetOf(tool, config);
      if (target === undefined) return NO_TOOLS;
      const { signal } = session;
      const redact = redactor(secretsOf(target), { minLength: 1 });
      const callTimeoutMs = config.MCP_CALL_TIMEOUT_MS;
      const connection = new McpConnection(target, { policy, signal, callTimeoutMs, redact });
      try {
        return await openServer({ tool, address: addressOf(target), redact, connection, session });
      } catch (error) {
        await connection[Symbol.asyncDispose]();
        throw error;
      }
    },
  };
}

function isMcpTool(tool: Tool): tool is McpTool {
  return tool.type === "mcp";
}

/** Of a tool that nobody can run, where it was not refused. */
const NO_TOOLS: OpenTool = { functions: [], [Symbol.asyncDispose]: () => Promise.resolve() };

interface Server {
  tool: McpTool;
  address: string;
  redact: Redact;
  connection: McpConnection;
  session: ToolSession;
}

async function openServer(server: Server): Promise<OpenTool> {
  const { tool, address, redact, connection, session } = server;
  const { server_label, allowed_tools } = tool;
  const origin = { server_label, address, allowed_tools };
  const ask = () => connection.listTools();
  const fault = (error: unknown): string => {
    session.signal.throwIfAborted();
    const { message, type } = faultOf(error, redact);
    session.logger.info({ server: server_label, fault: type, message }, "An MCP server did not list its tools");
    return message;
  };
  const listed = knownTools(origin, session) ?? (await listTools(origin, session, ask, fault));
  const functions = new Map(
    listed
      .filter((each) => isAllowed(each, allowed_tools))
      .map((each) => [each.name, serverFunction(each, server)] as const),
  );
  return {
    functions: [...functions.values()],
    approved: approvedCalls(tool, session, functions),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

function serverFunction(listed: ListedTool, { tool, redact, connection }: Server): ServerFunction {
  const { server_label } = tool;
  const { name } = listed;
  const isRepeatable = isReadOnly(listed);
  const shown = { server_label, name };
  return {
    definition: {
      type: "function",
      name: mcpFunctionName(server_label, name),
      description: [tool.server_description, listed.description].filter(Boolean).join("\n\n"),
      parameters: parametersOf(listed.input_schema),
      strict: false,
    },
    toolName: name,
    isReadOnly: isRepeatable,
    itemType: "mcp_call",
    ...(needsApproval(listed, tool.require_approval) && {
      askApproval: (call: ToolCall, itemId: string) => ({
        type: "mcp_approval_request" as const,
        id: itemId,
        ...shown,
        arguments: call.arguments,
      }),
    }),
    show: (place) => showMcpCall(shown, place),
    run: async (call, { signal }): Promise<ToolResult> => {
      const params = { name, arguments: JSON.parse(call.arguments) as Record<string, unknown> };
      try {
        const answer = await connection.callTool(params, { isReadOnly: isRepeatable, signal });
        return withDocument(name, answer, answeredResult(answer, redact), redact);
      } catch (error) {
        signal.throwIfAborted();
        return faultResult(faultOf(error, redact));
      }
    },
  };
}

/** Providers want an object's properties even where there are none. */
function parametersOf(schema: unknown): Record<string, unknown> {
  const known = typeof schema === "object" && schema !== null ? schema : {};
  return { type: "object", properties: {}, ...known };
}

/** Of the requests in the conversation, those that the request of this very response has approved, and nobody before it. */
function approvedCalls(
  { server_label }: McpTool,
  { context, own }: ToolSession,
  functions: ReadonlyMap<string, ServerFunction>,
): ApprovedCall[] {
  const isMade = (id: string) => context.some((item) => item.type === "mcp_call" && item.approval_request_id === id);
  // A client may send again what its chain holds already: who approves once has one call made, and as it was asked for first.
  const seen = new Set<string>();
  return context.flatMap((item) => {
    if (item.type !== "mcp_approval_request" || item.server_label !== server_label || seen.has(item.id)) return [];
    seen.add(item.id);
    const fn = functions.get(item.name);
    const answer = context.findLast((each) => answers(each, item.id));
    if (fn === undefined || answer === undefined || !own.includes(answer) || isMade(item.id)) return [];
    const isApproved = answer.type === "mcp_approval_response" && answer.approve;
    return isApproved ? [{ fn, arguments: item.arguments, approvalRequestId: item.id }] : [];
  });
}

function answers(item: ContextItem, requestId: string): boolean {
  return item.type === "mcp_approval_response" && item.approval_request_id === requestId;
}
