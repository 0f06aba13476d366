/** Adapts the SDK's chat completion body to a vendor. */
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { asArray, isObject, type Json } from "../http/json.ts";
import { adaptSchema } from "./adapt-schema.ts";

export function shapeChatBody(body: Json, traits: VendorTraits): Json {
  const { messages, tools, max_tokens, reasoning_effort, ...rest } = body;
  const isOff = reasoning_effort === "none" && traits.thinking_off === "thinking_disabled";
  const shaped: Json = {
    ...rest,
    messages: asArray(messages).map((message) => (isObject(message) ? shapeMessage(message, traits) : message)),
    ...(tools !== undefined && {
      tools: asArray(tools).map((tool) => (isObject(tool) ? shapeTool(tool, traits) : tool)),
    }),
    ...(max_tokens !== undefined && { [traits.max_tokens_field]: max_tokens }),
    ...(reasoning_effort !== undefined && !isOff && { reasoning_effort }),
    ...(isOff && !("thinking" in body) && { thinking: { type: "disabled" } }),
  };
  for (const name of traits.parameters_left_out) delete shaped[name];
  return shaped;
}

function shapeMessage(message: Json, traits: VendorTraits): Json {
  if (message["role"] !== "assistant") return message;
  const { reasoning_content: text, ...rest } = message;
  // This vendor requires the field on messages with calls, even if another model's reasoning is not sent.
  const isRequired = traits.reasoning_sent === "turns_with_calls" && rest["tool_calls"] !== undefined;
  const reasoning = text ?? (isRequired ? "" : undefined);
  return reasoning === undefined ? rest : { ...rest, [traits.reasoning_field]: reasoning };
}

function shapeTool(tool: Json, traits: VendorTraits): Json {
  if (!isObject(tool["function"])) return tool;
  const { strict, parameters, ...rest } = tool["function"];
  return {
    ...tool,
    function: {
      ...rest,
      parameters: adaptSchema(parameters, traits),
      ...(strict !== undefined && traits.strict_tools === "sent" && { strict }),
    },
  };
}
