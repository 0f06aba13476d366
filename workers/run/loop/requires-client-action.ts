/**
 * Items that end the response because only the client can answer them: its own calls, and approval requests. The list is
 * narrower than `isClientAction` (src/lifecycle/client-actions.ts), which names every item that a client may act on.
 */
import type { OutputItem } from "../../../src/protocol/item.ts";

const CLIENT_ACTION_TYPES: ReadonlySet<OutputItem["type"]> = new Set([
  "function_call",
  "custom_tool_call",
  "computer_call",
  "local_shell_call",
  "apply_patch_call",
  "mcp_approval_request",
]);

export function requiresClientAction(item: OutputItem): boolean {
  return CLIENT_ACTION_TYPES.has(item.type);
}
