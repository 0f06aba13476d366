/** Creates the body of the provider's `POST /responses`. */
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { UpstreamCall } from "../upstream.ts";
import { toProviderItems, omitFields } from "../../../src/providers/openai-items.ts";

/**
 * Parameters that are forwarded if the client gave them. `metadata` and `client_metadata` are for this server, which also
 * implements `background`, `store`, `stream`, `previous_response_id`, `conversation`, `prompt` and `context_management`.
 */
const FORWARDED_PARAMETERS = [
  "access_programs",
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

/** `extra`: provider-specific parameters of the request. */
export function createParams(call: UpstreamCall, extra: object = {}): ResponseCreateParamsStreaming {
  const { reasoning, text, prompt_cache_options: cache } = call.request;
  const include = selectIncludes(call.request);
  const params = {
    ...extra,
    model: call.model,
    input: toProviderItems([...call.history, ...call.completedItems]),
    stream: true,
    // The provider stores nothing: this server keeps the conversation and sends all of it.
    store: false,
    ...omitFields(Object.fromEntries(FORWARDED_PARAMETERS.map((name) => [name, call.request[name]]))),
    ...(text == null ? {} : { text: omitFields({ ...text, format: text.format && omitFields(text.format) }) }),
    ...(reasoning == null ? {} : { reasoning: omitFields(reasoning) }),
    // The response to compare with is ours, and unknown to the provider.
    ...(cache == null ? {} : { prompt_cache_options: omitFields(cache, "comparison_response_id") }),
    ...(include.length === 0 ? {} : { include }),
  };
  // Our schemas allow more than the SDK's types; the provider decides.
  return params as unknown as ResponseCreateParamsStreaming;
}

/** Metadata key that lets the provider's staff find our response. */
const RESPONSE_ID_KEY = "background_response_id";

/** The same call for the provider's background. The provider must store it; it is deleted when the run ends. */
export function createBackgroundParams(call: UpstreamCall, extra: object): ResponseCreateParamsStreaming {
  return {
    ...createParams(call, extra),
    background: true,
    store: true,
    metadata: { [RESPONSE_ID_KEY]: call.responseId },
  };
}

/** Requests encrypted reasoning only if reasoning was requested: other models reject the request for it. */
function selectIncludes({ include, reasoning }: UpstreamCall["request"]): readonly string[] {
  const reasons = reasoning?.effort != null || reasoning?.summary != null;
  return [...new Set([...(include ?? []), ...(reasons ? (["reasoning.encrypted_content"] as const) : [])])];
}
