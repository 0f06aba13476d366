/**
 * The vendors that the AI SDK supports, and the differences that it leaves. A new kind is one function here and one schema
 * in src/providers/providers-file.ts.
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
import { omitNullish } from "../http/json.ts";
import { withErrorStatus } from "../http/error-in-body.ts";
import { NO_API_KEY } from "../../../src/providers/credentials.ts";
import { fetchWithoutTimeouts } from "../http/fetch-without-timeouts.ts";
import { shapeChatBody } from "./chat-body.ts";
import { writeReturnedState } from "./write-returned-state.ts";
import { withEventStream } from "../http/answer-stream.ts";
import { ChatChunkNormalizer } from "./chat-chunk-normalizer.ts";

type Request = UpstreamCall["request"];

export interface Vendor {
  /** The SDK's key for this vendor's options and metadata. */
  name: string;
  model: (name: string) => LanguageModelV4;
  traits: VendorTraits;
  /** The owner of the vendor's state in reasoning items. */
  stateOwner: string;
  /** The model that owns the state, if the vendor's other models cannot read it. */
  stateOriginOf?: (model: string) => string;
  /** Whether the vendor accepts reasoning without state of its own. */
  acceptsUnsignedReasoning: boolean;
  /** Writes returned state that the SDK does not write itself. */
  finishPrompt?: (prompt: LanguageModelV4Prompt, model: string) => LanguageModelV4Prompt;
  /** Whether the SDK omits parts of the vendor's stream: refusals and logprobs (chat-chunk.ts). */
  readsRawChunks: boolean;
  /** Options without a common name in the SDK. */
  options: (request: Request) => SharedV4ProviderOptions[string];
}

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
      return openAnthropic({ ...settings, apiKey: key ?? NO_API_KEY }, traits);
    case "google":
      return openGoogle({ ...settings, apiKey: key ?? NO_API_KEY }, traits);
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
    // Otherwise the SDK writes an image in a tool output as base64 text.
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
    // The SDK writes unknown names into the body unchanged.
    options: (request) => ({
      ...(extraOf(request) as SharedV4ProviderOptions[string]),
      ...omitNullish({
        user: request.user ?? request.safety_identifier,
        textVerbosity: request.text?.verbosity,
        // The SDK's default is strict, which rejects schemas that were not written for it.
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
        // Pings show that a silently thinking model is alive.
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
