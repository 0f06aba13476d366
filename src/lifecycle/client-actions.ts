/**
 * Items that a client acts on: it runs the call, or answers the question. Programs run such a call as soon as its
 * `output_item.done` comes, whatever its status (contract.md#acting-on-a-stream), so a log has it whole or not at all (contract.md#crash-recovery).
 */
import type { OutputItem } from "../protocol/item.ts";

/** Every published type is listed, so that one that the types add has to be judged here. */
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
  // The provider, or this server, runs these itself. A client only watches them.
  web_search_call: false,
  file_search_call: false,
  code_interpreter_call: false,
  image_generation_call: false,
  mcp_list_tools: false,
  mcp_call: false,
  // Results, and an answer.
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

/** A type that nobody published counts as one: nobody knows that no client acts on it. */
export function isClientAction(type: string): boolean {
  return !Object.hasOwn(IS_CLIENT_ACTION, type) || IS_CLIENT_ACTION[type as OutputItem["type"]];
}
