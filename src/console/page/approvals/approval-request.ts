/** The request that answers a response's approval requests: the same run, continued with the decisions. */
import type { OutputItem } from "../../../protocol/item.ts";
import type { Response } from "../../../protocol/response.ts";

export type ApprovalRequest = Extract<OutputItem, { type: "mcp_approval_request" }>;

export interface Decision {
  approve: boolean;
  reason?: string;
}

/** Decisions by the id of their request. `authorizations` are by server label: a response does not show them. */
export function continueWith(
  response: Response,
  decisions: ReadonlyMap<string, Decision>,
  authorizations: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const { conversation } = response;
  return {
    ...settingsOf(response),
    ...(conversation === null ? { previous_response_id: response.id } : { conversation: conversation.id }),
    background: true,
    tools: toolsOf(response, authorizations),
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

function toolsOf(response: Response, authorizations: ReadonlyMap<string, string>): unknown[] {
  return response.tools.map((tool) => {
    if (tool.type !== "mcp") return tool;
    const authorization = authorizations.get(tool.server_label);
    return authorization === undefined || authorization === "" ? tool : { ...tool, authorization };
  });
}

/** Labels of the servers that the request addressed by URL, and may have sent a token to. */
export function serversWithTokens(response: Response, requests: readonly ApprovalRequest[]): string[] {
  const asked = new Set(requests.map(({ server_label }) => server_label));
  return response.tools.flatMap((tool) =>
    tool.type === "mcp" && tool.server_url != null && asked.has(tool.server_label) ? [tool.server_label] : [],
  );
}
