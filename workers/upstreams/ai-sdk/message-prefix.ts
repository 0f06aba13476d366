/**
 * Lets a vendor continue a message that an earlier attempt left unfinished: its text is sent as the last message, and the
 * model continues from there. Only where the operator has configured this for the vendor, and never for:
 *
 * | not continued                           | reason                                                         |
 * | --------------------------------------- | -------------------------------------------------------------- |
 * | reasoning, a refusal, a second part     | a vendor continues one text                                    |
 * | a text that is short or repeats itself  | a new answer could not be distinguished from a continuation    |
 * | `text.format` other than text           | a vendor's JSON grammar starts at the first character          |
 * | a tool choice that forces a call        | the vendor must start with the call                            |
 * | thinking, with Anthropic                | Anthropic rejects the combination                              |
 *
 * Trailing whitespace is not sent: Anthropic rejects it, chat templates remove it, and it breaks the model's tokens. The
 * model usually writes the same whitespace again; otherwise the run closes the old item.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message, SharedV4ProviderOptions } from "@ai-sdk/provider";
import { TokenCounter } from "../../../src/context-window/tokenizer.ts";
import { type AiSdkProvider, type ContinuationMode, continuationModeOf } from "../../../src/providers/catalog.ts";
import type { UpstreamCall } from "../upstream.ts";
import { applyConfigurationUpdates } from "./call-options.ts";

type Request = UpstreamCall["request"];
type VendorOptions = SharedV4ProviderOptions[string];

/** An answer whose beginning equals so much of the text is a new answer, not a continuation. */
const HEAD_CHARACTERS = 64;
/** Shorter texts may repeat by chance, and losing them costs little. */
const MIN_CHARACTERS = 16;

/** Fields that make a vendor continue, in its last message and in the body. */
const CONTINUATION_FIELDS: Record<ContinuationMode, { message?: VendorOptions; body?: VendorOptions }> = {
  continue_final_message: { body: { continue_final_message: true, add_generation_prompt: false } },
  prefix: { message: { prefix: true } },
  assistant_message: {},
};

export interface MessagePrefix {
  text: string;
  /** The text's beginning: an answer that starts with it is a whole answer, not a continuation. */
  head: string;
  method: ContinuationMode;
}

/** Undefined if the call must not be continued. */
export function readPrefix(call: UpstreamCall, provider: AiSdkProvider): MessagePrefix | undefined {
  const method = continuationModeOf(provider, call.model);
  const text = readUnfinishedText(call.unfinishedItem);
  if (method === undefined || text === undefined || text.length < MIN_CHARACTERS) return undefined;
  const head = text.slice(0, HEAD_CHARACTERS);
  // A text that repeats its own beginning may do so again in a legitimate continuation.
  if ((text + head).indexOf(head, 1) < text.length) return undefined;
  const request = applyConfigurationUpdates(call);
  if ((request.text?.format?.type ?? "text") !== "text" || forcesCall(request.tool_choice)) return undefined;
  if (provider.kind === "anthropic" && (request.reasoning?.effort ?? "none") !== "none") return undefined;
  return { text, head, method };
}

function readUnfinishedText(item: UpstreamCall["unfinishedItem"]): string | undefined {
  if (item?.type !== "message" || item.content.length !== 1) return undefined;
  const [part] = item.content;
  return part?.type === "output_text" ? part.text.trimEnd() : undefined;
}

function forcesCall(choice: Request["tool_choice"]): boolean {
  if (choice == null || typeof choice === "string") return choice === "required";
  return choice.type !== "allowed_tools" || choice.mode === "required";
}

/** Options for the same call with the prefix as its last message. `vendor` is the SDK's name for the vendor. */
export function addPrefix(
  options: LanguageModelV4CallOptions,
  { text, method }: MessagePrefix,
  vendor: string,
): LanguageModelV4CallOptions {
  const { message, body } = CONTINUATION_FIELDS[method];
  const last = options.prompt.at(-1);
  const isAssistant = last?.role === "assistant";
  // Two consecutive assistant messages are one for many vendors, and an error for some.
  const continued: LanguageModelV4Message = {
    role: "assistant",
    content: [...(isAssistant ? last.content : []), { type: "text", text }],
    ...(message && { providerOptions: { [vendor]: message } }),
  };
  return {
    ...options,
    prompt: [...options.prompt.slice(0, isAssistant ? -1 : undefined), continued],
    providerOptions: { ...options.providerOptions, [vendor]: { ...options.providerOptions?.[vendor], ...body } },
  };
}

/** `max_output_tokens` limits the whole message, so the prefix's tokens are subtracted. */
export async function subtractPrefixTokens(
  call: UpstreamCall,
  prefix: MessagePrefix,
  signal: AbortSignal,
): Promise<UpstreamCall> {
  const { request } = call;
  if (request.max_output_tokens == null) return call;
  const prefixTokens = await new TokenCounter().countText(prefix.text, signal);
  return { ...call, request: { ...request, max_output_tokens: Math.max(1, request.max_output_tokens - prefixTokens) } };
}
