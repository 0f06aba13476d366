/**
 * The contract between a run and whatever generates: one call of a model, as a stream. Implementations are in
 * `upstreams/`; test/conformance/upstream-suite.ts runs over each of them.
 *
 * An upstream never sees Redis, lifecycle events or sequence numbers. It yields
 *   - item events in a legal order (contract 01 §1.4), with `output_index` counted from 0 in this call, then
 *   - exactly one finish, last.
 * Between a reasoning item's added and done it may hand over what the model thought and does not show.
 * It stops promptly, and closes its connection, when the signal is aborted; it then rejects with the signal's reason.
 * It never rejects otherwise: what went wrong upstream is a finish with status `failed`.
 */
import { type ProviderReport, responseError } from "../src/lifecycle/end-response.ts";
import type { ItemEventDraft } from "../src/protocol/event.ts";
import type { OutputItem } from "../src/protocol/item.ts";
import type { ContextItem } from "../src/context-window/measure.ts";
import type { CreateRequest, ResolvedRequest } from "../src/protocol/create-request.ts";
import type { IncompleteDetails, ResponseError, ResponseErrorCode, Usage } from "../src/protocol/response.ts";
import type { ServiceTier } from "../src/protocol/settings.ts";

export type { ContextItem } from "../src/context-window/measure.ts";

export interface UpstreamCall {
  responseId: string;
  /** The vendor's own name of the model. */
  model: string;
  /** The request without `input`; parameters that are absent were not given. What its prompt says is filled in. */
  request: Omit<ResolvedRequest, "input" | "instructions"> & Pick<CreateRequest, "instructions">;
  /**
   * The messages of the prompt, then the whole conversation, oldest first: the chain before, the
   * request's own input, and the response's earlier turns.
   */
  input: readonly ContextItem[];
  /**
   * Items of this very turn that an attempt that was cut off has completed. They come after `input` in what the model is
   * shown, and are not to be produced again.
   */
  produced: readonly OutputItem[];
  /** Where in the response's output the first item of this turn goes. Items that were cut off hold places too. */
  firstOutputIndex: number;
}

/** `report` is what the provider says besides, if it says anything. */
export type UpstreamFinish = { report?: ProviderReport | undefined } & (
  | { type: "finish"; status: "completed"; usage: Usage; serviceTier?: ServiceTier | undefined }
  | {
      type: "finish";
      status: "incomplete";
      details: IncompleteDetails;
      usage: Usage;
      serviceTier?: ServiceTier | undefined;
    }
  | {
      type: "finish";
      status: "failed";
      error: ResponseError;
      usage?: Usage | undefined;
      /** Before any event: this provider cannot serve the call now, and another one may. */
      isUnavailable?: boolean;
    }
  | PostponedFinish
);

/**
 * Before any event: the provider has no room for this account at the moment, for longer than a run may wait in its slot.
 * Whoever runs the call may try again later; `error` is what to tell the client if nobody does.
 */
export interface PostponedFinish {
  type: "finish";
  status: "postponed";
  error: ResponseError;
  /** What the provider asked for. */
  afterMs?: number | undefined;
}

/** How a call ended that was made. */
export type ServedFinish = Exclude<UpstreamFinish, { status: "postponed" }>;
/** What keeps a turn from being answered. */
export type UnmadeFinish = Extract<UpstreamFinish, { status: "failed" | "postponed" }>;
export type FailedFinish = Extract<UpstreamFinish, { status: "failed" }>;

export function failed(code: ResponseErrorCode, message: string, param: string | null = null): FailedFinish {
  return { type: "finish", status: "failed", error: responseError(code, message, param) };
}

/**
 * A piece of a reasoning item's text that no client is shown. It is not recorded but sealed into the item's
 * `encrypted_content` (recorded-form.ts), and comes back as the item's `content` in later calls.
 */
export interface HiddenReasoning {
  type: "hidden_reasoning";
  output_index: number;
  text: string;
}

export type UpstreamEvent = ItemEventDraft | HiddenReasoning | UpstreamFinish;

export interface Upstream {
  /** Streams one model call. */
  run(call: UpstreamCall, signal: AbortSignal): AsyncIterable<UpstreamEvent>;
}
