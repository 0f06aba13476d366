/**
 * The lease is the right to append to one response's log. There is one lease at a time. Acquiring it *fences* the
 * previous holder: the next append of that holder is rejected in the same atomic step that checks the lease. Two
 * workers may believe that they run the same response, but only one can append.
 *
 * A lease is `<epoch>-<nonce>`. The epoch shows the order of holders to people; the nonce keeps a lease unique even if
 * Redis restores an older epoch after a crash. BullMQ's lock decides which worker *should* run and can be wrong for a
 * while (a stopped process, a slow network); the lease decides which worker *does*.
 *
 * If a worker acquires a lease that its holder never released, the holder was lost, and the cause is unknown, so no
 * response is charged. Instead, each response of the lost worker becomes more suspect, and more so if its log has not
 * grown since it acquired the lease. A response that is suspect enough runs in its own process
 * (workers/jobs/quarantine.ts). A response is charged only for failures that nothing else explains: a run that throws,
 * or the crash of a process that ran nothing else.
 */
import type { ResponseError, ResponseStatus } from "../../protocol/response.ts";
import type { AttemptEnd, RunStep } from "../../protocol/run.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import {
  type AcquireOutcome,
  acquireScript,
  chargeScript,
  clearSuspicionScript,
  type EndingReason,
  fenceScript,
  leaveToOtherWorkersScript,
  releaseScript,
} from "./lease-scripts.ts";

/** An attempt that ends without ending its response: how, why, and what the run waits for next. */
export interface LeftAttempt {
  end: AttemptEnd;
  reason: string;
  step: RunStep;
}

/** An attempt of a worker whose configuration lacks what the response needs: since when, and how long the response waits. */
export interface LeftToOthers {
  sinceMs: number;
  untilMs: number;
  reason: string;
}

/**
 * `fenced`: no other process can append now; the caller appends the terminal event for `reason` from `last + 1`, with
 * `lease`. `over`: the response had already ended, in `status`. `gone`: there is no such response.
 */
export type FenceOutcome =
  | { kind: "fenced"; lease: string; last: number; reason: EndingReason; error: ResponseError | undefined }
  | { kind: "over"; status: ResponseStatus }
  | { kind: "gone" };

const newNonce = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString("hex");

export class Leases {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Starts an attempt. The record keeps the worker's name for people who look for the run. */
  async acquire(id: string, nowMs: number, attemptsAllowed: number, worker: string): Promise<AcquireOutcome> {
    const [kind, lease, last, attempt, unknownSinceMs = 0, lostWorker = ""] = await acquireScript(
      this.#redis,
      this.#layout.meta(id),
      newNonce(),
      nowMs,
      attemptsAllowed,
      worker,
    );
    return kind === "held" ? { kind, lease, last, attempt, unknownSinceMs, lostWorker } : { kind };
  }

  /** Returns a response to the queue. Returns false if the lease was already lost. */
  async release(id: string, lease: string, left: LeftAttempt): Promise<boolean> {
    return await this.#release(id, lease, "", left);
  }

  /** Releases a response that waits in the queue for its provider. Returns false if the lease was already lost. */
  async postpone(id: string, lease: string, left: LeftAttempt): Promise<boolean> {
    return await this.#release(id, lease, "1", left);
  }

  async #release(id: string, lease: string, wait: "" | "1", { end, reason, step }: LeftAttempt): Promise<boolean> {
    const meta = this.#layout.meta(id);
    return (await releaseScript(this.#redis, meta, lease, wait, end, reason, JSON.stringify(step))) === 1;
  }

  /** Releases a response that this worker's configuration cannot run. Returns false if the lease was already lost. */
  async leaveToOtherWorkers(id: string, lease: string, { sinceMs, untilMs, reason }: LeftToOthers): Promise<boolean> {
    const type = "waiting_for_configuration";
    const step = { type, since_ms: sinceMs, until_ms: untilMs, reason } satisfies RunStep;
    const meta = this.#layout.meta(id);
    return (await leaveToOtherWorkersScript(this.#redis, meta, lease, sinceMs, reason, JSON.stringify(step))) === 1;
  }

  async clearUnknownSince(id: string): Promise<void> {
    await this.#redis.hdel(this.#layout.meta(id), "unknownSinceMs");
  }

  /** Charges a failed run. Returns false if the lease was already lost. */
  async chargeFailure(id: string, lease: string, left: LeftAttempt): Promise<boolean> {
    return await this.#charge(id, lease, "charged", left);
  }

  /** Charges the crash of a process that ran only this response. */
  async chargeCrash(id: string, lease: string, left: LeftAttempt): Promise<boolean> {
    return await this.#charge(id, lease, "crashes", left);
  }

  async #charge(
    id: string,
    lease: string,
    counter: "charged" | "crashes",
    { end, reason, step }: LeftAttempt,
  ): Promise<boolean> {
    const meta = this.#layout.meta(id);
    return (await chargeScript(this.#redis, meta, lease, counter, end, reason, JSON.stringify(step))) === 1;
  }

  /** Clears suspicion from a response that has run long enough. */
  async clearSuspicion(id: string, lease: string): Promise<boolean> {
    return (await clearSuspicionScript(this.#redis, this.#layout.meta(id), lease)) === 1;
  }

  /** Whether `lease` is still the current one. */
  async isCurrent(id: string, lease: string): Promise<boolean> {
    return (await this.#redis.hget(this.#layout.meta(id), "lease")) === lease;
  }

  /** Fences a response permanently, for cancel and the sweeper. */
  async fence(id: string, reason: EndingReason, error?: ResponseError): Promise<FenceOutcome> {
    const reply = await fenceScript(
      this.#redis,
      this.#layout.meta(id),
      newNonce(),
      reason,
      error === undefined ? "" : JSON.stringify(error),
    );
    if (reply[0] === "gone") return { kind: "gone" };
    if (reply[0] === "over") return { kind: "over", status: reply[1] };
    const [kind, lease, last, endingReason, errorJson] = reply;
    return {
      kind,
      lease,
      last,
      reason: endingReason,
      error: errorJson ? (JSON.parse(errorJson) as ResponseError) : undefined,
    };
  }
}
