/** Calls that only the client can make, and questions that only it can answer: they end the response. */
import type { OutputItem } from "../../src/protocol/item.ts";

const WAITING: ReadonlySet<OutputItem["type"]> = new Set([
  "function_call",
  "custom_tool_call",
  "computer_call",
  "local_shell_call",
  "apply_patch_call",
  "mcp_approval_request",
]);

export function waitsForClient(item: OutputItem): boolean {
  return WAITING.has(item.type);
}
