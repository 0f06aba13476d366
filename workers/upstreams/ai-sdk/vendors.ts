/**
 * The kinds of vendor that the AI SDK speaks to, and the little in which they differ once it has levelled them. A new
 * kind is one function here and one schema in src/providers/providers-file.ts.
 */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { type LanguageModelV4, type LanguageModelV4Prompt, type SharedV4ProviderOptions } from "@ai-sdk/provider";
import type { AiSdkProvider } from "../../../src/providers/catalog.ts";
import { extraFor } from "../../../src/providers/extra-parameters.ts";
import { originOf, traitsOf } from "../../../src/providers/vendor-of.ts";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import type { UpstreamCall } from "../upstream.ts";
import { given } from "../provider/json.ts";
import { statingRefusals } from "../provider/refusal-in-body.ts";
import { unlimitedFetch } from "../provider/tries.ts";
import { shapeChatBody } from "./chat-body.ts";
import { withReturnedState } from "./returned-fields.ts";
import { streamingAnswers } from "../provider/answer-stream.ts";
import { ChatMender } from "./chat-mender.ts";

type Request = UpstreamCall["request"];

export interface Vendor {
  /** Under which the SDK keeps this vendor's options and metadata. */
  name: string;
  model: (name: string) => LanguageModelV4;
  traits: VendorTraits;
  /** Under which what it must be given back is kept in reasoning items. */
  stateOwner: string;
  /** Whose that is, where it is not the vendor's but one model's. */
  originOf?: (model: string) => string;
  /** Whether it takes reasoning that carries nothing of its own. */
  takesPlainReasoning: boolean;
  /** What is left to do where the SDK does not write all that was given back. */
  finishPrompt?: (prompt: LanguageModelV4Prompt, model: string) => LanguageModelV4Prompt;
  /** Whether the SDK leaves out what its own stream has: refusals and logprobs (chat-chunk.ts). */
  readsRawChunks: boolean;
  /** What the SDK has no common name for. */
  options: (request: Request) => SharedV4ProviderOptions[string];
}

/** Many local servers want no key, but the SDK does, and would take one from the environment. */
const NO_KEY = "none";

const REFUSING = statingRefusals(unlimitedFetch);
const FETCH = streamingAnswers(REFUSING);
const CHAT_FETCH = streamingAnswers(REFUSING, () => new ChatMender());

export function openVendor(provider: AiSdkProvider, key: string | undefined): Vendor {
  const settings = { baseURL: provider.base_url, headers: provider.headers, fetch: FETCH };
  const traits = traitsOf(provider);
  switch (provider.kind) {
    case "openai-compatible":
      return {
        ...chatCompletions({ ...settings, ...given({ apiKey: key }) }, traits, (request) =>
          extraFor(provider, request),
        ),
        originOf: (model) => originOf(provider, model),
      };
    case "anthropic":
      return anthropic({ ...settings, apiKey: key ?? NO_KEY }, traits);
    case "google":
      return google({ ...settings, apiKey: key ?? NO_KEY }, traits);
  }
}

function chatCompletions(
  settings: Omit<Parameters<typeof createOpenAICompatible>[0], "name">,
  traits: VendorTraits,
  extraOf: (request: Request) => ReturnType<typeof extraFor>,
): Vendor {
  const name = "openaiCompatible";
  const provider = createOpenAICompatible({
    ...settings,
    transformRequestBody: (body) => shapeChatBody(body, traits),
    fetch: CHAT_FETCH,
    name,
    includeUsage: true,
    supportsStructuredOutputs: true,
    // Otherwise an image in an output would be written out as text, all its base64.
    supportsMultiPartToolContent: true,
  });
  return {
    name,
    model: (model) => provider.chatModel(model),
    traits,
    stateOwner: "chat",
    takesPlainReasoning: true,
    finishPrompt: (prompt, model) => withReturnedState(prompt, model, name, traits),
    readsRawChunks: true,
    // Names that the SDK does not know are written into the body as they are.
    options: (request) => ({
      ...(extraOf(request) as SharedV4ProviderOptions[string]),
      ...given({
        user: request.user ?? request.safety_identifier,
        textVerbosity: request.text?.verbosity,
        // The SDK would be strict by itself, and a schema that was not written for it be refused.
        strictJsonSchema:
          request.text?.format?.type === "json_schema" ? (request.text.format.strict ?? false) : undefined,
        parallel_tool_calls: request.tools?.length ? request.parallel_tool_calls : undefined,
        ...(wantsLogprobs(request) && { logprobs: true, top_logprobs: request.top_logprobs ?? 0 }),
      }),
    }),
  };
}

function wantsLogprobs(request: Request): boolean {
  return (request.top_logprobs ?? 0) > 0 || (request.include ?? []).includes("message.output_text.logprobs");
}

function anthropic(settings: Parameters<typeof createAnthropic>[0], traits: VendorTraits): Vendor {
  const provider = createAnthropic(settings);
  return {
    name: "anthropic",
    model: (model) => provider.messages(model),
    traits,
    stateOwner: "anthropic",
    takesPlainReasoning: false,
    readsRawChunks: false,
    options: (request) => {
      const userId = request.safety_identifier ?? request.user;
      return given({
        disableParallelToolUse: request.parallel_tool_calls === false ? true : undefined,
        metadata: userId == null ? undefined : { userId },
        // They say that a model which thinks in silence is alive.
        includePings: true,
      });
    },
  };
}

function google(settings: Parameters<typeof createGoogle>[0], traits: VendorTraits): Vendor {
  const provider = createGoogle(settings);
  return {
    name: "google",
    model: (model) => provider.chat(model),
    traits,
    stateOwner: "google",
    takesPlainReasoning: false,
    readsRawChunks: false,
    options: ({ reasoning }) => {
      const reasons = (reasoning?.effort ?? "none") !== "none" || reasoning?.summary != null;
      return reasons ? { thinkingConfig: { includeThoughts: true } } : {};
    },
  };
}
