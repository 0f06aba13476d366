/**
 * What this worker's configuration has not, another's may have: while a new one is rolled out, or because workers differ.
 * So a response whose model, tool or key is unknown here goes back to the queue, until a worker takes it that knows them,
 * for a bounded time; then it is failed.
 */
import { responseError } from "../../src/lifecycle/end-response.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import type { Run } from "../attempt/run.ts";
import { failed, type FailedFinish } from "../upstreams/upstream.ts";

/** Until the next worker may take it: often enough to find the one that knows, of several. */
const WAIT_MS = 1_000;
const SPREAD = 0.5;

export interface LeftFinish {
  type: "finish";
  status: "left";
  error: ResponseError;
}

/** What becomes of a response that this worker cannot run. */
export class Unknown {
  readonly #sinceMs: number;
  readonly #nowMs: number;
  /** Whether another worker may still take it. */
  readonly mayWait: boolean;

  /** `sinceMs` is when a worker first could not run it, 0 if none. */
  constructor(sinceMs: number, nowMs: number, limitMs: number) {
    this.#sinceMs = sinceMs;
    this.#nowMs = nowMs;
    this.mayWait = limitMs > 0 && (sinceMs === 0 || nowMs - sinceMs < limitMs);
  }

  finish(...[code, message, param]: Parameters<typeof failed>): LeftFinish | FailedFinish {
    if (!this.mayWait) return failed(code, message, param);
    return { type: "finish", status: "left", error: responseError(code, message, param) };
  }

  /** A worker knows it: if another does not, later, its time begins again. */
  async forget({ leases }: Storage, id: string): Promise<void> {
    if (this.#sinceMs > 0) await leases.forgetUnknown(id);
  }

  /** Gives the response back. Resolves to the milliseconds that it waits in the queue. */
  async leave(storage: Storage, run: Run, { error }: LeftFinish): Promise<number> {
    await run.writer.flush();
    if (!(await storage.leases.leaveToOthers(run.id, run.lease, this.#nowMs))) throw new LeaseLostError();
    const level = this.#sinceMs === 0 ? "warn" : "debug";
    storage.logger[level]({ responseId: run.id, reason: error.message }, "Left to a worker that can run it");
    return Math.ceil(WAIT_MS * (1 + SPREAD * Math.random()));
  }
}
