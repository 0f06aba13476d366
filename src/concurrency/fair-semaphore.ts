/**
 * A fair semaphore for a worker's scarce resources that the queue does not schedule: interpreters, threads, processes.
 * A call holds a permit while it uses one. Permits are shared like the worker's slots (SlotShares): a single project
 * may hold all regular permits, and a reserve remains for projects that hold few.
 *
 * The next permit goes to the waiting project with the fewest permits; among equals, to the one that has waited longest
 * since it last acquired or released one; within a project, to its oldest call.
 */
import { SlotShares } from "./slot-shares.ts";

export interface FairSemaphoreOptions {
  /** Permits that a single project may hold. */
  permits: number;
  /** Additional permits in percent, at least one; 0 for none. */
  reservePercent: number;
  /** Maximum waiting calls over all projects. */
  maxWaiting?: number;
}

/** Releasing it twice has no further effect. */
export interface Permit extends Disposable {
  release(): void;
}

/** The maximum number of calls is already waiting. */
export class SemaphoreFullError extends Error {
  override readonly name = "SemaphoreFullError";
}

interface Waiter {
  grant: (permit: Permit) => void;
  reject: (reason: unknown) => void;
}

/** The waiting calls of one project, oldest first; never empty. */
interface ProjectQueue {
  calls: Waiter[];
  /** The time since which it has waited, on the semaphore's own clock. */
  since: number;
}

export class FairSemaphore {
  readonly #shares: SlotShares;
  readonly #maxWaiting: number;
  readonly #queues = new Map<string, ProjectQueue>();
  #waiting = 0;
  #clock = 0;

  constructor({ permits, reservePercent, maxWaiting = Number.POSITIVE_INFINITY }: FairSemaphoreOptions) {
    this.#shares = new SlotShares(permits, reservePercent);
    this.#maxWaiting = maxWaiting;
  }

  /** Permits beyond those that a single project may hold. */
  get reserved(): number {
    return this.#shares.reserved;
  }

  /** Number of waiting calls. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Resolves with a permit, at once if the project may have one. Rejects with the signal's reason when aborted, or with
   * a SemaphoreFullError. The latter can also reject a call that already waits, if its project has the most waiting
   * calls.
   */
  async acquire(project: string, signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    if (this.#mayAcquire(project)) return this.#take(project);
    if (this.#waiting >= this.#maxWaiting) this.#makeRoom(project);
    const { promise, resolve: grant, reject } = Promise.withResolvers<Permit>();
    const call = { grant, reject };
    this.#enqueue(project, call);
    const stop = (): void => {
      if (this.#remove(project, call)) reject(signal.reason);
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  #mayAcquire(project: string): boolean {
    return !this.#shares.isFull || this.#shares.mayTakeReserve(project);
  }

  #take(project: string): Permit {
    this.#shares.begin(project);
    this.#resetWaitStart(project);
    let isLeft = false;
    const release = (): void => {
      if (isLeft) return;
      isLeft = true;
      this.#shares.end(project);
      this.#resetWaitStart(project);
      this.#grantWaiting();
    };
    return { release, [Symbol.dispose]: release };
  }

  #grantWaiting(): void {
    for (let project = this.#next(); project !== undefined; project = this.#next()) {
      // If this project may not, no other may: they hold at least as many permits.
      if (!this.#mayAcquire(project)) return;
      const [call] = this.#queues.get(project)!.calls;
      this.#remove(project, call!);
      call!.grant(this.#take(project));
    }
  }

  #next(): string | undefined {
    let first: { project: string; running: number; since: number } | undefined;
    for (const [project, { since }] of this.#queues) {
      const running = this.#shares.countOf(project);
      const isBefore =
        first === undefined || running < first.running || (running === first.running && since < first.since);
      if (isBefore) first = { project, running, since };
    }
    return first?.project;
  }

  /**
   * A project that rejoins later starts behind the others: the semaphore keeps no history of projects that do not wait.
   */
  #resetWaitStart(project: string): void {
    const queue = this.#queues.get(project);
    if (queue !== undefined) queue.since = this.#clock++;
  }

  #enqueue(project: string, call: Waiter): void {
    const queue = this.#queues.get(project);
    if (queue === undefined) this.#queues.set(project, { calls: [call], since: this.#clock++ });
    else queue.calls.push(call);
    this.#waiting += 1;
  }

  /** Returns false if the call no longer waits. */
  #remove(project: string, call: Waiter): boolean {
    const queue = this.#queues.get(project);
    const at = queue?.calls.indexOf(call) ?? -1;
    if (queue === undefined || at < 0) return false;
    queue.calls.splice(at, 1);
    if (queue.calls.length === 0) this.#queues.delete(project);
    this.#waiting -= 1;
    return true;
  }

  /**
   * The queue is full: the newest call of the project with the most waiting calls makes room for a project with fewer.
   */
  #makeRoom(project: string): void {
    const waitingOfProject = this.#queues.get(project)?.calls.length ?? 0;
    let [longest, calls] = ["", [] as Waiter[]];
    for (const [each, queue] of this.#queues)
      if (queue.calls.length > calls.length) [longest, calls] = [each, queue.calls];
    const newest = calls.at(-1);
    const full = new SemaphoreFullError(`${this.#waiting} calls are already waiting.`);
    if (newest === undefined || calls.length <= waitingOfProject + 1) throw full;
    this.#remove(longest, newest);
    newest.reject(full);
  }
}
