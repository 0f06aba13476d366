/**
 * What this worker's configuration has not, another's may have: while a new one is rolled out, or because workers differ.
 * So a response whose model, tool or key is unknown here goes back to the queue, until a worker takes it that knows them,
 * for a bounded time; then it is failed.
 */
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Run } from "../attempt/run.ts";
import { failedFinish, type FailedFinish } from "../upstreams/upstream.ts";

/** Until the next worker may take it: often enough to find the one that knows, of several. */
const REQUEUE_DELAY_MS = 1_000;
const JITTER = 0.5;

export interface RequeuedFinish {
  type: "finish";
  status: "left";
  error: ResponseError;
}

/** What becomes of a response that this worker cannot run. */
export class UnsupportedRun {
  readonly #sinceMs: number;
  readonly #nowMs: number;
  /** Whether another worker may still take it. */
  readonly mayRequeue: boolean;

  /** `sinceMs` is when a worker first could not run it, 0 if none. */
  constructor(sinceMs: number, nowMs: number, limitMs: number) {
    this.#sinceMs = sinceMs;
    this.#nowMs = nowMs;
    this.mayRequeue = limitMs > 0 && (sinceMs === 0 || nowMs - sinceMs < limitMs);
  }

  finishUnsupported(...[code, message, param]: Parameters<typeof failedFinish>): RequeuedFinish | FailedFinish {
    if (!this.mayRequeue) return failedFinish(code, message, param);
    return { type: "finish", status: "left", error: responseError(code, message, param) };
  }

  /** A worker knows it: if another does not, later, its time begins again. */
  async markSupported({ leases }: Storage, id: string): Promise<void> {
    if (this.#sinceMs > 0) await leases.clearUnknownSince(id);
  }

  /** Gives the response back. Resolves to the milliseconds that it waits in the queue. */
  async requeue(
    { storage, logger }: Pick<ResponseContext, "storage" | "logger">,
    run: Run,
    { error }: RequeuedFinish,
  ): Promise<number> {
    await run.writer.flush();
    if (!(await storage.leases.leaveToOtherWorkers(run.id, run.lease, this.#nowMs))) throw new LeaseLostError();
    const level = this.#sinceMs === 0 ? "warn" : "debug";
    logger[level]({ responseId: run.id, reason: error.message }, "Left to a worker that can run it");
    return Math.ceil(REQUEUE_DELAY_MS * (1 + JITTER * Math.random()));
  }
}
