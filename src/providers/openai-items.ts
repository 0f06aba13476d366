/** Converts a conversation's items for a provider that speaks the Responses API. */
import { isUnnamedReasoning } from "../protocol/id.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import { isAiSdkReasoningState } from "./reasoning-state.ts";

export function toProviderItems(items: readonly (InputItem | OutputItem)[]): object[] {
  return items.flatMap(toProviderItem);
}

/**
 * Drops optional ids, which come from this server or an earlier call and mean nothing to the provider, and optional
 * statuses, which mean nothing to a model.
 */
function toProviderItem(item: InputItem | OutputItem): object[] {
  switch (item.type) {
    case "message":
      // An interrupted attempt closed this item before its first word. Some servers reject it.
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
      // A provider that stores nothing understands its reasoning only if it comes back whole, under its own id.
      if (!item.encrypted_content || isAiSdkReasoningState(item.encrypted_content)) return [];
      return [isUnnamedReasoning(item.id ?? "") ? omitFields(item, "id", "status") : omitFields(item, "status")];
    case "compaction_trigger":
      // An instruction to this server, not to the provider.
      return [];
    default:
      return [item];
  }
}

/** Drops the named fields and all null fields: omitting a field is the safest way to leave it unset. */
export function omitFields(value: object, ...names: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name, field]) => field != null && !names.includes(name)));
}
