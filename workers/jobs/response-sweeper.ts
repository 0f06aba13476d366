/**
 * The sweeper: whatever died, every accepted response ends. It walks the set of open responses and asks of each what the
 * record and the queue say; `decide` is the whole of its judgement. One process sweeps at a time; if it dies, another does.
 */
import { setTimeout as delay } from "node:timers/promises";
import { responseError } from "../../src/lifecycle/lifecycle-events.ts";
import { isTerminalStatus, type ResponseStatus } from "../../src/protocol/response.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { abandonResponse } from "../../src/responses/ending/abandon-response.ts";
import { removeInFlight } from "../../src/responses/ending/remove-in-flight.ts";
import { endResponse } from "../../src/responses/ending/end-response.ts";
import { promoteDueResponses, queueResponse } from "../../src/responses/admission/queue-response.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import type { RunningResponseSize } from "../../src/store/stored-bytes.ts";

export interface SweptResponse {
  status: ResponseStatus;
  ending: "" | "cancel" | "fail";
  deadlineMs: number;
  /** Attempts that nothing but the response explains. */
  charged: number;
  isQueued: boolean;
}

/**
 * `keep`: somebody works on it, or will. `forget`: it has ended. `finish`: somebody began to end it and died.
 * `enqueue`: nobody works on it. `expire`, `exhaust`: it must be failed.
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
  /** This process's name in the lock. */
  owner: string;
  /** Ends what providers run for responses that are over. */
  sweepUpstreams?: () => Promise<void>;
}

const PAGE = 200;
/** An id whose record is not there yet may be in the middle of its admission for this long. */
const ADMISSION_TIMEOUT_MS = 30_000;
/** Sweeps that a response may make fail, one after the other, before it is given up. */
export const MAX_SWEEP_FAILURES = 10;
const LOCK_INTERVALS = 4;
const STOP_LIMIT_MS = 2_000;

export class ResponseSweeper {
  readonly #context: ResponseContext;
  readonly #storage: Storage;
  readonly #options: SweeperOptions;
  readonly #stopping = new AbortController();
  /** How often in a row, by id. Whichever process sweeps next begins to count again. */
  #failures = new Map<string, number>();
  #redisError: unknown;
  /** Of the page that is swept, those that stay open: their projects' sums follow them. */
  #growing: RunningResponseSize[] = [];
  #loop: Promise<void> = Promise.resolve();

  constructor(context: ResponseContext, options: SweeperOptions) {
    this.#context = context;
    this.#storage = context.storage;
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#sweepUntilStopped();
  }

  /** A sweep that waits for a Redis that is away is left behind: whoever sweeps next finds the same. */
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
        this.#context.logger.warn({ err }, "Sweep failed; the next one goes on");
      }
      await delay(this.#options.intervalMs, undefined, { signal }).catch(() => {});
    }
  }

  async #isLeader(): Promise<boolean> {
    const { owner, intervalMs } = this.#options;
    return await this.#storage.sweeperLock.hold(owner, intervalMs * LOCK_INTERVALS);
  }

  /** Promotes what is due, looks at every open response once, and then at what those that are gone have left behind. */
  async sweep(): Promise<void> {
    const { inFlight, storedBytes } = this.#storage;
    const parts = [
      () => promoteDueResponses(this.#context),
      () => this.#sweepAll(),
      () => inFlight.reconcile(),
      () => storedBytes.reconcile(),
      async () => await this.#options.sweepUpstreams?.(),
    ];
    const errors: unknown[] = [];
    for (const part of parts) {
      // One that fails must not keep the others from what is theirs.
      await part().catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 1) throw new AggregateError(errors, "Several parts of a sweep failed.");
    if (errors.length === 1) throw errors[0];
  }

  async #sweepAll(): Promise<void> {
    const before = this.#failures;
    this.#failures = new Map();
    let offset = 0;
    for (;;) {
      const ids = await this.#storage.inFlight.list(offset, PAGE);
      this.#growing = [];
      const stayed = await Promise.all(ids.map((id) => this.#sweepOneSafely(id, before.get(id) ?? 0)));
      await this.#storage.storedBytes.updateInFlight(this.#growing);
      if (ids.length < PAGE || this.#stopping.signal.aborted) break;
      // Those that left the set made room: what follows has moved up.
      offset += stayed.filter(Boolean).length;
    }
    const away = this.#redisError;
    this.#redisError = undefined;
    if (away !== undefined) throw away;
  }

  /** One response that cannot be swept must not keep the others from it. True if the response stays in the set. */
  async #sweepOneSafely(id: string, failures: number): Promise<boolean> {
    try {
      return failures < MAX_SWEEP_FAILURES ? await this.#sweepOne(id) : await this.#giveUp(id);
    } catch (err) {
      if (isRedisUnavailable(err)) {
        // It may be so for this one only: its keys lie on a node of their own. And it is no fault of the response.
        this.#redisError ??= err;
        this.#failures.set(id, failures);
        return true;
      }
      this.#failures.set(id, failures + 1);
      this.#context.logger.error({ err, responseId: id, failures: failures + 1 }, "Could not sweep a response");
      return true;
    }
  }

  async #giveUp(id: string): Promise<false> {
    this.#context.logger.error(
      { responseId: id, failures: MAX_SWEEP_FAILURES },
      "Gave a response up: no sweep ended it",
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
    if (action !== "keep") this.#context.logger.info({ responseId: id, action, status: record.status }, "Sweeping");
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
        await endResponse(storage, id, record.ending === "cancel" ? "cancel" : "fail", SWEPT_ERRORS[action]);
        return false;
      case "forget":
        return !(await removeInFlight(storage, id));
    }
  }

  /** A crash between the first and the second step of admission: no client was told this id. */
  async #forgetUnrecorded(id: string): Promise<boolean> {
    const acceptedAtMs = await this.#storage.inFlight.acceptedAtMs(id);
    if (acceptedAtMs !== undefined && this.#storage.clock.nowMs() - acceptedAtMs < ADMISSION_TIMEOUT_MS) return true;
    return !(await this.#storage.inFlight.removeEnded(id, undefined));
  }
}

const SWEPT_ERRORS = {
  finish: responseError("server_error", "The response could not be finished."),
  expire: responseError("server_error", "The response was not finished before its deadline."),
  exhaust: responseError("server_error", "The response could not be finished: it has failed too often."),
};
