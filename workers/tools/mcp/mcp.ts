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
import { type Redact, createRedactor } from "../../../src/logging/redaction.ts";
import { FetchPolicy } from "../../net/fetch-policy.ts";
import { newItemId } from "../../../src/protocol/id.ts";
import {
  type ApprovedCall,
  createOpenTool,
  type OpenTool,
  type ServerFunction,
  type ToolCall,
  type ToolDefinition,
  type ToolKind,
  type ToolResult,
  type ToolSession,
} from "../tool.ts";
import { toToolResult, toErrorResult } from "./call-result.ts";
import { McpConnection } from "./connection.ts";
import { toMcpCallError } from "./errors.ts";
import { addFetchedDocument } from "./fetched-document.ts";
import { toMcpFunctionName } from "./function-name.ts";
import { presentMcpCall } from "./mcp-call-presenter.ts";
import { findLastAnswer, mcpItems } from "./mcp-items.ts";
import { identifyTarget, collectSecrets, findTarget } from "./target.ts";
import { isAllowed, isReadOnly, type ListedTool, type McpTool, needsApproval } from "./tool-filter.ts";
import { findKnownTools, fetchToolList } from "./tool-list.ts";

export const mcp: ToolDefinition = {
  items: mcpItems,
  openKind: openMcpKind,
  matchesChoice: (choice, tool) =>
    tool.type === "mcp" ? choice["type"] === "mcp" && choice["server_label"] === tool.server_label : undefined,
};

export function openMcpKind(config: Config): ToolKind {
  const policy = new FetchPolicy(config.FETCH_ALLOWED_HOSTS);
  return {
    types: ["mcp"],
    async open(tool, session) {
      if (!isMcpTool(tool)) throw new TypeError(`This is no tool of type ${tool.type}.`);
      const target = findTarget(tool, config);
      // The request validation rejects a tool without a server. Only the simulator may leave such a tool unused.
      if (target === undefined) return createOpenTool([]);
      const { signal } = session;
      const redact = createRedactor(collectSecrets(target), { minLength: 1 });
      const callTimeoutMs = config.MCP_CALL_TIMEOUT_MS;
      const connection = new McpConnection(target, { policy, signal, callTimeoutMs, redact });
      try {
        return await openServer({ tool, address: identifyTarget(target), redact, connection, session });
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

interface OpenedServer {
  tool: McpTool;
  address: string;
  redact: Redact;
  connection: McpConnection;
  session: ToolSession;
}

async function openServer(server: OpenedServer): Promise<OpenTool> {
  const { tool, address, redact, connection, session } = server;
  const { server_label, allowed_tools } = tool;
  const origin = { server_label, address, allowed_tools };
  const ask = () => connection.listTools();
  const fault = (error: unknown): string => {
    session.signal.throwIfAborted();
    const { message, type } = toMcpCallError(error, redact);
    session.logger.info({ server: server_label, fault: type, message }, "An MCP server did not list its tools");
    return message;
  };
  const listed = findKnownTools(origin, session) ?? (await fetchToolList(origin, session, ask, fault));
  const functions = new Map(
    listed
      .filter((each) => isAllowed(each, allowed_tools))
      .map((each) => [each.name, createServerFunction(each, server)] as const),
  );
  return {
    functions: [...functions.values()],
    approved: findApprovedCalls(tool, session, functions),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

function createServerFunction(listed: ListedTool, { tool, redact, connection }: OpenedServer): ServerFunction {
  const { server_label } = tool;
  const { name } = listed;
  const isRepeatable = isReadOnly(listed);
  const shown = { server_label, name };
  return {
    definition: {
      type: "function",
      name: toMcpFunctionName(server_label, name),
      description: [tool.server_description, listed.description].filter(Boolean).join("\n\n"),
      parameters: toParameters(listed.input_schema),
      strict: false,
    },
    toolName: name,
    isReadOnly: isRepeatable,
    itemType: "mcp_call",
    ...(needsApproval(listed, tool.require_approval) && {
      createApprovalRequest: (call: ToolCall) => ({
        type: "mcp_approval_request" as const,
        id: newItemId("mcp_approval_request"),
        ...shown,
        arguments: call.arguments,
      }),
    }),
    presentCall: (place) => presentMcpCall(shown, place),
    run: async (call, { signal }): Promise<ToolResult> => {
      const params = { name, arguments: JSON.parse(call.arguments) as Record<string, unknown> };
      try {
        const answer = await connection.callTool(params, { isReadOnly: isRepeatable, signal });
        return addFetchedDocument(name, answer, toToolResult(answer, redact), redact);
      } catch (error) {
        signal.throwIfAborted();
        return toErrorResult(toMcpCallError(error, redact));
      }
    },
  };
}

/** Providers want an object's properties even where there are none. */
function toParameters(schema: unknown): Record<string, unknown> {
  const known = typeof schema === "object" && schema !== null ? schema : {};
  return { type: "object", properties: {}, ...known };
}

/** Of the requests in the conversation, those that the request of this very response has approved, and nobody before it. */
function findApprovedCalls(
  { server_label }: McpTool,
  { context, requestItems }: ToolSession,
  functions: ReadonlyMap<string, ServerFunction>,
): ApprovedCall[] {
  const isExecuted = (id: string) =>
    context.some((item) => item.type === "mcp_call" && item.approval_request_id === id);
  // A client may send again what its chain holds already: who approves once has one call made, and as it was asked for first.
  const seen = new Set<string>();
  return context.flatMap((item) => {
    if (item.type !== "mcp_approval_request" || item.server_label !== server_label || seen.has(item.id)) return [];
    seen.add(item.id);
    const fn = functions.get(item.name);
    const answer = findLastAnswer(item.id, context);
    if (fn === undefined || answer === undefined || !requestItems.includes(answer) || isExecuted(item.id)) return [];
    return answer.approve ? [{ fn, arguments: item.arguments, approvalRequestId: item.id }] : [];
  });
}
