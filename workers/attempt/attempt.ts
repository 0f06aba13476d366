/**
 * One attempt at a response: its signals, its lease and the writing end of its log. Two signals, because stopping to
 * generate is not always stopping to write: a hand-over records what was generated before it lets go.
 */
import { EventWriter, LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { ResponseState } from "../../src/lifecycle/apply-event.ts";
import type { Storage } from "../../src/responses/storage.ts";

/**
 * Why a run was stopped from outside. `cancelled`: somebody else ended the response. `lock-lost`: BullMQ gave the job to
 * another worker. `deadline`: it ran for as long as it may. `drain`: this process is going away.
 */
export type StopReason = "cancelled" | "lock-lost" | "deadline" | "drain";

export class AttemptStoppedError extends Error {
  override readonly name = "AttemptStoppedError";
  readonly reason: StopReason;
  constructor(reason: StopReason) {
    super(`The run was stopped: ${reason}.`);
    this.reason = reason;
  }
}

const REASONS_STILL_WRITING: ReadonlySet<StopReason> = new Set(["deadline", "drain"]);

/** The handle by which a process stops a run that it has. */
export class AttemptControl {
  readonly #generating = new AbortController();
  readonly #writing = new AbortController();
  #isHandOverRequested = false;
  /** How many things are under way that a hand-over would cut in two. */
  #deferrals = 0;

  /** Aborted when nothing more is to be generated. */
  get generating(): AbortSignal {
    return this.#generating.signal;
  }

  /** Aborted when nothing more may be written. */
  get writing(): AbortSignal {
    return this.#writing.signal;
  }

  /** Whether the run is to be handed over at the next place where nothing is cut in two. */
  get isHandOverRequested(): boolean {
    return this.#isHandOverRequested;
  }

  /** Hands the run over (`drain`) now, or as soon as nothing holds it. */
  requestHandOver(): void {
    this.#isHandOverRequested = true;
    if (this.#deferrals === 0) this.stop("drain");
  }

  /** Keeps the run here until the returned function is called, if it is asked to leave. Each call of it after the first does nothing. */
  deferHandOver(): () => void {
    let isHolding = true;
    this.#deferrals += 1;
    return () => {
      if (!isHolding) return;
      isHolding = false;
      this.#deferrals -= 1;
      if (this.#isHandOverRequested && this.#deferrals === 0) this.stop("drain");
    };
  }

  /** The first reason stays. */
  stop(reason: StopReason): void {
    const error = new AttemptStoppedError(reason);
    if (!REASONS_STILL_WRITING.has(reason)) this.#writing.abort(error);
    this.#generating.abort(error);
  }

  /** The log cannot be written any more, so there is nothing to generate for. */
  fail(error: Error): void {
    this.#writing.abort(error);
    this.#generating.abort(error);
  }

  /** Why it was stopped, if it was. */
  get stopReason(): StopReason | undefined {
    const reason: unknown = this.#generating.signal.reason;
    return reason instanceof AttemptStoppedError ? reason.reason : undefined;
  }
}

/** Somebody else has the response now: there is nothing left for this run to do, and nothing wrong. */
export function isAttemptLost(error: unknown): boolean {
  if (error instanceof AttemptStoppedError) return error.reason === "cancelled" || error.reason === "lock-lost";
  return error instanceof LeaseLostError;
}

export interface Attempt {
  readonly id: string;
  readonly lease: string;
  readonly control: AttemptControl;
  readonly writer: EventWriter;
}

export interface OpenedLease {
  id: string;
  lease: string;
  last: number;
  state: ResponseState;
}

export function openAttempt(storage: Storage, opened: OpenedLease, control: AttemptControl): Attempt {
  const { id, lease, last, state } = opened;
  const writer = new EventWriter({
    log: storage.log,
    id,
    lease,
    last,
    state,
    signal: control.writing,
    onFailure: (error) => control.fail(error),
  });
  return { id, lease, control, writer };
}
