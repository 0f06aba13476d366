/**
 * The sweeper: every accepted response ends, whichever process crashes. It walks the set of responses in flight and
 * reads each one's record and job. `decideSweep` decides what happens. One process sweeps at a time; if it crashes,
 * another takes over.
 */
import { setTimeout as delay } from "node:timers/promises";
import { isTerminalStatus, type ResponseStatus } from "../../src/protocol/response.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { abandonResponse } from "../../src/responses/ending/abandon-response.ts";
import { listInFlight, reconcileLists } from "../../src/responses/ending/reconcile-lists.ts";
import { settleEndedResponse } from "../../src/responses/ending/settle-ended-response.ts";
import { endFromOutside, UNFINISHED_ERROR } from "../../src/responses/ending/end-from-outside.ts";
import { promoteDueResponses, queueResponse } from "../../src/responses/admission/queue-response.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import type { RunningResponseSize } from "../../src/store/stored-bytes.ts";
import { channels } from "../../src/telemetry/channels.ts";
import { DEADLINE_ERROR, EXHAUSTED_ERROR } from "../run/terminal-errors.ts";

export interface SweptResponse {
  status: ResponseStatus;
  ending: "" | "cancel" | "fail";
  deadlineMs: number;
  /** Failed attempts that only the response can have caused. */
  charged: number;
  isQueued: boolean;
}

/**
 * `keep`: it has a job. `forget`: it has ended. `finish`: a process fenced it and crashed. `enqueue`: it has no job.
 * `expire`, `exhaust`: it must fail.
 */
export type SweepAction = "keep" | "forget" | "finish" | "enqueue" | "expire" | "exhaust";

export function decideSweep(response: SweptResponse, nowMs: number, maxAttempts: number): SweepAction {
  if (isTerminalStatus(response.status)) return "forget";
  if (response.ending !== "") return "finish";
  if (response.deadlineMs <= nowMs) return "expire";
  if (response.isQueued) return "keep";
  return response.charged >= maxAttempts ? "exhaust" : "enqueue";
}

export interface SweeperOptions {
  intervalMs: number;
  maxAttempts: number;
  /** The process's name in the lock. */
  owner: string;
  /** Ends the remote runs of responses that are over. */
  sweepUpstreams?: () => Promise<void>;
  /** Deletes expired files and bytes that nothing refers to. */
  sweepFiles?: () => Promise<void>;
}

const PAGE = 200;
/** Timeout of an admission: an id without a record may wait for it this long. */
const ADMISSION_TIMEOUT_MS = 30_000;
/** Consecutive sweeps that a response may fail before the sweeper abandons it. */
export const MAX_SWEEP_FAILURES = 10;
const LOCK_INTERVALS = 4;
const STOP_LIMIT_MS = 2_000;

export class ResponseSweeper {
  readonly #context: ResponseContext;
  readonly #storage: Storage;
  readonly #options: SweeperOptions;
  readonly #stopping = new AbortController();
  /** Consecutive failures by id. A process that takes over counts from zero. */
  #failures = new Map<string, number>();
  #redisError: unknown;
  /** Responses of the current page that stay in flight. Their projects' stored bytes are updated from them. */
  #growing: (RunningResponseSize & Parameters<typeof listInFlight>[1][number])[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(context: ResponseContext, options: SweeperOptions) {
    this.#context = context;
    this.#storage = context.storage;
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#sweepUntilStopped();
  }

  /** Abandons a sweep that waits for Redis. The next sweeper finds the same responses. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.race([this.#loop, delay(STOP_LIMIT_MS, undefined, { ref: false })]);
  }

  async #sweepUntilStopped(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (await this.#isLeader()) await this.sweep();
      } catch (err) {
        this.#context.logger.warn({ err }, "Sweep failed; the next one continues");
      }
      await delay(this.#options.intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  async #isLeader(): Promise<boolean> {
    const { owner, intervalMs } = this.#options;
    return await this.#storage.sweeperLock.hold(owner, intervalMs * LOCK_INTERVALS);
  }

  /**
   * Promotes due responses, sweeps every response in flight once, then reconciles what ended ones left, and queues the
   * webhooks that other processes left.
   */
  async sweep(): Promise<void> {
    const { inFlight, storedBytes, webhooks } = this.#storage;
    const parts = [
      () => promoteDueResponses(this.#context),
      () => this.#sweepAll(),
      () => inFlight.reconcile(),
      () => storedBytes.reconcile(),
      () => reconcileLists(this.#context),
      () => webhooks.relay.sweep(),
      async () => await this.#options.sweepUpstreams?.(),
      async () => await this.#options.sweepFiles?.(),
    ];
    const errors: unknown[] = [];
    for (const part of parts) {
      // A failed part must not prevent the others.
      await part().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 1) throw new AggregateError(errors, "Several parts of a sweep failed.");
    if (errors.length === 1) throw errors[0];
  }

  async #sweepAll(): Promise<void> {
    const failures = this.#failures;
    this.#failures = new Map();
    let offset = 0;
    for (;;) {
      const ids = await this.#storage.inFlight.list(offset, PAGE);
      this.#growing = [];
      const stayed = await Promise.all(ids.map((id) => this.#sweepOneSafely(id, failures.get(id) ?? 0)));
      await this.#storage.storedBytes.updateInFlight(this.#growing);
      // A full Redis rejects it, and must not keep the sweeper from the following pages.
      await listInFlight(this.#context, this.#growing).catch((error: unknown) => (this.#redisError ??= error));
      if (ids.length < PAGE || this.#stopping.signal.aborted) break;
      // Removed responses shift the following ones to lower offsets.
      offset += stayed.filter(Boolean).length;
    }
    const redisError = this.#redisError;
    this.#redisError = undefined;
    if (redisError !== undefined) throw redisError;
  }

  /** Never rejects: a failed response must not prevent the others. True if the response stays in the set. */
  async #sweepOneSafely(id: string, failures: number): Promise<boolean> {
    try {
      return failures < MAX_SWEEP_FAILURES ? await this.#sweepOne(id) : await this.#abandon(id);
    } catch (err) {
      if (isRedisUnavailable(err)) {
        // In Redis Cluster only this response's node may be unavailable. The response is not charged for it.
        this.#redisError ??= err;
        this.#failures.set(id, failures);
        return true;
      }
      this.#failures.set(id, failures + 1);
      this.#context.logger.error({ err, responseId: id, failures: failures + 1 }, "Could not sweep a response");
      return true;
    }
  }

  async #abandon(id: string): Promise<false> {
    this.#context.logger.error(
      { responseId: id, failures: MAX_SWEEP_FAILURES },
      "Abandoned a response: no sweep could end it",
    );
    await abandonResponse(this.#storage, id, this.#context.logger);
    return false;
  }

  async #sweepOne(id: string): Promise<boolean> {
    const storage = this.#storage;
    const record = await storage.records.readIncludingDeleted(id);
    if (record === undefined) return await this.#forgetUnrecorded(id);
    const response = { id, ...record };
    const isQueued = isTerminalStatus(record.status) ? false : await this.#context.queue.isQueued(response);
    const action = decideSweep({ ...record, isQueued }, storage.clock.nowMs(), this.#options.maxAttempts);
    if (action !== "keep") {
      const { status } = record;
      this.#context.logger.info({ responseId: id, action, status }, "Sweeping");
      channels.sweep.publish({ responseId: id, action, status });
    }
    switch (action) {
      case "keep":
        this.#growing.push(response);
        return true;
      case "enqueue":
        this.#growing.push(response);
        await queueResponse(this.#context, response);
        return true;
      case "finish":
      case "expire":
      case "exhaust":
        await endFromOutside(storage, id, record.ending === "cancel" ? "cancel" : "fail", {
          error: SWEPT_ERRORS[action],
        });
        return false;
      case "forget":
        return !(await settleEndedResponse(storage, id));
    }
  }

  /** Admission crashed between its first two steps, so no client knows this id. */
  async #forgetUnrecorded(id: string): Promise<boolean> {
    const acceptedAtMs = await this.#storage.inFlight.acceptedAtMs(id);
    if (acceptedAtMs !== undefined && this.#storage.clock.nowMs() - acceptedAtMs < ADMISSION_TIMEOUT_MS) return true;
    return (await this.#storage.inFlight.removeEnded(id, undefined)).kind === "kept";
  }
}

const SWEPT_ERRORS = { finish: UNFINISHED_ERROR, expire: DEADLINE_ERROR, exhaust: EXHAUSTED_ERROR };
