/** A conversation's items as a provider that speaks the Responses API takes them. */
import { isUnnamedReasoning } from "../protocol/id.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import { isAiSdkReasoningState } from "./reasoning-state.ts";

export function toProviderItems(items: readonly (InputItem | OutputItem)[]): object[] {
  return items.flatMap(toProviderItem);
}

/**
 * Without ids where the provider's type does not ask for one: they are ours, or an earlier call's, and the provider
 * cannot look them up. Without status, which says nothing to a model, unless the type asks for it.
 */
function toProviderItem(item: InputItem | OutputItem): object[] {
  switch (item.type) {
    case "message":
      // What a broken attempt left: an item that was closed before its first word. Some servers refuse it.
      return Array.isArray(item.content) && item.content.length === 0 ? [] : [omitFields(item, "id", "status")];
    case "function_call":
    case "function_call_output":
    case "custom_tool_call":
    case "custom_tool_call_output":
    case "computer_call_output":
    case "shell_call":
    case "shell_call_output":
    case "tool_search_call":
    case "tool_search_output":
    case "additional_tools":
    case "compaction":
    case "configuration_update":
    case "mcp_approval_response":
      return [omitFields(item, "id", "status", "created_by")];
    case "apply_patch_call":
    case "apply_patch_call_output":
      return [omitFields(item, "id", "created_by")];
    case "reasoning":
      // A provider that stores nothing understands its reasoning only if the whole of it comes back, under its own id.
      if (!item.encrypted_content || isAiSdkReasoningState(item.encrypted_content)) return [];
      return [isUnnamedReasoning(item.id ?? "") ? omitFields(item, "id", "status") : omitFields(item, "status")];
    case "compaction_trigger":
      // An order to this server.
      return [];
    default:
      return [item];
  }
}

/** `value` without the fields named, and without those that are null: to leave a field out is the safer way to say nothing. */
export function omitFields(value: object, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name, field]) => field != null && !names.includes(name)));
}
