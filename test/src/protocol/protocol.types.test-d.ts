/**
 * The proof that this server speaks the API of openai 7.59: what it sends is what the SDK's types say, and what they
 * allow to be asked is what the schemas accept. It runs in the compiler (`npm run check:types`) and nowhere else; when
 * either side drifts, the build breaks here.
 *
 * Each exception is one field, with the reason for it.
 */
import type { InputTokenCountParams, InputTokenCountResponse } from "openai/resources/responses/input-tokens";
import type * as Sdk from "openai/resources/responses/responses";
import type { Reasoning } from "openai/resources/shared";
import type { z } from "zod";
import type { CompactedResponse, CompactRequest, compactRequestSchema } from "../../../src/protocol/compaction.ts";
import type { createRequestSchema } from "../../../src/protocol/create-request.ts";
import type { ResponseStreamEvent } from "../../../src/protocol/event.ts";
import type { InputTokens, InputTokensRequest, inputTokensRequestSchema } from "../../../src/protocol/input-tokens.ts";
import type { inputItemSchema, OutputItem } from "../../../src/protocol/item.ts";
import type { Response, ResponseError } from "../../../src/protocol/response.ts";
import type { ResponseTool, toolChoiceSchema, toolSchema } from "../../../src/protocol/tool.ts";

/** `Ours` may be sent where `Theirs` is expected. */
type Accepts<Theirs, Ours extends Theirs> = [Theirs, Ours];
/** Neither side has a member that the other lacks. */
type Same<A extends B, B extends C, C = A> = [A, B, C];

// --- what is sent ------------------------------------------------------------------------------------------

/** The hosted API sends `insufficient_quota` too, although the published codes leave it out (contract.md#failures). */
type SdkError = Omit<Sdk.ResponseError, "code"> & { code: Sdk.ResponseError["code"] | "insufficient_quota" };
export type ErrorProof = Accepts<SdkError, ResponseError>;

/** These three kinds have no word for an item that was cut off; it says `incomplete` all the same (contract.md#item-status). */
type CutOffKind = "image_generation_call" | "apply_patch_call" | "apply_patch_call_output";
type WithCutOff<Item> = Item extends { type: CutOffKind; status: infer Status }
  ? Omit<Item, "status"> & { status: Status | "incomplete" }
  : Item;
type SdkOutputItem = WithCutOff<Sdk.ResponseOutputItem>;
export type OutputItemProof = Accepts<SdkOutputItem, OutputItem>;
export type OutputItemKinds = Same<OutputItem["type"], Sdk.ResponseOutputItem["type"]>;

export type ToolProof = Accepts<Sdk.Tool, ResponseTool>;
export type ToolKinds = Same<ResponseTool["type"], Sdk.Tool["type"]>;

/** The hosted API says null for a description that there is not (contract.md#response-object); the published type leaves it out. */
type WithNullDescription<Format> = Format extends { description?: string }
  ? Omit<Format, "description"> & { description?: string | null }
  : Format;
interface SdkText extends Omit<Sdk.ResponseTextConfig, "format"> {
  format?: WithNullDescription<NonNullable<Sdk.ResponseTextConfig["format"]>>;
}

/** `output_text` is made by the SDK. `usage` and `user` are null on the wire until they have a value (contract.md#response-object). */
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
/** What only other products of the vendor have. */
type Unsent = "input_transformations" | "prompt_cache_diagnostics";
export type MissingFields = Accepts<keyof Response | Unsent, keyof SdkResponse>;

type WithOurs<Event> = Event extends { response: unknown }
  ? Omit<Event, "response"> & { response: SdkResponse }
  : Event extends { item: unknown }
    ? Omit<Event, "item"> & { item: SdkOutputItem }
    : Event;
export type EventProof = Accepts<WithOurs<Sdk.ResponseStreamEvent>, ResponseStreamEvent>;
export type EventTypes = Same<ResponseStreamEvent["type"], Sdk.ResponseStreamEvent["type"]>;

// --- what is understood ------------------------------------------------------------------------------------

type Request = z.input<typeof createRequestSchema>;

export type InputItemProof = Accepts<z.input<typeof inputItemSchema>, Sdk.ResponseInputItem>;
export type SentToolProof = Accepts<z.input<typeof toolSchema>, Sdk.Tool>;
export type ToolChoiceProof = Accepts<
  z.input<typeof toolChoiceSchema>,
  NonNullable<Sdk.ResponseCreateParams["tool_choice"]>
>;

interface SdkParams extends Omit<Sdk.ResponseCreateParamsBase, "reasoning" | "context_management"> {
  /** Published, and refused by the hosted API (contract.md#parameters). */
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

/** Hosted models have names; here null is no model. */
type SdkCompact = Omit<Sdk.ResponseCompactParams, "model"> & { model: string };
export type CompactProof = Accepts<z.input<typeof compactRequestSchema>, SdkCompact>;
export type CompactNames = Same<keyof CompactRequest, keyof SdkCompact>;
/** The SDK's type of an output has no message of the user, and its description says that there are some. */
export type CompactAnswer = Accepts<Omit<Sdk.CompactedResponse, "output">, Omit<CompactedResponse, "output">>;

/** Known to the live API, or sent by Codex (contract.md#parameters). */
type Unlisted = "frequency_penalty" | "presence_penalty" | "client_metadata";
export type ParameterNames = Same<keyof Request, keyof SdkParams | Unlisted>;
