/**
 * A response whose model, tool or key this worker's configuration lacks. Another worker may have it, during a rollout or
 * because workers differ. So the response returns to the queue for a bounded time, and then fails.
 */
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Attempt } from "../attempt/attempt.ts";
import type { failedFinish } from "../upstreams/upstream.ts";
import type { AttemptOutcome, Generated } from "./attempt-outcome.ts";

/** Short enough that the response soon reaches a worker that can run it. */
const REQUEUE_DELAY_MS = 1_000;
const JITTER = 0.5;

export class UnsupportedResponse {
  readonly #sinceMs: number;
  readonly #nowMs: number;
  readonly #limitMs: number;
  /** Whether the response may still wait for another worker. */
  readonly mayRequeue: boolean;

  /** `sinceMs` is when a worker first lacked what the response needs, or 0. */
  constructor(sinceMs: number, nowMs: number, limitMs: number) {
    this.#sinceMs = sinceMs;
    this.#nowMs = nowMs;
    this.#limitMs = limitMs;
    this.mayRequeue = limitMs > 0 && (sinceMs === 0 || nowMs - sinceMs < limitMs);
  }

  /** The result of generating, with the error that the response gets once it may wait no more. */
  conclude(...[code, message, param]: Parameters<typeof failedFinish>): Generated {
    const error = responseError(code, message, param);
    if (this.mayRequeue) return { kind: "unsupported", error };
    return { kind: "finished", finish: { type: "finish", status: "failed", error } };
  }

  /** Ends the wait: this worker can run the response. If a later one cannot, its wait starts from zero. */
  async markSupported({ leases }: Storage, id: string): Promise<void> {
    if (this.#sinceMs > 0) await leases.clearUnknownSince(id);
  }

  /** Releases the lease and leaves the response to another worker. */
  async requeue(
    { storage, logger }: Pick<ResponseContext, "storage" | "logger">,
    attempt: Attempt,
    error: ResponseError,
  ): Promise<AttemptOutcome> {
    await attempt.writer.flush();
    const sinceMs = this.#sinceMs || this.#nowMs;
    const left = { sinceMs, untilMs: sinceMs + this.#limitMs, reason: error.message };
    const isReleased = await storage.leases.leaveToOtherWorkers(attempt.id, attempt.lease, left);
    if (!isReleased) throw new LeaseLostError();
    const level = this.#sinceMs === 0 ? "warn" : "debug";
    logger[level]({ responseId: attempt.id, reason: error.message }, "Left to a worker that can run it");
    const waitMs = Math.ceil(REQUEUE_DELAY_MS * (1 + JITTER * Math.random()));
    return { kind: "requeued", waitMs, end: "left_to_others" };
  }
}
