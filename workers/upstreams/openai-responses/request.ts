/** A call as the body of the provider's `POST /responses`. */
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ContextItem, UpstreamCall } from "../../upstream.ts";
import { isAiSdkState } from "../../../src/providers/reasoning-state.ts";
import { without } from "../provider/json.ts";

/**
 * Passed on if they were given. Not among them: `metadata`, which is for this server's clients, and what this server
 * does itself (`background`, `store`, `stream`, `previous_response_id`, `conversation`, `prompt`).
 */
const PASSED_ON = [
  "access_programs",
  "context_management",
  "frequency_penalty",
  "image",
  "instructions",
  "max_output_tokens",
  "max_tool_calls",
  "moderation",
  "parallel_tool_calls",
  "presence_penalty",
  "prompt_cache_key",
  "prompt_cache_retention",
  "safety_identifier",
  "service_tier",
  "temperature",
  "tool_choice",
  "tools",
  "top_logprobs",
  "top_p",
  "truncation",
  "user",
] as const satisfies readonly (keyof UpstreamCall["request"])[];

export function createParams(call: UpstreamCall): ResponseCreateParamsStreaming {
  const { reasoning, text, prompt_cache_options: cache } = call.request;
  const include = includedData(call.request);
  const params = {
    model: call.model,
    input: [...call.input, ...call.produced].flatMap(contextItem),
    stream: true,
    // Nothing stays with the provider: this server keeps the conversation and sends the whole of it.
    store: false,
    ...without(Object.fromEntries(PASSED_ON.map((name) => [name, call.request[name]]))),
    ...(text == null ? {} : { text: without({ ...text, format: text.format && without(text.format) }) }),
    ...(reasoning == null ? {} : { reasoning: without(reasoning) }),
    // The response to compare with is one of ours, which the provider cannot look up.
    ...(cache == null ? {} : { prompt_cache_options: without(cache, "comparison_response_id") }),
    ...(include.length === 0 ? {} : { include }),
  };
  // Our schemas let through what the SDK's types are narrower about; the provider is the judge of it.
  return params as unknown as ResponseCreateParamsStreaming;
}

/** Encrypted reasoning is asked for only of a model that was asked to reason: others refuse the request for it. */
function includedData({ include, reasoning }: UpstreamCall["request"]): readonly string[] {
  const reasons = reasoning?.effort != null || reasoning?.summary != null;
  return [...new Set([...(include ?? []), ...(reasons ? (["reasoning.encrypted_content"] as const) : [])])];
}

/**
 * Without ids where the provider's type does not ask for one: they are ours, or an earlier call's, and the provider
 * cannot look them up. Without status, which says nothing to a model, unless the type asks for it.
 */
function contextItem(item: ContextItem): object[] {
  switch (item.type) {
    case "message":
      // What a broken attempt left: an item that was closed before its first word. Some servers refuse it.
      return Array.isArray(item.content) && item.content.length === 0 ? [] : [without(item, "id", "status")];
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
    case "compaction_trigger":
    case "configuration_update":
    case "mcp_approval_response":
      return [without(item, "id", "status", "created_by")];
    case "apply_patch_call":
    case "apply_patch_call_output":
      return [without(item, "id", "created_by")];
    case "reasoning":
      // A provider that stores nothing understands its reasoning only if the whole of it comes back, under its own id.
      return item.encrypted_content && !isAiSdkState(item.encrypted_content) ? [without(item, "status")] : [];
    default:
      return [item];
  }
}
