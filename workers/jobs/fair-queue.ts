/**
 * One queue's jobs in one process, shared fairly between projects. BullMQ takes jobs in their order; what it knows nothing
 * of is done from outside, by bringing jobs forward (src/queue/move-to-front.ts):
 *
 * - When a run ends in a full worker, a job of a project that runs less here comes next, if one waits.
 * - While the worker is full, jobs of projects that run little are taken by hand into slots kept in reserve.
 *
 * Nothing but the order changes, in one step: a crash leaves a queue.
 */
import { DelayedError, type Job, WaitingError, type Worker } from "bullmq";
import type { Logger } from "pino";
import type { QueueName, ResponseJob, ResponseQueue } from "../../src/queue/response-queue.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import type { SlotShares } from "../../src/concurrency/slot-shares.ts";

/** How often a full worker looks for jobs that may be run in the reserve. */
const RESERVE_CHECK_MS = 500;
/** Looking costs as much as waits: where nobody was found, nobody is looked for again so soon. */
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
  /** Jobs that were brought forward and that no end of a run was used for yet. */
  #broughtForward = 0;
  #skipSearchUntilMs = 0;

  constructor(name: QueueName, queue: ResponseQueue, shares: SlotShares, logger: Logger, process: ProcessJob) {
    this.#name = name;
    this.#queue = queue;
    this.#shares = shares;
    this.#logger = logger;
    this.#process = process;
  }

  /** Takes jobs by `worker`, which has `process` as its processor. */
  attach(worker: Worker<ResponseJob>): void {
    this.#worker = worker;
    if (this.#shares.reserved > 0) this.#timer = setInterval(() => void this.#fillReserve(), RESERVE_CHECK_MS);
  }

  /** What BullMQ's worker calls with each job that it has taken. */
  process: ProcessJob = async (job, token) => {
    await this.#runCounted(job, token, async () => await this.#yieldSlot(job.name));
  };

  /** Takes no more jobs. Resolves when those of the reserve are over. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#timer);
    await Promise.all(this.#reserved);
  }

  async #runCounted(job: Job<ResponseJob>, token: string | undefined, before: () => Promise<void>): Promise<void> {
    this.#shares.begin(job.name);
    try {
      await this.#process(job, token);
    } finally {
      await before();
      this.#shares.end(job.name);
    }
  }

  /** The slot of a run of `project` becomes free: it is for a project that runs less here, if there is one. */
  async #yieldSlot(project: string): Promise<void> {
    if (this.#isClosing || this.#shares.reserved === 0 || !this.#shares.isFull) return;
    if (this.#broughtForward > 0) {
      this.#broughtForward -= 1;
      return;
    }
    if (performance.now() < this.#skipSearchUntilMs) return;
    const found = await this.#bringForward(this.#shares.projectsRunningAsMuch(project), this.#shares.reserved);
    if (found === 0) this.#skipSearchUntilMs = performance.now() + NONE_FOUND_PAUSE_MS;
    else this.#broughtForward = found - 1;
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

  /** False if nothing waits that may be run in the reserve. */
  async #takeReserved(): Promise<boolean> {
    const beyond = this.#shares.projectsBeyondReserve;
    if (beyond === undefined || (await this.#bringForward(beyond, 1)) === 0) return false;
    const token = `${this.#worker!.id}:reserve:${this.#tokens++}`;
    const job = (await this.#worker!.getNextJob(token, { block: false })) as Job<ResponseJob> | undefined;
    if (job === undefined) return false;
    if (this.#shares.mayTakeReserve(job.name)) {
      const run = this.#runReserved(job, token);
      this.#reserved.add(run);
      void run.finally(() => this.#reserved.delete(run));
      return true;
    }
    // Another worker has taken what was brought forward, and this came behind it.
    await job.moveToWait(token);
    return false;
  }

  /** What BullMQ does with a job that it has taken itself. */
  async #runReserved(job: Job<ResponseJob>, token: string): Promise<void> {
    try {
      await this.#runCounted(job, token, async () => {});
      await job.moveToCompleted(undefined, token, false);
    } catch (err) {
      if (err instanceof DelayedError || err instanceof WaitingError) return;
      this.#logger.warn({ err, responseId: job.id, queue: this.#name }, "Attempt failed");
      const failure = err instanceof Error ? err : new Error(String(err));
      // A job whose lock is lost is somebody else's, and one that cannot be moved is found by the check for lost jobs.
      await job.moveToFailed(failure, token, false).catch((error: unknown) => {
        this.#logger.warn({ err: error, responseId: job.id, queue: this.#name }, "Could not give a job back");
      });
    }
  }

  /** An order that cannot be changed now is no reason to fail a run. */
  async #bringForward(passed: readonly string[], count: number): Promise<number> {
    try {
      return await this.#queue.moveToFront(this.#name, passed, count);
    } catch (err) {
      const level = isRedisUnavailable(err) ? "debug" : "warn";
      this.#logger[level]({ err, queue: this.#name }, "Could not bring a job forward");
      return 0;
    }
  }
}
