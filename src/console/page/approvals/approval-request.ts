/** The request that answers a response's approval requests: the same run, continued with the decisions. */
import type { OutputItem } from "../../../protocol/item.ts";
import type { Response } from "../../../protocol/response.ts";

export type ApprovalRequest = Extract<OutputItem, { type: "mcp_approval_request" }>;

export interface Decision {
  approve: boolean;
  reason?: string;
}

/** How to reach a server. A response shows only the origin of its URL, and no token. */
export interface ServerAccess {
  label: string;
  url: string;
  token: string;
}

/** Decisions by the id of their request. */
export function continueWith(
  response: Response,
  decisions: ReadonlyMap<string, Decision>,
  servers: readonly ServerAccess[],
): Record<string, unknown> {
  const { conversation } = response;
  return {
    ...settingsOf(response),
    ...(conversation === null ? { previous_response_id: response.id } : { conversation: conversation.id }),
    background: true,
    tools: toolsOf(response, servers),
    input: [...decisions].map(([id, { approve, reason }]) => ({
      type: "mcp_approval_response",
      approval_request_id: id,
      approve,
      ...(reason !== undefined && reason !== "" && { reason }),
    })),
  };
}

/** `previous_response_id` carries the items over, and nothing of this. */
function settingsOf(response: Response): Record<string, unknown> {
  const { model, instructions, prompt, metadata, reasoning, text, max_output_tokens, parallel_tool_calls } = response;
  return {
    model,
    metadata,
    reasoning,
    text,
    max_output_tokens,
    parallel_tool_calls,
    ...(typeof instructions === "string" && { instructions }),
    ...(prompt !== null && { prompt }),
    ...(typeof response.service_tier === "string" && { service_tier: response.service_tier }),
  };
}

function toolsOf(response: Response, servers: readonly ServerAccess[]): unknown[] {
  return response.tools.map((tool) => {
    if (tool.type !== "mcp") return tool;
    const server = servers.find(({ label }) => label === tool.server_label);
    if (server === undefined) return tool;
    return { ...tool, server_url: server.url, ...(server.token !== "" && { authorization: server.token }) };
  });
}

/** The servers that the request addressed by URL, as far as the response shows them. */
export function addressedServers(response: Response): ServerAccess[] {
  return response.tools.flatMap((tool) =>
    tool.type === "mcp" && tool.server_url != null
      ? [{ label: tool.server_label, url: tool.server_url, token: "" }]
      : [],
  );
}
