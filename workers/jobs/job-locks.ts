/**
 * BullMQ's locks of the jobs that this process has taken. BullMQ takes jobs one after another and begins none of them
 * before it has enough: fifty round trips to a distant Redis are longer than a lock. So a lock is renewed from the moment
 * its job is taken, and not from the beginning of its run.
 *
 * BullMQ's own renewal is off. It keeps locks by job id: when a lost job comes back to the process that lost it, the end of
 * the old run would end the renewal of the new one. Here each taken job has its own.
 */
import { isRedisUnavailable } from "../../src/redis/connect.ts";

/**
 * Of a lock's time, between two renewals. So a lock survives a pause of nearly three quarters of it: of this process, of
 * Redis or of the network between them.
 */
const RENEWAL_FRACTION = 1 / 4;

/** What BullMQ's jobs have of it. */
export interface LockedJob {
  id?: string | undefined;
  queueName: string;
  token?: string | undefined;
}

/** Gives the lock its whole time again. False if it is somebody else's by now. */
export type RenewLock = (job: LockedJob, token: string, durationMs: number) => Promise<boolean>;

export class JobLocks {
  readonly #durationMs: number;
  readonly #renew: RenewLock;
  readonly #held = new WeakMap<LockedJob, HeldLock>();

  constructor(durationMs: number, renew: RenewLock) {
    this.#durationMs = durationMs;
    this.#renew = renew;
  }

  /** Renews the lock of a job that was taken, until it is released or lost. */
  startRenewal(job: LockedJob): void {
    this.#lockOf(job);
  }

  /** Its run begins. `onLost` is called once the lock is somebody else's, also if that was before. */
  watch(job: LockedJob, onLost: () => void): void {
    void this.#lockOf(job).lost.then(onLost);
  }

  /** The job is over, or given back. */
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
  /** Never settles for a lock that was released in time. */
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
