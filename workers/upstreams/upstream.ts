/**
 * The contract between a run and whatever generates: one call of a model, as a stream. Implementations are in
 * `upstreams/`; test/conformance/upstream-suite.ts runs over each of them.
 *
 * An upstream never sees Redis, lifecycle events or sequence numbers. It yields
 *   - item events in a legal order (contract.md#item-events), with `output_index` counted from 0 in this call, then
 *   - exactly one finish, last.
 * Between a reasoning item's added and done it may hand over what the model thought and does not show.
 * It stops promptly, and closes its connection, when the signal is aborted; it then rejects with the signal's reason.
 * It never rejects otherwise, but for a DetachedError of a call that was attached: what went wrong upstream is a finish
 * with status `failed`.
 */
import { type ProviderReport, responseError } from "../../src/lifecycle/lifecycle-events.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ContextItem } from "../../src/context-window/measure.ts";
import type { CreateRequest, ResolvedRequest } from "../../src/protocol/create-request.ts";
import type { IncompleteDetails, ResponseError, ResponseErrorCode, Usage } from "../../src/protocol/response.ts";
import type { ServiceTier } from "../../src/protocol/settings.ts";

export type { ContextItem } from "../../src/context-window/measure.ts";

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
  history: readonly ContextItem[];
  /**
   * Items of this very turn that an attempt that was cut off has completed. They come after `input` in what the model is
   * shown, and are not to be produced again.
   */
  completedItems: readonly OutputItem[];
  /**
   * The message or reasoning item of this turn that an earlier attempt left unfinished in the log, as far as it came. It follows
   * `produced`. An upstream may ignore it. However it generates, it yields the item from its beginning, with the text that the log
   * has first: the run leaves out what equals the log, and closes the old item only if the new text differs.
   */
  unfinishedItem?: OutputItem | undefined;
  /** Where in the response's output the first item of this turn goes. Items that were cut off hold places too. */
  firstOutputIndex: number;
  /** Known to this server alone, and the same in all calls of a conversation: for marks that nobody else is to make. */
  boundary?: string | undefined;
  /** For upstreams whose provider goes on by itself. Absent if nothing may stay with the provider. */
  remoteRun?: RemoteRunHandle | undefined;
}

/** A response that the provider runs by itself for a call. */
export interface RemoteRun {
  /** The provider's name in the configuration. */
  provider: string;
  /** The provider's id of it. */
  id: string;
  /** The provider's number of the event up to which it was read. */
  cursor: number;
}

/**
 * What an upstream needs to go on with a call that another worker made. The order is the promise: a provider's response is
 * recorded before anything of it is yielded, and a cursor when all before it is in the log. So a cursor may be behind
 * the log, and never ahead of it: what is told again is known by `isTold`.
 */
export interface RemoteRunHandle {
  /** If there is one, the call was made: it is only gone on with. */
  readonly previous: RemoteRun | undefined;
  /** The same each time that this call is made: a provider that honours `Idempotency-Key` begins it once. */
  readonly idempotencyKey: string;
  /** Whether the log has this item of `last`. Its events are not yielded again. */
  readonly isLogged: (item: { id: string; type: string }) => boolean;
  save(attachment: RemoteRun): Promise<void>;
  /** Another provider is asked in the place of the one that was attached. */
  forget(): Promise<void>;
  /** The provider has ended it by itself: it need not be cancelled. */
  noteEnded(attachment: Pick<RemoteRun, "provider" | "id">): void;
  /** The provider runs it, but it will not be read: the run was stopped before its id was known. */
  abandon(attachment: Pick<RemoteRun, "provider" | "id">): Promise<void>;
}

/**
 * The stream of what was attached cannot be gone on with. What was yielded and stands open is to be closed. If `isLost`, the
 * provider does not have the response any more, and the call must be made again; else it is to be taken up again.
 */
export class RemoteRunInterruptedError extends Error {
  override readonly name = "RemoteRunInterruptedError";
  readonly isLost: boolean;
  constructor(message: string, { isLost }: { isLost: boolean }) {
    super(message);
    this.isLost = isLost;
  }
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
      /** After events: the model wrote a call that its provider could not read, and may write another one. */
      isUnreadableOutput?: boolean;
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
  retryAfterMs?: number | undefined;
}

/** How a call ended that was made. */
export type FinalFinish = Exclude<UpstreamFinish, { status: "postponed" }>;
/** What keeps a turn from being answered. */
export type UnservedFinish = Extract<UpstreamFinish, { status: "failed" | "postponed" }>;
export type FailedFinish = Extract<UpstreamFinish, { status: "failed" }>;

export function failedFinish(code: ResponseErrorCode, message: string, param: string | null = null): FailedFinish {
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

/** One whose provider runs a call by itself, so that another worker can go on with it. */
export interface BackgroundUpstream extends Upstream {
  /**
   * Cancels a response of the provider's, unless it is over, and has the provider forget it. Rejects if the provider could
   * not be asked.
   */
  cancelAndDelete(id: string, hasEnded: boolean): Promise<void>;
}
