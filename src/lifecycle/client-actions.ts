/**
 * Items that a client acts on, by running a call or answering a question. Programs run a call as soon as its
 * `output_item.done` arrives, regardless of its status (contract.md#acting-on-a-stream), so the log holds such a call
 * whole or not at all (contract.md#crash-recovery).
 */
import type { OutputItem } from "../protocol/item.ts";

/** Lists every published type, so a new type does not compile until someone classifies it. */
const IS_CLIENT_ACTION: Record<OutputItem["type"], boolean> = {
  function_call: true,
  custom_tool_call: true,
  computer_call: true,
  local_shell_call: true,
  shell_call: true,
  apply_patch_call: true,
  tool_search_call: true,
  mcp_approval_request: true,
  program: true,

  message: false,
  reasoning: false,
  compaction: false,
  additional_tools: false,
  // The provider or this server runs these. A client only observes them.
  web_search_call: false,
  file_search_call: false,
  code_interpreter_call: false,
  image_generation_call: false,
  mcp_list_tools: false,
  mcp_call: false,
  // Results and answers.
  function_call_output: false,
  custom_tool_call_output: false,
  computer_call_output: false,
  local_shell_call_output: false,
  shell_call_output: false,
  apply_patch_call_output: false,
  tool_search_output: false,
  mcp_approval_response: false,
  program_output: false,
};

/** An unpublished type counts as an action, because a client might act on it. */
export function isClientAction(type: string): boolean {
  return !Object.hasOwn(IS_CLIENT_ACTION, type) || IS_CLIENT_ACTION[type as OutputItem["type"]];
}
