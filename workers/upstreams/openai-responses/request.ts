/** A call as the body of the provider's `POST /responses`. */
import type { ResponseCreateParamsStreaming } from "openai/resources/responses/responses";
import type { UpstreamCall } from "../upstream.ts";
import { toProviderItems, omitFields } from "../../../src/providers/openai-items.ts";

/**
 * Passed on if they were given. Not among them: `metadata` and `client_metadata`, which are for this server, and what it
 * does itself (`background`, `store`, `stream`, `previous_response_id`, `conversation`, `prompt`, `context_management`).
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

/** `extra`: what the request carries of the provider's own parameters. */
export function createParams(call: UpstreamCall, extra: object = {}): ResponseCreateParamsStreaming {
  const { reasoning, text, prompt_cache_options: cache } = call.request;
  const include = selectIncludes(call.request);
  const params = {
    ...extra,
    model: call.model,
    input: toProviderItems([...call.history, ...call.completedItems]),
    stream: true,
    // Nothing stays with the provider: this server keeps the conversation and sends the whole of it.
    store: false,
    ...omitFields(Object.fromEntries(FORWARDED_PARAMETERS.map((name) => [name, call.request[name]]))),
    ...(text == null ? {} : { text: omitFields({ ...text, format: text.format && omitFields(text.format) }) }),
    ...(reasoning == null ? {} : { reasoning: omitFields(reasoning) }),
    // The response to compare with is one of ours, which the provider cannot look up.
    ...(cache == null ? {} : { prompt_cache_options: omitFields(cache, "comparison_response_id") }),
    ...(include.length === 0 ? {} : { include }),
  };
  // Our schemas let through what the SDK's types are narrower about; the provider is the judge of it.
  return params as unknown as ResponseCreateParamsStreaming;
}

/** Under which the provider's people find the response of ours that theirs was made for. */
const RESPONSE_ID_KEY = "background_response_id";

/** The same, to be run in the provider's background. What it must store to that end is deleted when it is over. */
export function createBackgroundParams(call: UpstreamCall, extra: object): ResponseCreateParamsStreaming {
  return {
    ...createParams(call, extra),
    background: true,
    store: true,
    metadata: { [RESPONSE_ID_KEY]: call.responseId },
  };
}

/** Encrypted reasoning is asked for only of a model that was asked to reason: others refuse the request for it. */
function selectIncludes({ include, reasoning }: UpstreamCall["request"]): readonly string[] {
  const reasons = reasoning?.effort != null || reasoning?.summary != null;
  return [...new Set([...(include ?? []), ...(reasons ? (["reasoning.encrypted_content"] as const) : [])])];
}
