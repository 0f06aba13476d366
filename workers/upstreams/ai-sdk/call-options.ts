/**
 * A call as the SDK's options. Of the request's parameters
 *   - temperature, top_p, penalties, max_output_tokens, tools, tool_choice, reasoning.effort and text.format are common,
 *   - parallel_tool_calls, user, safety_identifier, top_logprobs, text.verbosity and reasoning.summary are the vendor's
 *     (vendors.ts), where it has them,
 *   - the rest shapes what this server does, or is the hosted vendor's own, and is not passed on.
 */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { UpstreamCall } from "../../upstream.ts";
import { given } from "../provider/json.ts";
import { createPrompt } from "./prompt.ts";
import { Toolbox } from "./tools.ts";
import type { Vendor } from "./vendors.ts";

type Format = NonNullable<NonNullable<UpstreamCall["request"]["text"]>["format"]>;
type ResponseFormat = NonNullable<LanguageModelV4CallOptions["responseFormat"]>;

const JSON_INSTRUCTION = "Answer with one JSON object and nothing else.";

/** Throws InvalidPromptError. */
export function createCallOptions(
  call: UpstreamCall,
  vendor: Vendor,
): { options: LanguageModelV4CallOptions; toolbox: Toolbox } {
  const request = currentRequest(call);
  const items = [...call.input, ...call.produced];
  const toolbox = new Toolbox(
    request,
    items.flatMap((item) => (item.type === "additional_tools" ? item.tools : [])),
  );
  const isLoose = request.text?.format?.type === "json_object" && !vendor.hasJsonMode;
  const instructions = [request.instructions, isLoose && JSON_INSTRUCTION].filter(Boolean).join("\n\n");
  const options: LanguageModelV4CallOptions = {
    prompt: createPrompt({ ...call, request: { ...request, instructions } }, vendor),
    ...given({
      maxOutputTokens: request.max_output_tokens,
      temperature: request.temperature,
      topP: request.top_p,
      presencePenalty: request.presence_penalty,
      frequencyPenalty: request.frequency_penalty,
      reasoning: request.reasoning?.effort,
      responseFormat: isLoose ? undefined : responseFormat(request.text?.format),
      includeRawChunks: vendor.readsRawChunks,
    }),
    ...toolbox.options,
    providerOptions: { [vendor.name]: vendor.options(request) },
  };
  return { options, toolbox };
}

/** The request with what the conversation has changed of it since. */
export function currentRequest({ request, input }: UpstreamCall): UpstreamCall["request"] {
  const updates = input.filter((item) => item.type === "configuration_update");
  const effort = updates.findLast((update) => update.reasoning?.effort != null)?.reasoning?.effort;
  const format = updates.findLast((update) => update.text?.format != null)?.text?.format;
  return {
    ...request,
    ...(effort != null && { reasoning: { ...request.reasoning, effort } }),
    ...(format != null && { text: { ...request.text, format } }),
  };
}

function responseFormat(format: Format | null | undefined): ResponseFormat | undefined {
  switch (format?.type) {
    case "json_object":
      return { type: "json" };
    case "json_schema": {
      const { name, description } = format;
      return { type: "json", schema: format.schema, name, ...given({ description }) };
    }
    default:
      return undefined;
  }
}
