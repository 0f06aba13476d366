/**
 * Shares a queue's slots in one process fairly between projects. BullMQ takes jobs in their order and knows no projects, so
 * this class moves jobs to the front (src/queue/move-to-front.ts):
 *
 * - When an attempt ends in a full worker, a waiting job of a project with fewer running jobs comes next.
 * - While the worker is full, reserved slots take jobs of projects with few running jobs.
 *
 * Each move is one atomic change of the order, so a crash leaves a valid queue.
 */
import { DelayedError, type Job, WaitingError, type Worker } from "bullmq";
import type { Logger } from "pino";
import type { QueueName, ResponseJob, ResponseQueue } from "../../src/queue/response-queue.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import type { SlotShares } from "../../src/concurrency/slot-shares.ts";

/** Interval at which a full worker looks for jobs that may use the reserve. */
const RESERVE_CHECK_MS = 500;
/** Pause after a search that found no job: a search costs as much as the queue is long. */
const NONE_FOUND_PAUSE_MS = 250;

export type ProcessJob = (job: Job<ResponseJob>, token: string | undefined) => Promise<void>;

export class FairQueue {
  readonly #name: QueueName;
  readonly #queue: ResponseQueue;
  readonly #shares: SlotShares;
  readonly #logger: Logger;
  readonly #process: ProcessJob;
  readonly #reserved = new Set<Promise<void>>();
  #worker: Worker<ResponseJob> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isFillingReserve = false;
  #isClosing = false;
  #tokens = 0;
  /** Jobs moved to the front for which no slot was freed yet. */
  #movedToFront = 0;
  #skipSearchUntilMs = 0;

  constructor(name: QueueName, queue: ResponseQueue, shares: SlotShares, logger: Logger, process: ProcessJob) {
    this.#name = name;
    this.#queue = queue;
    this.#shares = shares;
    this.#logger = logger;
    this.#process = process;
  }

  /** `worker` takes the jobs. Its processor must be `process`. */
  attach(worker: Worker<ResponseJob>): void {
    this.#worker = worker;
    if (this.#shares.reserved > 0) this.#timer = setInterval(() => void this.#fillReserve(), RESERVE_CHECK_MS);
  }

  /** The processor of BullMQ's worker. */
  process: ProcessJob = async (job, token) => {
    await this.#runCounted(job, token, async () => await this.#yieldSlot(job.name));
  };

  /** Takes no more jobs. Resolves when the jobs in the reserve have ended. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    await Promise.all(this.#reserved);
  }

  async #runCounted(job: Job<ResponseJob>, token: string | undefined, beforeEnd: () => Promise<void>): Promise<void> {
    this.#shares.begin(job.name);
    try {
      await this.#process(job, token);
    } finally {
      await beforeEnd();
      this.#shares.end(job.name);
    }
  }

  /** Offers the slot that a job of `project` frees to a project with fewer running jobs. */
  async #yieldSlot(project: string): Promise<void> {
    if (this.#isClosing || this.#shares.reserved === 0 || !this.#shares.isFull) return;
    if (this.#movedToFront > 0) {
      this.#movedToFront -= 1;
      return;
    }
    if (performance.now() < this.#skipSearchUntilMs) return;
    const found = await this.#moveToFront(this.#shares.projectsRunningAsMuch(project), this.#shares.reserved);
    if (found === 0) this.#skipSearchUntilMs = performance.now() + NONE_FOUND_PAUSE_MS;
    else this.#movedToFront = found - 1;
  }

  async #fillReserve(): Promise<void> {
    if (this.#isFillingReserve) return;
    this.#isFillingReserve = true;
    try {
      while (!this.#isClosing && this.#shares.isFull && (await this.#takeReserved()));
    } catch (err) {
      const level = isRedisUnavailable(err) ? "debug" : "warn";
      this.#logger[level]({ err, queue: this.#name }, "Could not look for jobs for the reserve");
    } finally {
      this.#isFillingReserve = false;
    }
  }

  /** False if no waiting job may use the reserve. */
  async #takeReserved(): Promise<boolean> {
    const beyond = this.#shares.projectsBeyondReserve;
    if (beyond === undefined || (await this.#moveToFront(beyond, 1)) === 0) return false;
    const token = `${this.#worker!.id}:reserve:${this.#tokens++}`;
    const job = (await this.#worker!.getNextJob(token, { block: false })) as Job<ResponseJob> | undefined;
    if (job === undefined) return false;
    if (this.#shares.mayTakeReserve(job.name)) {
      const run = this.#runReserved(job, token);
      this.#reserved.add(run);
      void run.finally(() => this.#reserved.delete(run));
      return true;
    }
    // Another worker took the job that was moved to the front, and this is the one after it.
    await job.moveToWait(token);
    return false;
  }

  /** Does what BullMQ does with a job that it takes itself. */
  async #runReserved(job: Job<ResponseJob>, token: string): Promise<void> {
    try {
      await this.#runCounted(job, token, async () => {});
      await job.moveToCompleted(undefined, token, false);
    } catch (err) {
      if (err instanceof DelayedError || err instanceof WaitingError) return;
      this.#logger.warn({ err, responseId: job.id, queue: this.#name }, "Attempt failed");
      const failure = err instanceof Error ? err : new Error(String(err));
      // A job without its lock belongs to another worker. BullMQ recovers a job that cannot be moved as stalled.
      await job.moveToFailed(failure, token, false).catch((error: unknown) => {
        this.#logger.warn({ err: error, responseId: job.id, queue: this.#name }, "Could not return a job to its queue");
      });
    }
  }

  /** Never rejects: an attempt must not fail because the order could not change. */
  async #moveToFront(passed: readonly string[], count: number): Promise<number> {
    try {
      return await this.#queue.moveToFront(this.#name, passed, count);
    } catch (err) {
      const level = isRedisUnavailable(err) ? "debug" : "warn";
      this.#logger[level]({ err, queue: this.#name }, "Could not move a job to the front of its queue");
      return 0;
    }
  }
}
