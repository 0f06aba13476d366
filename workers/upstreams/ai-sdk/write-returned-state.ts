/** Writes the state of returned-state.ts to where the SDK includes it in the messages of a chat completion. */
import type { JSONObject, LanguageModelV4Message, LanguageModelV4Prompt } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import { asArray } from "../http/json.ts";
import { addDetail, isJsonObject } from "./returned-state.ts";

type Assistant = Extract<LanguageModelV4Message, { role: "assistant" }>;
type AssistantPart = Assistant["content"][number];

/** Replaces the missing signature of calls that another model made (https://ai.google.dev/gemini-api/docs/thought-signatures). */
const PLACEHOLDER_SIGNATURE: JSONObject = {
  extra_content: { google: { thought_signature: "skip_thought_signature_validator" } },
};
/** Models that neither sign calls nor check signatures. */
const UNSIGNING_MODEL = /gemini-[12](?!\d)/;

export function writeReturnedState(
  prompt: LanguageModelV4Prompt,
  model: string,
  sdkName: string,
  traits: VendorTraits,
): LanguageModelV4Prompt {
  const needsSignature = traits.unsigned_calls === "placeholder" && !UNSIGNING_MODEL.test(model);
  return prompt.map((message) => {
    if (message.role !== "assistant") return message;
    const detailed = writeDetails(message, sdkName);
    return needsSignature ? writeSignature(detailed, sdkName) : detailed;
  });
}

/** Details belong to the message and contain the text of its reasoning. */
function writeDetails(message: Assistant, sdkName: string): Assistant {
  const details: JSONObject[] = [];
  for (const part of message.content) {
    if (part.type !== "reasoning") continue;
    for (const detail of asArray(part.providerOptions?.[sdkName]?.["reasoning_details"])) {
      if (isJsonObject(detail)) addDetail(details, detail);
    }
  }
  if (details.length === 0) return message;
  return {
    ...message,
    content: message.content.filter(({ type }) => type !== "reasoning"),
    providerOptions: {
      ...message.providerOptions,
      [sdkName]: { ...message.providerOptions?.[sdkName], reasoning_details: details },
    },
  };
}

/** The first call of a message carries the signature for all of them. */
function writeSignature(message: Assistant, sdkName: string): Assistant {
  const isSigned = message.content.some((part) => part.type === "tool-call" && part.providerOptions !== undefined);
  const first = message.content.findIndex(({ type }) => type === "tool-call");
  if (isSigned || first < 0) return message;
  const sign = (part: AssistantPart, index: number): AssistantPart =>
    index === first ? { ...part, providerOptions: { [sdkName]: PLACEHOLDER_SIGNATURE } } : part;
  return { ...message, content: message.content.map(sign) };
}
