/** How a model sees the items of MCP tools: calls, and approval requests that no call follows. */
import type { ContextItem } from "../../upstreams/upstream.ts";
import { readCitedSources, RESULT_UNAVAILABLE, type RenderedItem, type ToolItems } from "../tool-items.ts";
import { findFetchedDocument } from "./fetched-document.ts";
import { toMcpFunctionName } from "./function-name.ts";

type ApprovalRequest = Extract<ContextItem, { type: "mcp_approval_request" }>;
type ApprovalResponse = Extract<ContextItem, { type: "mcp_approval_response" }>;

export const mcpItems: ToolItems = {
  callTypes: ["mcp_call"],
  render: (item, conversation) => {
    switch (item.type) {
      case "mcp_list_tools":
      case "mcp_approval_response":
        return { kind: "hidden" };
      case "mcp_approval_request":
        return renderRequest(item, conversation);
      case "mcp_call": {
        const output = item.output ?? (item.error == null ? RESULT_UNAVAILABLE : JSON.stringify(item.error));
        return {
          kind: "call",
          name: toMcpFunctionName(item.server_label, item.name),
          arguments: item.arguments,
          output,
        };
      }
      default:
        return undefined;
    }
  },
  includesResult: ({ type }) => type === "mcp_call",
  findSource: (item) => {
    if (item.type !== "mcp_call" || item.output == null || item.error != null) return undefined;
    return findFetchedDocument(item.name, [item.output]);
  },
  readSources: ({ result }) => ({ read: readCitedSources(result.details), listed: [] }),
};

/** A request with a call is hidden, because the call says the same. */
function renderRequest(request: ApprovalRequest, conversation: readonly ContextItem[]): RenderedItem {
  const isCall = (item: ContextItem) => item.type === "mcp_call" && item.approval_request_id === request.id;
  if (conversation.some(isCall)) return { kind: "hidden" };
  return {
    kind: "call",
    name: toMcpFunctionName(request.server_label, request.name),
    arguments: request.arguments,
    output: describeAnswer(findLastAnswer(request.id, conversation)),
  };
}

/** A client may answer twice. The last answer counts. */
export function findLastAnswer(requestId: string, conversation: readonly ContextItem[]): ApprovalResponse | undefined {
  const isAnswer = (item: ContextItem): item is ApprovalResponse =>
    item.type === "mcp_approval_response" && item.approval_request_id === requestId;
  return conversation.findLast(isAnswer);
}

function describeAnswer(answer: ApprovalResponse | undefined): string {
  if (answer === undefined) return "The user has not approved this call.";
  if (answer.approve) return "The user approved this call, but it was not executed.";
  return `The user rejected this call${answer.reason ? `: ${answer.reason}` : "."}`;
}
