/** A call as the body of the provider's `POST /responses`. */
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { ContextItem, UpstreamCall } from "../../upstream.ts";
import { without } from "./json.ts";

/**
 * Passed on if they were given. Not among them: `metadata`, which is for this server's clients, and what this server
 * does itself (`background`, `store`, `stream`, `previous_response_id`).
 */
const PASSED_ON = [
  "instructions",
  "max_output_tokens",
  "parallel_tool_calls",
  "service_tier",
  "temperature",
  "tool_choice",
  "tools",
  "top_p",
] as const satisfies readonly (keyof UpstreamCall["request"])[];

export function createParams(call: UpstreamCall): ResponseCreateParamsStreaming {
  const { reasoning, text } = call.request;
  const params = {
    model: call.model,
    input: [...call.input, ...call.produced].flatMap(contextItem),
    stream: true,
    // Nothing stays with the provider: this server keeps the conversation and sends the whole of it.
    store: false,
    ...without(Object.fromEntries(PASSED_ON.map((name) => [name, call.request[name]]))),
    ...(text == null ? {} : { text: without({ ...text, format: text.format && without(text.format) }) }),
    ...(reasoning == null ? {} : { reasoning: without(reasoning) }),
    // Only of a model that was asked to reason: others refuse the request for it.
    ...(reasoning?.effort == null && reasoning?.summary == null ? {} : { include: ["reasoning.encrypted_content"] }),
  };
  // Our schemas let through what the SDK's types are narrower about; the provider is the judge of it.
  return params as unknown as ResponseCreateParamsStreaming;
}

/** Without our ids, which the provider cannot look up, and without status, which says nothing to a model. */
function contextItem(item: ContextItem): object[] {
  switch (item.type) {
    case "message":
      // What a broken attempt left: an item that was closed before its first word. Some servers refuse it.
      return Array.isArray(item.content) && item.content.length === 0 ? [] : [without(item, "id", "status")];
    case "function_call":
    case "function_call_output":
      return [without(item, "id", "status")];
    case "reasoning":
      // A provider that stores nothing understands its reasoning only if the whole of it comes back, under its own id.
      return item.encrypted_content ? [without(item, "status")] : [];
    default:
      return [item];
  }
}
