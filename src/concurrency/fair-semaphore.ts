/**
 * The line for what a worker has few of and what is not shared by the queue: interpreters, threads, processes. A call has a
 * place while it uses one. The places are shared as the worker's slots are (SlotShares): a project alone may have all of
 * them, and some are kept in reserve for projects that have few beside it.
 *
 * Who is next: of the projects with calls that wait, the one that has the fewest places; among equals the one that has
 * waited longest since it last took or left one; within a project its oldest call.
 */
import { SlotShares } from "./slot-shares.ts";

export interface FairSemaphoreOptions {
  /** Places that one project may have alone. */
  permits: number;
  /** Places beyond these, in percent, and at least one; 0 for none. */
  reservePercent: number;
  /** Calls that may wait, of all projects together. */
  maxWaiting?: number;
}

/** Left once, however often it is asked to. */
export interface Permit extends Disposable {
  release(): void;
}

/** As many calls wait as may. */
export class SemaphoreFullError extends Error {
  override readonly name = "SemaphoreFullError";
}

interface Waiter {
  grant: (place: Permit) => void;
  reject: (reason: unknown) => void;
}

/** The calls of one project that wait, oldest first: never none. */
interface ProjectQueue {
  calls: Waiter[];
  /** When its turn began to come nearer, by the line's own clock. */
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

  /** Places beyond those that one project may have alone. */
  get reserved(): number {
    return this.#shares.reserved;
  }

  /** Calls that wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Resolves with a place, at once if one is free for the project. Rejects with the signal's reason when it is aborted
   * meanwhile, or with a LineFullError: then also a call that has waited, if its project has most of those that wait.
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
      // If it may not, then none of the others: they have as many places, or more.
      if (!this.#mayAcquire(project)) return;
      const [call] = this.#queues.get(project)!.calls;
      this.#remove(project, call!);
      call!.grant(this.#take(project));
    }
  }

  #next(): string | undefined {
    let first: { project: string; places: number; since: number } | undefined;
    for (const [project, { since }] of this.#queues) {
      const places = this.#shares.countOf(project);
      const isBefore = first === undefined || places < first.places || (places === first.places && since < first.since);
      if (isBefore) first = { project, places, since };
    }
    return first?.project;
  }

  /** A project that joins later is behind by itself: nothing is remembered of those that do not wait. */
  #resetWaitStart(project: string): void {
    const line = this.#queues.get(project);
    if (line !== undefined) line.since = this.#clock++;
  }

  #enqueue(project: string, call: Waiter): void {
    const line = this.#queues.get(project);
    if (line === undefined) this.#queues.set(project, { calls: [call], since: this.#clock++ });
    else line.calls.push(call);
    this.#waiting += 1;
  }

  /** False if it does not wait any more. */
  #remove(project: string, call: Waiter): boolean {
    const line = this.#queues.get(project);
    const at = line?.calls.indexOf(call) ?? -1;
    if (line === undefined || at < 0) return false;
    line.calls.splice(at, 1);
    if (line.calls.length === 0) this.#queues.delete(project);
    this.#waiting -= 1;
    return true;
  }

  /** The line is full: the newest call of the project that waits with most makes room for one that waits with fewer. */
  #makeRoom(project: string): void {
    const own = this.#queues.get(project)?.calls.length ?? 0;
    let [most, calls] = ["", [] as Waiter[]];
    for (const [each, line] of this.#queues) if (line.calls.length > calls.length) [most, calls] = [each, line.calls];
    const newest = calls.at(-1);
    const full = new SemaphoreFullError(`${this.#waiting} calls wait already.`);
    if (newest === undefined || calls.length <= own + 1) throw full;
    this.#remove(most, newest);
    newest.reject(full);
  }
}
