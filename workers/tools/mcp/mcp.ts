/**
 * Tools of MCP servers, for providers that do not call them. Start at `openMcpKind`: the tool list comes from the
 * conversation or the server, each allowed tool becomes a function, and calls that the client has approved run at once.
 *
 * A server's texts are data. The request alone decides which tools may be called, and which need approval. A server's
 * `instructions` never reach the model, because they would speak with the client's authority.
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
import { identifyTarget, collectSecrets, findTarget } from "./find-server.ts";
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
      if (!isMcpTool(tool)) throw new TypeError(`Expected a tool of type mcp, not ${tool.type}.`);
      const target = findTarget(tool, config);
      // Validation rejects a tool without a server. The simulator may leave such a tool unused.
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
  const fetchPages = () => connection.listTools();
  const describeError = (error: unknown): string => {
    session.signal.throwIfAborted();
    const { message, type } = toMcpCallError(error, redact);
    session.logger.info({ server: server_label, errorType: type, message }, "An MCP server did not list its tools");
    return message;
  };
  const listed = findKnownTools(origin, session) ?? (await fetchToolList(origin, session, fetchPages, describeError));
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
  const isListedReadOnly = isReadOnly(listed);
  const shared = { server_label, name };
  return {
    definition: {
      type: "function",
      name: toMcpFunctionName(server_label, name),
      description: [tool.server_description, listed.description].filter(Boolean).join("\n\n"),
      parameters: toParameters(listed.input_schema),
      strict: false,
    },
    toolName: name,
    isReadOnly: isListedReadOnly,
    itemType: "mcp_call",
    ...(needsApproval(listed, tool.require_approval) && {
      createApprovalRequest: (call: ToolCall) => ({
        type: "mcp_approval_request" as const,
        id: newItemId("mcp_approval_request"),
        ...shared,
        arguments: call.arguments,
      }),
    }),
    presentCall: (position) => presentMcpCall(shared, position),
    run: async (call, { signal }): Promise<ToolResult> => {
      const params = { name, arguments: JSON.parse(call.arguments) as Record<string, unknown> };
      try {
        const answer = await connection.callTool(params, { isReadOnly: isListedReadOnly, signal });
        return addFetchedDocument(name, answer, toToolResult(answer, redact), redact);
      } catch (error) {
        signal.throwIfAborted();
        return toErrorResult(toMcpCallError(error, redact));
      }
    },
  };
}

/** Some providers require `properties` even if there are none. */
function toParameters(schema: unknown): Record<string, unknown> {
  const known = typeof schema === "object" && schema !== null ? schema : {};
  return { type: "object", properties: {}, ...known };
}

/** The requests in the conversation that this response's request approves, and that no earlier request answered. */
function findApprovedCalls(
  { server_label }: McpTool,
  { context, requestItems }: ToolSession,
  functions: ReadonlyMap<string, ServerFunction>,
): ApprovedCall[] {
  const isExecuted = (id: string) =>
    context.some((item) => item.type === "mcp_call" && item.approval_request_id === id);
  // A client may send items again that its chain already has. One approval means one call, with the arguments of the
  // first request.
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
