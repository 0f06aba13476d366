/**
 * Proves that this server speaks the API of openai 7.59: the SDK's types accept what the server sends, and the server's
 * schemas accept what the types allow in requests. The compiler runs this file (`npm run check:types`); if either side
 * drifts, the check fails here. Each exception is one field with its reason.
 */
import type { InputTokenCountParams, InputTokenCountResponse } from "openai/resources/responses/input-tokens";
import type * as Sdk from "openai/resources/responses/responses";
import type { Reasoning } from "openai/resources/shared";
import type * as SdkWebhooks from "openai/resources/webhooks";
import type { z } from "zod";
import type { CompactedResponse, CompactRequest, compactRequestSchema } from "../../../src/protocol/compaction.ts";
import type { createRequestSchema } from "../../../src/protocol/create-request.ts";
import type { ResponseStreamEvent } from "../../../src/protocol/event.ts";
import type { InputTokens, InputTokensRequest, inputTokensRequestSchema } from "../../../src/protocol/input-tokens.ts";
import type { inputItemSchema, OutputItem } from "../../../src/protocol/item.ts";
import type { Response, ResponseError } from "../../../src/protocol/response.ts";
import type {
  createWebhookEndpointSchema,
  rotateWebhookSecretSchema,
  testWebhookEndpointSchema,
  updateWebhookEndpointSchema,
  WebhookEndpoint,
  WebhookEndpointTestResult,
  WebhookEndpointWithSecret,
  WebhookEvent,
} from "../../../src/protocol/webhook.ts";
import type { ResponseTool, toolChoiceSchema, toolSchema } from "../../../src/protocol/tool.ts";

/** `Ours` may be sent where `Theirs` is expected. */
type Accepts<Theirs, Ours extends Theirs> = [Theirs, Ours];
/** Neither side has a member that the other lacks. */
type Same<A extends B, B extends C, C = A> = [A, B, C];

// --- sent ---------------------------------------------------------------------------------------------------

/** The hosted API sends `insufficient_quota` too, although the published codes omit it (contract.md#failures). */
type SdkError = Omit<Sdk.ResponseError, "code"> & { code: Sdk.ResponseError["code"] | "insufficient_quota" };
export type ErrorProof = Accepts<SdkError, ResponseError>;

/**
 * These three kinds have no published status for a cut-off item; the hosted API still sends `incomplete`
 * (contract.md#item-status).
 */
type CutOffKind = "image_generation_call" | "apply_patch_call" | "apply_patch_call_output";
type WithCutOff<Item> = Item extends { type: CutOffKind; status: infer Status }
  ? Omit<Item, "status"> & { status: Status | "incomplete" }
  : Item;
type SdkOutputItem = WithCutOff<Sdk.ResponseOutputItem>;
export type OutputItemProof = Accepts<SdkOutputItem, OutputItem>;
export type OutputItemKinds = Same<OutputItem["type"], Sdk.ResponseOutputItem["type"]>;

export type ToolProof = Accepts<Sdk.Tool, ResponseTool>;
export type ToolKinds = Same<ResponseTool["type"], Sdk.Tool["type"]>;

/** The hosted API sends null for a missing description (contract.md#response-object); the published type omits it. */
type WithNullDescription<Format> = Format extends { description?: string }
  ? Omit<Format, "description"> & { description?: string | null }
  : Format;
interface SdkText extends Omit<Sdk.ResponseTextConfig, "format"> {
  format?: WithNullDescription<NonNullable<Sdk.ResponseTextConfig["format"]>>;
}

/**
 * The SDK computes `output_text`. `usage` and `user` are null on the wire until they have a value
 * (contract.md#response-object).
 */
interface SdkResponse extends Omit<Sdk.Response, "output_text" | "usage" | "user" | "error" | "output" | "text"> {
  usage: Sdk.ResponseUsage | null;
  user: string | null;
  error: SdkError | null;
  output: SdkOutputItem[];
  text?: SdkText;
}
export type ResponseProof = Accepts<SdkResponse, Response>;

/** `store` and the penalties are on the wire, and in no published type (contract.md#response-object). */
type Unpublished = "store" | "frequency_penalty" | "presence_penalty";
export type ResponseFields = Accepts<keyof SdkResponse | Unpublished, keyof Response>;
/** Fields of the vendor's other products. */
type Unsent = "input_transformations" | "prompt_cache_diagnostics";
export type MissingFields = Accepts<keyof Response | Unsent, keyof SdkResponse>;

type WithOurs<Event> = Event extends { response: unknown }
  ? Omit<Event, "response"> & { response: SdkResponse }
  : Event extends { item: unknown }
    ? Omit<Event, "item"> & { item: SdkOutputItem }
    : Event;
export type EventProof = Accepts<WithOurs<Sdk.ResponseStreamEvent>, ResponseStreamEvent>;
export type EventTypes = Same<ResponseStreamEvent["type"], Sdk.ResponseStreamEvent["type"]>;

// --- accepted -----------------------------------------------------------------------------------------------

type Request = z.input<typeof createRequestSchema>;

export type InputItemProof = Accepts<z.input<typeof inputItemSchema>, Sdk.ResponseInputItem>;
export type SentToolProof = Accepts<z.input<typeof toolSchema>, Sdk.Tool>;
export type ToolChoiceProof = Accepts<
  z.input<typeof toolChoiceSchema>,
  NonNullable<Sdk.ResponseCreateParams["tool_choice"]>
>;

interface SdkParams extends Omit<Sdk.ResponseCreateParamsBase, "reasoning" | "context_management"> {
  /** Published, but the hosted API rejects them (contract.md#parameters). */
  reasoning?: Omit<Reasoning, "generate_summary"> | null;
  /** Any string in the type; "Currently only 'compaction' is supported" in its description. */
  context_management?: (Sdk.ResponseCreateParams.ContextManagement & { type: "compaction" })[] | null;
}
export type ParamsProof = Accepts<Request, SdkParams>;

export type InputTokensProof = Accepts<
  z.input<typeof inputTokensRequestSchema>,
  Omit<InputTokenCountParams, "reasoning"> & Pick<SdkParams, "reasoning">
>;
export type InputTokensNames = Same<keyof InputTokensRequest, keyof InputTokenCountParams>;
export type InputTokensAnswer = Accepts<InputTokenCountResponse, InputTokens>;

/** Hosted models have names; here null means no model. */
type SdkCompact = Omit<Sdk.ResponseCompactParams, "model"> & { model: string };
export type CompactProof = Accepts<z.input<typeof compactRequestSchema>, SdkCompact>;
export type CompactNames = Same<keyof CompactRequest, keyof SdkCompact>;
/** The SDK's output type has no user message, although its description mentions some. */
export type CompactAnswer = Accepts<Omit<Sdk.CompactedResponse, "output">, Omit<CompactedResponse, "output">>;

/** Known to the live API, or sent by Codex (contract.md#parameters). */
type Unlisted = "frequency_penalty" | "presence_penalty" | "client_metadata";
export type ParameterNames = Same<keyof Request, keyof SdkParams | Unlisted>;

// --- webhooks -----------------------------------------------------------------------------------------------

export type WebhookProofs = [
  Accepts<SdkWebhooks.WebhookEndpoint, WebhookEndpoint>,
  Accepts<SdkWebhooks.WebhookEndpointWithSecret, WebhookEndpointWithSecret>,
  Accepts<SdkWebhooks.WebhookEndpointTestResult, WebhookEndpointTestResult>,
  Accepts<SdkWebhooks.UnwrapWebhookEvent["type"], WebhookEvent["type"]>,
  Accepts<SdkWebhooks.WebhookCreateParams, z.input<typeof createWebhookEndpointSchema>>,
  Accepts<keyof SdkWebhooks.WebhookUpdateParams, keyof z.input<typeof updateWebhookEndpointSchema>>,
  Accepts<keyof SdkWebhooks.WebhookRotateSecretParams, keyof z.input<typeof rotateWebhookSecretSchema>>,
  Accepts<SdkWebhooks.WebhookTestParams, z.input<typeof testWebhookEndpointSchema>>,
];
