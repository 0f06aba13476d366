/**
 * Creates the SDK's options for a call. The request's parameters are
 *   - common to all vendors: temperature, top_p, penalties, max_output_tokens, tools, tool_choice, reasoning.effort and
 *     text.format,
 *   - vendor-specific (vendors.ts): parallel_tool_calls, user, safety_identifier, top_logprobs, text.verbosity and
 *     reasoning.summary,
 *   - not sent: all others, which concern this server or OpenAI's hosted service.
 */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { UpstreamCall } from "../upstream.ts";
import { omitNullish } from "../http/json.ts";
import { createPrompt } from "./prompt.ts";
import { adaptChoice, forbidsThinking } from "./tool-choice.ts";
import { Toolbox } from "./convert-tools.ts";
import { isUnsignedTurn } from "./unsigned-turn.ts";
import type { Vendor } from "./vendors.ts";

type Format = NonNullable<NonNullable<UpstreamCall["request"]["text"]>["format"]>;
type ResponseFormat = NonNullable<LanguageModelV4CallOptions["responseFormat"]>;

const JSON_INSTRUCTION = "Answer with one JSON object and nothing else.";
const SCHEMA_INSTRUCTION = "Answer with one JSON value and nothing else. It must be valid by this JSON schema:";

/** Throws InvalidPromptError. */
export function createCallOptions(
  call: UpstreamCall,
  vendor: Vendor,
): { options: LanguageModelV4CallOptions; toolbox: Toolbox } {
  const request = applyConfigurationUpdates(call);
  const items = [...call.history, ...call.completedItems];
  const toolbox = new Toolbox(
    request,
    items.flatMap((item) => (item.type === "additional_tools" ? item.tools : [])),
  );
  const format = adaptFormat(request.text?.format, vendor);
  const instructions = [request.instructions, format.instruction].filter(Boolean).join("\n\n");
  const chosen = adaptChoice(toolbox.options, vendor.traits);
  const isThinkingOff = forbidsThinking(chosen, vendor.traits) || isUnsignedTurn(items, vendor, call.model);
  const options: LanguageModelV4CallOptions = {
    prompt: createPrompt({ ...call, request: { ...request, instructions } }, vendor),
    ...omitNullish({
      maxOutputTokens: request.max_output_tokens,
      temperature: request.temperature,
      topP: request.top_p,
      presencePenalty: request.presence_penalty,
      frequencyPenalty: request.frequency_penalty,
      reasoning: isThinkingOff ? "none" : request.reasoning?.effort,
      responseFormat: format.asked,
      includeRawChunks: vendor.readsRawChunks,
    }),
    ...chosen,
    providerOptions: { [vendor.name]: vendor.options(request) },
  };
  return { options, toolbox };
}

/** The request with the configuration updates in its conversation applied. */
export function applyConfigurationUpdates({ request, history }: UpstreamCall): UpstreamCall["request"] {
  const updates = history.filter((item) => item.type === "configuration_update");
  const effort = updates.findLast((update) => update.reasoning?.effort != null)?.reasoning?.effort;
  const format = updates.findLast((update) => update.text?.format != null)?.text?.format;
  return {
    ...request,
    ...(effort != null && { reasoning: { ...request.reasoning, effort } }),
    ...(format != null && { text: { ...request.text, format } }),
  };
}

/** The format to request from the vendor, and the instruction for the model where the vendor lacks the format. */
function adaptFormat(
  format: Format | null | undefined,
  { traits }: Vendor,
): { asked?: ResponseFormat; instruction?: string } {
  switch (format?.type) {
    case "json_object":
      return traits.json_mode === "sent" ? { asked: { type: "json" } } : { instruction: JSON_INSTRUCTION };
    case "json_schema": {
      const { name, description, schema } = format;
      if (traits.json_schema === "sent")
        return { asked: { type: "json", schema, name, ...omitNullish({ description }) } };
      const instruction = `${SCHEMA_INSTRUCTION}\n${JSON.stringify(schema)}`;
      return traits.json_mode === "sent" ? { asked: { type: "json" }, instruction } : { instruction };
    }
    default:
      return {};
  }
}
