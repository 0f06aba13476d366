/**
 * The contract between a run and the adapter that generates its output: one model call as a stream. Each folder of
 * `upstreams/` implements it, and test/conformance/upstream-suite.ts runs over each of them.
 *
 * An upstream never sees Redis, lifecycle events or sequence numbers. It yields
 *   - item events in a legal order (contract.md#item-events), with `output_index` counted from 0 in this call, then
 *   - exactly one finish, last.
 * Between a reasoning item's added and done it may yield reasoning that no client is shown.
 * When the signal is aborted, it promptly closes its connection and rejects with the signal's reason. Otherwise it
 * rejects only with a RemoteRunInterruptedError, if the call has a remote run. All other upstream errors are a finish
 * with status `failed`.
 */
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import { type ProviderReport, responseError } from "../../src/lifecycle/lifecycle-events.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ContextItem } from "../../src/context-window/measure.ts";
import type { CreateRequest, ResolvedRequest } from "../../src/protocol/create-request.ts";
import type { IncompleteDetails, ResponseError, ResponseErrorCode, Usage } from "../../src/protocol/response.ts";
import type { ServiceTier } from "../../src/protocol/request-options.ts";

export type { ContextItem } from "../../src/context-window/measure.ts";

export interface UpstreamCall {
  responseId: string;
  /** The provider's own name of the model. */
  model: string;
  /** The request without `input`. Parameters that the client omitted are absent. The prompt's values are filled in. */
  request: Omit<ResolvedRequest, "input" | "instructions"> & Pick<CreateRequest, "instructions">;
  /** All items before this turn, oldest first: prompt messages, history, request items, earlier turns. */
  history: readonly ContextItem[];
  /** Items of this turn that an earlier attempt completed. They follow `history`, and are not generated again. */
  completedItems: readonly OutputItem[];
  /**
   * The message or reasoning item of this turn that an earlier attempt left unfinished in the log, with its text so far.
   * It follows `completedItems`. An upstream may ignore it. If it continues the item, it yields it from its beginning,
   * logged text included: the run drops what equals the log, and closes the old item only if the new text differs.
   */
  unfinishedItem?: OutputItem | undefined;
  /** The `output_index` in the response of this turn's first item. Items that were cut off count too. */
  firstOutputIndex: number;
  /** A secret of this server, constant within a conversation, for marks in the prompt that no one else can forge. */
  boundary?: string | undefined;
  /** Lets the provider run the call in its own background. Absent if the provider must store nothing. */
  remoteRun?: RemoteRunHandle | undefined;
  /** Is notified of what happens before the call's first event. */
  observer?: CallObserver | undefined;
}

/** Learns of a call what its events do not show. Its methods neither throw nor wait. */
export interface CallObserver {
  /** A try failed, and another follows after `delayMs`. */
  onRetry(retry: { error: ResponseError; cause: string | undefined; retries: number; delayMs: number }): void;
  /** The model could not serve the call, and another one is asked. */
  onFallback(fallback: ResolvedModel, error: ResponseError): void;
}

/** A response that a provider runs in its own background for one call. */
export interface RemoteRun {
  /** The provider's name in the configuration. */
  provider: string;
  /** The provider's id of the response. */
  id: string;
  /** The provider's sequence number of the last event that was read. */
  cursor: number;
}

/**
 * Lets an upstream resume a remote run that another worker started. The order of writes matters: a remote run is
 * recorded before any of its events is yielded, and a cursor after all events before it are in the log. A cursor may
 * therefore be behind the log, but never ahead of it. `isLogged` recognizes items that the provider replays.
 */
export interface RemoteRunHandle {
  /** The remote run of an earlier attempt. If present, the upstream resumes it instead of creating one. */
  readonly previous: RemoteRun | undefined;
  /** The same for every attempt of this call, so that a provider that honors `Idempotency-Key` starts it once. */
  readonly idempotencyKey: string;
  /** Whether the log has this item of `previous`. Its events must not be yielded again. */
  readonly isLogged: (item: { id: string; type: string }) => boolean;
  save(remoteRun: RemoteRun): Promise<void>;
  /** Drops the recorded remote run, because another provider serves the call. */
  forget(): Promise<void>;
  /** Records that the provider has ended the run, so that it need not be cancelled. */
  noteEnded(remoteRun: Pick<RemoteRun, "provider" | "id">): void;
  /** Registers a run for cancellation: it started, but this run was stopped before its id was known. */
  abandon(remoteRun: Pick<RemoteRun, "provider" | "id">): Promise<void>;
}

/**
 * The remote run's stream cannot be resumed; the caller closes the items it has left open. If `isLost`, the provider does
 * not have the response and the call must be made again. Otherwise the caller resumes the remote run from its cursor.
 */
export class RemoteRunInterruptedError extends Error {
  override readonly name = "RemoteRunInterruptedError";
  readonly isLost: boolean;
  constructor(message: string, { isLost }: { isLost: boolean }) {
    super(message);
    this.isLost = isLost;
  }
}

/** `report`: tool usage and moderation results, if the provider sends them. */
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
      /** For the operator, not for the client: the provider's status, or the error of the system. */
      cause?: string | undefined;
      usage?: Usage | undefined;
      /** Before any event: this provider cannot serve the call now, but another one may. */
      isUnavailable?: boolean;
      /** After events: the model wrote a call that its provider could not parse. Another sample may be valid. */
      isUnreadableOutput?: boolean;
    }
  | PostponedFinish
);

/**
 * Before any event: the provider is at capacity for this account, for longer than a run may wait in its slot. The
 * caller may retry later; `error` is for the client if it does not.
 */
export interface PostponedFinish {
  type: "finish";
  status: "postponed";
  error: ResponseError;
  cause?: string | undefined;
  /** The wait that the provider asked for. */
  retryAfterMs?: number | undefined;
}

/** The end of a call, unless it was postponed. */
export type FinalFinish = Exclude<UpstreamFinish, { status: "postponed" }>;
/** The end of a call that produced no answer. */
export type UnservedFinish = Extract<UpstreamFinish, { status: "failed" | "postponed" }>;
export function isUnserved(finish: UpstreamFinish): finish is UnservedFinish {
  return finish.status === "failed" || finish.status === "postponed";
}

export type FailedFinish = Extract<UpstreamFinish, { status: "failed" }>;

export function failedFinish(code: ResponseErrorCode, message: string, param: string | null = null): FailedFinish {
  return { type: "finish", status: "failed", error: responseError(code, message, param) };
}

/**
 * A piece of reasoning text that no client is shown. It is not logged but sealed into the item's `encrypted_content`, and
 * returns as the item's `content` in later calls.
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

/** An upstream whose provider can run a call in its own background, so that another worker can resume it. */
export interface BackgroundUpstream extends Upstream {
  /** Cancels the provider's response unless it has ended, and deletes it. Rejects if the provider cannot be reached. */
  cancelAndDelete(id: string, hasEnded: boolean): Promise<void>;
}
