/**
 * The kinds of vendor that the AI SDK speaks to, and the little in which they differ once it has levelled them. A new
 * kind is one function here and one schema in src/providers/providers-file.ts.
 */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { type LanguageModelV4, type LanguageModelV4Prompt, type SharedV4ProviderOptions } from "@ai-sdk/provider";
import type { AiSdkProvider } from "../../../src/providers/catalog.ts";
import { selectExtraParameters } from "../../../src/providers/extra-parameters.ts";
import { reasoningOriginOf, traitsOf } from "../../../src/providers/vendor-of.ts";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";
import type { UpstreamCall } from "../upstream.ts";
import { omitNullish } from "../provider/json.ts";
import { withErrorStatus } from "../provider/error-in-body.ts";
import { fetchWithoutTimeouts } from "../provider/retry-policy.ts";
import { shapeChatBody } from "./chat-body.ts";
import { writeReturnedState } from "./returned-fields.ts";
import { withEventStream } from "../provider/answer-stream.ts";
import { ChatChunkNormalizer } from "./chat-chunk-normalizer.ts";

type Request = UpstreamCall["request"];

export interface Vendor {
  /** Under which the SDK keeps this vendor's options and metadata. */
  name: string;
  model: (name: string) => LanguageModelV4;
  traits: VendorTraits;
  /** Under which what it must be given back is kept in reasoning items. */
  stateOwner: string;
  /** Whose that is, where it is not the vendor's but one model's. */
  stateOriginOf?: (model: string) => string;
  /** Whether it takes reasoning that carries nothing of its own. */
  acceptsUnsignedReasoning: boolean;
  /** What is left to do where the SDK does not write all that was given back. */
  finishPrompt?: (prompt: LanguageModelV4Prompt, model: string) => LanguageModelV4Prompt;
  /** Whether the SDK leaves out what its own stream has: refusals and logprobs (chat-chunk.ts). */
  readsRawChunks: boolean;
  /** What the SDK has no common name for. */
  options: (request: Request) => SharedV4ProviderOptions[string];
}

/** Many local servers want no key, but the SDK does, and would take one from the environment. */
const NO_KEY = "none";

const FETCH_WITH_ERRORS = withErrorStatus(fetchWithoutTimeouts);
const STREAMING_FETCH = withEventStream(FETCH_WITH_ERRORS);
const CHAT_FETCH = withEventStream(FETCH_WITH_ERRORS, () => new ChatChunkNormalizer());

export function openVendor(provider: AiSdkProvider, key: string | undefined): Vendor {
  const settings = { baseURL: provider.base_url, headers: provider.headers, fetch: STREAMING_FETCH };
  const traits = traitsOf(provider);
  switch (provider.kind) {
    case "openai-compatible":
      return {
        ...openChatCompletions({ ...settings, ...omitNullish({ apiKey: key }) }, traits, (request) =>
          selectExtraParameters(provider, request),
        ),
        stateOriginOf: (model) => reasoningOriginOf(provider, model),
      };
    case "anthropic":
      return openAnthropic({ ...settings, apiKey: key ?? NO_KEY }, traits);
    case "google":
      return openGoogle({ ...settings, apiKey: key ?? NO_KEY }, traits);
  }
}

function openChatCompletions(
  settings: Omit<Parameters<typeof createOpenAICompatible>[0], "name">,
  traits: VendorTraits,
  extraOf: (request: Request) => ReturnType<typeof selectExtraParameters>,
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
    acceptsUnsignedReasoning: true,
    finishPrompt: (prompt, model) => writeReturnedState(prompt, model, name, traits),
    readsRawChunks: true,
    // Names that the SDK does not know are written into the body as they are.
    options: (request) => ({
      ...(extraOf(request) as SharedV4ProviderOptions[string]),
      ...omitNullish({
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

function openAnthropic(settings: Parameters<typeof createAnthropic>[0], traits: VendorTraits): Vendor {
  const provider = createAnthropic(settings);
  return {
    name: "anthropic",
    model: (model) => provider.messages(model),
    traits,
    stateOwner: "anthropic",
    acceptsUnsignedReasoning: false,
    readsRawChunks: false,
    options: (request) => {
      const userId = request.safety_identifier ?? request.user;
      return omitNullish({
        disableParallelToolUse: request.parallel_tool_calls === false ? true : undefined,
        metadata: userId == null ? undefined : { userId },
        // They say that a model which thinks in silence is alive.
        includePings: true,
      });
    },
  };
}

function openGoogle(settings: Parameters<typeof createGoogle>[0], traits: VendorTraits): Vendor {
  const provider = createGoogle(settings);
  return {
    name: "google",
    model: (model) => provider.chat(model),
    traits,
    stateOwner: "google",
    acceptsUnsignedReasoning: false,
    readsRawChunks: false,
    options: ({ reasoning }) => {
      const reasons = (reasoning?.effort ?? "none") !== "none" || reasoning?.summary != null;
      return reasons ? { thinkingConfig: { includeThoughts: true } } : {};
    },
  };
}
