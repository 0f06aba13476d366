/**
 * A message that an earlier attempt left unfinished, continued by the vendor: its text is sent as the last message, and the
 * model writes on from there. Only where the operator says that the vendor does so, and where it is sound:
 *
 * | not continued                              | because                                                          |
 * | ------------------------------------------ | ---------------------------------------------------------------- |
 * | reasoning, a refusal, a second part        | a vendor continues one text                                      |
 * | a text that is short, or repeats itself    | a vendor that began again could not be told from one that did not |
 * | `text.format` other than text              | a vendor's grammar of JSON begins at the first letter            |
 * | a tool choice that forces a call           | the vendor is bound to begin with the call                       |
 * | thinking, with Anthropic                   | it refuses the two together                                      |
 *
 * The text is sent without the whitespace at its end: Anthropic refuses it, chat templates cut it off, and no token of the
 * model's ends like that. The model writes it again, as a rule the same; if not, the run closes the old item.
 */
import type { LanguageModelV4CallOptions, LanguageModelV4Message, SharedV4ProviderOptions } from "@ai-sdk/provider";
import { TokenCounter } from "../../../src/context-window/tokenizer.ts";
import { type AiSdkProvider, type ContinuationMode, continuationModeOf } from "../../../src/providers/catalog.ts";
import type { UpstreamCall } from "../upstream.ts";
import { applyConfigurationUpdates } from "./call-options.ts";

type Request = UpstreamCall["request"];
type VendorOptions = SharedV4ProviderOptions[string];

/** An answer that equals the text for so long from its beginning is no continuation that looks like it by chance. */
const HEAD_CHARACTERS = 64;
/** Shorter texts come twice in a row by chance, and little is lost with them. */
const MIN_CHARACTERS = 16;

/** Fields that ask a vendor to continue, in its last message and in the body. */
const CONTINUATION_FIELDS: Record<ContinuationMode, { message?: VendorOptions; body?: VendorOptions }> = {
  continue_final_message: { body: { continue_final_message: true, add_generation_prompt: false } },
  prefix: { message: { prefix: true } },
  assistant_message: {},
};

export interface MessagePrefix {
  text: string;
  /** The text's beginning: an answer that begins with it is the whole, and no continuation. */
  head: string;
  method: ContinuationMode;
}

/** Undefined if the call is not to be continued. */
export function readPrefix(call: UpstreamCall, provider: AiSdkProvider): MessagePrefix | undefined {
  const method = continuationModeOf(provider, call.model);
  const text = readUnfinishedText(call.unfinishedItem);
  if (method === undefined || text === undefined || text.length < MIN_CHARACTERS) return undefined;
  const head = text.slice(0, HEAD_CHARACTERS);
  // A continuation might repeat the text's beginning for good reason: the text has done so before.
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

/** The call of the same request that continues the prefix. `vendor` is its name with the SDK. */
export function addPrefix(
  options: LanguageModelV4CallOptions,
  { text, method }: MessagePrefix,
  vendor: string,
): LanguageModelV4CallOptions {
  const { message, body } = CONTINUATION_FIELDS[method];
  const last = options.prompt.at(-1);
  const isAssistant = last?.role === "assistant";
  // Two messages of the assistant's in a row are one for many vendors, and an error for some.
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

/** `max_output_tokens` bounds the whole message: what the prefix has spent of it is not spent twice. */
export async function subtractPrefixTokens(
  call: UpstreamCall,
  prefix: MessagePrefix,
  signal: AbortSignal,
): Promise<UpstreamCall> {
  const { request } = call;
  if (request.max_output_tokens == null) return call;
  const spent = await new TokenCounter().countText(prefix.text, signal);
  return { ...call, request: { ...request, max_output_tokens: Math.max(1, request.max_output_tokens - spent) } };
}
