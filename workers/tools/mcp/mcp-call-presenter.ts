/** Presents an MCP call in the log. */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import type { CallPosition, CallPresenter } from "../tool.ts";
import { readCallEnd } from "./call-result.ts";

type McpCall = Extract<OutputItem, { type: "mcp_call" }>;

export function presentMcpCall(
  { server_label, name }: Pick<McpCall, "server_label" | "name">,
  { itemId, output_index, approvalRequestId }: CallPosition,
): CallPresenter {
  const at = { output_index, item_id: itemId };
  let json = "";
  const item = (fields: Pick<McpCall, "status" | "output" | "error">): McpCall => ({
    type: "mcp_call",
    id: itemId,
    server_label,
    name,
    arguments: json,
    approval_request_id: approvalRequestId ?? null,
    ...fields,
  });
  const events = (...each: ItemEventDraft[]) => each;
  return {
    open: () =>
      events(
        {
          type: "response.output_item.added",
          output_index,
          item: item({ status: "in_progress", output: null, error: null }),
        },
        { type: "response.mcp_call.in_progress", ...at },
      ),
    delta: (delta) => (delta === "" ? [] : events({ type: "response.mcp_call_arguments.delta", ...at, delta })),
    begin: (whole) => {
      json = whole;
      return events({ type: "response.mcp_call_arguments.done", ...at, arguments: whole });
    },
    end: (result) => {
      const end = readCallEnd(result);
      const hasFailed = end.error !== null;
      const done = item({ status: hasFailed ? "failed" : "completed", ...end });
      return events(
        { type: hasFailed ? "response.mcp_call.failed" : "response.mcp_call.completed", ...at },
        { type: "response.output_item.done", output_index, item: done },
      );
    },
  };
}
