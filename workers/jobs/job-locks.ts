/**
 * BullMQ's locks of the jobs that this process has taken. BullMQ takes jobs one after another and starts none before its
 * slots are full: fifty round trips to a distant Redis outlast a lock. So renewal starts when a job is taken, not when its
 * attempt starts.
 *
 * BullMQ's own renewal is off, because it tracks locks by job id: when a lost job returns to the process that lost it, the
 * end of the old attempt would stop the renewal for the new one. Here each taken job has a lock of its own.
 */
import { isRedisUnavailable } from "../../src/redis/connect.ts";

/**
 * Share of a lock's duration between two renewals. So a lock survives a pause of nearly three quarters of its duration, of
 * this process, Redis or the network.
 */
const RENEWAL_FRACTION = 1 / 4;

/** The fields of a BullMQ job that a lock needs. */
export interface LockedJob {
  id?: string | undefined;
  queueName: string;
  token?: string | undefined;
}

/** Extends the lock to its whole duration. False if another process has it. */
export type RenewLock = (job: LockedJob, token: string, durationMs: number) => Promise<boolean>;

export class JobLocks {
  readonly #durationMs: number;
  readonly #renew: RenewLock;
  readonly #held = new WeakMap<LockedJob, HeldLock>();

  constructor(durationMs: number, renew: RenewLock) {
    this.#durationMs = durationMs;
    this.#renew = renew;
  }

  /** Renews the lock of a job until it is released or lost. */
  startRenewal(job: LockedJob): void {
    this.#lockOf(job);
  }

  /** Calls `onLost` once another process has the lock, also if it was lost before. */
  watch(job: LockedJob, onLost: () => void): void {
    void this.#lockOf(job).lost.then(onLost);
  }

  /** Stops the renewal: the job has ended or returns to its queue. */
  release(job: LockedJob): void {
    this.#held.get(job)?.stop();
  }

  #lockOf(job: LockedJob): HeldLock {
    const held = this.#held.get(job) ?? new HeldLock(job, this.#durationMs, this.#renew);
    this.#held.set(job, held);
    return held;
  }
}

class HeldLock {
  /** Never settles if the lock is released first. */
  readonly lost: Promise<void>;
  readonly #job: LockedJob;
  readonly #durationMs: number;
  readonly #renewLock: RenewLock;
  readonly #timer: NodeJS.Timeout;
  readonly #lose: () => void;
  #isRenewing = false;

  constructor(job: LockedJob, durationMs: number, renew: RenewLock) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.lost = promise;
    this.#lose = () => {
      this.stop();
      resolve();
    };
    this.#job = job;
    this.#renewLock = renew;
    this.#durationMs = durationMs;
    this.#timer = setInterval(() => void this.#renew(), durationMs * RENEWAL_FRACTION);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    const { token } = this.#job;
    if (token === undefined || this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      if (!(await this.#renewLock(this.#job, token, this.#durationMs))) this.#lose();
    } catch (error) {
      if (!isRedisUnavailable(error)) this.#lose();
    } finally {
      this.#isRenewing = false;
    }
  }
}
