/**
 * One attempt at a response: its lease, its signals and the writing end of its log. There are two signals because a worker
 * that stops generating may still have to write: before a hand-over it records everything generated so far.
 */
import { EventWriter, LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { ResponseState } from "../../src/lifecycle/apply-event.ts";
import type { RunFacts } from "../../src/lifecycle/run-facts.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { writeRefusalOf } from "../../src/redis/is-redis-unavailable.ts";
import type { ResponseRecord } from "../../src/store/response-record.ts";
import { channels } from "../../src/telemetry/channels.ts";
import { RunProgress } from "./run-progress.ts";

/**
 * Why an attempt is stopped from outside. `cancelled`: another process ended the response. `lock-lost`: BullMQ gave the job
 * to another worker. `deadline`: the response has used up its time. `drain`: this process is shutting down.
 */
export type StopReason = "cancelled" | "lock-lost" | "deadline" | "drain";

export class AttemptStoppedError extends Error {
  override readonly name = "AttemptStoppedError";
  readonly reason: StopReason;
  constructor(reason: StopReason) {
    super(`The attempt was stopped: ${reason}.`);
    this.reason = reason;
  }
}

const REASONS_STILL_WRITING: ReadonlySet<StopReason> = new Set(["deadline", "drain"]);

/** The handle by which a process stops one of its attempts. */
export class AttemptControl {
  readonly #generating = new AbortController();
  readonly #writing = new AbortController();
  #isHandOverRequested = false;
  #deferrals = 0;

  /** Aborted when the attempt must stop generating. */
  get generating(): AbortSignal {
    return this.#generating.signal;
  }

  /** Aborted when the attempt must stop writing. */
  get writing(): AbortSignal {
    return this.#writing.signal;
  }

  /** Whether the attempt should stop at the next point where nothing is interrupted. */
  get isHandOverRequested(): boolean {
    return this.#isHandOverRequested;
  }

  /** Stops the attempt (`drain`) now, or as soon as nothing defers the hand-over. */
  requestHandOver(): void {
    this.#isHandOverRequested = true;
    if (this.#deferrals === 0) this.stop("drain");
  }

  /** Defers a hand-over until the returned function is called. Calling it again has no effect. */
  deferHandOver(): () => void {
    let isDeferring = true;
    this.#deferrals += 1;
    return () => {
      if (!isDeferring) return;
      isDeferring = false;
      this.#deferrals -= 1;
      if (this.#isHandOverRequested && this.#deferrals === 0) this.stop("drain");
    };
  }

  /** The first reason wins. */
  stop(reason: StopReason): void {
    const error = new AttemptStoppedError(reason);
    if (!REASONS_STILL_WRITING.has(reason)) this.#writing.abort(error);
    this.#generating.abort(error);
  }

  /** The log can no longer be written, so generating is pointless. */
  fail(error: Error): void {
    this.#writing.abort(error);
    this.#generating.abort(error);
  }

  /** Undefined if the attempt was not stopped from outside. */
  get stopReason(): StopReason | undefined {
    const reason: unknown = this.#generating.signal.reason;
    return reason instanceof AttemptStoppedError ? reason.reason : undefined;
  }
}

/** Whether another process has taken the response over: the attempt has nothing left to do, and nothing failed. */
export function isAttemptLost(error: unknown): boolean {
  if (error instanceof AttemptStoppedError) return error.reason === "cancelled" || error.reason === "lock-lost";
  return error instanceof LeaseLostError;
}

/** The fields of a response's record that stay the same while an attempt holds the lease. */
export type AttemptRecord = Pick<
  ResponseRecord,
  | "project"
  | "createdAtMs"
  | "stored"
  | "conversationId"
  | "priority"
  | "latestStartMs"
  | "deadlineMs"
  | "retentionSeconds"
  | "waits"
  | "traceparent"
  | "tracestate"
>;

export interface Attempt {
  /** The response's id. */
  readonly id: string;
  readonly lease: string;
  readonly record: AttemptRecord;
  readonly control: AttemptControl;
  readonly writer: EventWriter;
  readonly progress: RunProgress;
  /** The attempts so far and this one, as the record has them (src/stream/log/attempt-log.ts). */
  readonly attemptLog: string;
}

export interface AttemptStart {
  id: string;
  lease: string;
  record: AttemptRecord;
  /** Sequence number of the last event in the log. */
  last: number;
  /** The fold of the log up to `last`. */
  state: ResponseState;
  /** The number of the attempt. */
  attempt: number;
  facts: RunFacts;
}

export function openAttempt(storage: Storage, start: AttemptStart, control: AttemptControl): Attempt {
  const { id, lease, record, last, state, attempt, facts } = start;
  const reported = { responseId: id, project: record.project, model: facts.model || state.response.model };
  const writer = new EventWriter({
    log: storage.log,
    id,
    lease,
    last,
    state,
    signal: control.writing,
    onFailure: (error) => control.fail(error),
    onWait: (error) => {
      // Connections log their own failures.
      if (writeRefusalOf(error) === undefined) return;
      channels.refusal.publish({ ...reported, reason: error instanceof Error ? error.message : String(error) });
    },
  });
  const progress = new RunProgress(writer, storage.clock, reported, attempt, facts);
  return { id, lease, record, control, writer, progress, attemptLog: facts.attemptLog };
}
