/**
 * The contract between a run and whatever generates: one call of a model, as a stream. Implementations are in
 * `upstreams/`; test/conformance/upstream-suite.ts runs over each of them.
 *
 * An upstream never sees Redis, lifecycle events or sequence numbers. It yields
 *   - item events in a legal order (contract 01 §1.4), with `output_index` counted from 0 in this call, then
 *   - exactly one finish, last.
 * It stops promptly, and closes its connection, when the signal is aborted; it then rejects with the signal's reason.
 * It never rejects otherwise: what went wrong upstream is a finish with status `failed`.
 */
import type { ItemEventDraft } from "../src/protocol/event.ts";
import type { InputItem, OutputItem } from "../src/protocol/item.ts";
import type { CreateRequest } from "../src/protocol/create-request.ts";
import type { IncompleteDetails, ResponseError, Usage } from "../src/protocol/response.ts";
import type { ServiceTier } from "../src/protocol/settings.ts";

/** One item of the conversation that the model is shown: what the client sent, or what an earlier turn produced. */
export type ContextItem = InputItem | OutputItem;

export interface UpstreamCall {
  responseId: string;
  /** The vendor's own name of the model. */
  model: string;
  /** The request without `input`; parameters that are absent were not given. */
  request: Omit<CreateRequest, "input">;
  /** The whole conversation, oldest first: the chain before this response, and its own input. */
  input: readonly ContextItem[];
  /**
   * Items that this very response has completed before: in earlier turns, or in an attempt that was cut off. They come
   * after `input` in what the model is shown, and are not to be produced again.
   */
  produced: readonly OutputItem[];
  /** Where in the response's output the first item of this call goes. Items that were cut off hold places too. */
  firstOutputIndex: number;
}

export type UpstreamFinish =
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
  | PostponedFinish;

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

export type UpstreamEvent = ItemEventDraft | UpstreamFinish;

export interface Upstream {
  /** Streams one model call. */
  run(call: UpstreamCall, signal: AbortSignal): AsyncIterable<UpstreamEvent>;
}
