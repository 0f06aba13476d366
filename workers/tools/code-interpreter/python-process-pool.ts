/**
 * The interpreter processes of one worker, and the queue for them. Each project may run a limited number at once. A
 * reserve is for projects that run fewer. If a permit holder needs a process and all are taken, an idle one is evicted:
 * its state can be restored. If there is room, one process starts in advance, because a start takes seconds.
 */
import { raceSignal } from "race-signal";
import { FairSemaphore, type Permit } from "../../../src/concurrency/fair-semaphore.ts";
import { findEvictable, type ProcessHolder } from "./process-holder.ts";
import { DEFAULT_PYTHON_LIMITS, type PythonLimits } from "./python-limits.ts";
import { PythonProcess, PythonStartError } from "./python-process.ts";

export interface PythonProcessPoolOptions {
  /** Maximum processes for one project, including idle ones. */
  max?: number;
  /** Extra processes in percent, and at least one; 0 for none. */
  reservePercent?: number;
  limits?: Partial<PythonLimits>;
}

const DEFAULT_MAX = 4;
const DEFAULT_RESERVE_PERCENT = 10;

export class PythonProcessPool implements AsyncDisposable {
  readonly limits: PythonLimits;
  readonly #max: number;
  readonly #semaphore: FairSemaphore;
  readonly #holders = new Map<PythonProcess, ProcessHolder>();
  /** Processes that were started in advance, or for a call that was aborted. */
  readonly #unclaimed: Promise<PythonProcess>[] = [];
  readonly #closing = new AbortController();
  #starting = 0;

  constructor({ max = DEFAULT_MAX, reservePercent = DEFAULT_RESERVE_PERCENT, limits }: PythonProcessPoolOptions = {}) {
    this.#max = max;
    this.#semaphore = new FairSemaphore({ permits: max, reservePercent });
    this.limits = { ...DEFAULT_PYTHON_LIMITS, ...limits };
  }

  /** A permit to run something in a process, from before its start to its end. Rejects with the signal's reason. */
  async acquirePermit(project: string, signal: AbortSignal): Promise<Permit> {
    return await this.#semaphore.acquire(project, signal);
  }

  /** A fresh process for one holder, which has a permit. Rejects with the signal's reason. */
  async acquireProcess(holder: ProcessHolder, signal: AbortSignal): Promise<PythonProcess> {
    signal.throwIfAborted();
    if (this.#closing.signal.aborted) throw new PythonStartError("The interpreters are closed.");
    if (this.#holders.size + this.#starting >= this.#max) {
      findEvictable(this.#holders.values(), (each) => each)?.evict();
    }
    this.#starting += 1;
    try {
      const process = await this.#takeProcess(signal);
      if (this.#closing.signal.aborted) {
        await process[Symbol.asyncDispose]();
        throw new PythonStartError("The interpreters are closed.");
      }
      this.#holders.set(process, holder);
      return process;
    } finally {
      this.#starting -= 1;
      this.#startSpare();
    }
  }

  /** Kills the process. */
  releaseProcess(process: PythonProcess): void {
    this.#holders.delete(process);
    process.kill("crashed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Does not wait for processes that are still starting.
    this.#closing.abort();
    const unclaimed = await Promise.allSettled(this.#unclaimed);
    const started = unclaimed.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    await Promise.all([...this.#holders.keys(), ...started].map((process) => process[Symbol.asyncDispose]()));
  }

  async #takeProcess(signal: AbortSignal): Promise<PythonProcess> {
    for (;;) {
      const isUnclaimed = this.#unclaimed.length > 0;
      const start = this.#unclaimed.shift() ?? PythonProcess.start(this.limits, this.#closing.signal);
      try {
        const process = await raceSignal(start, signal);
        if (process.isAlive || !isUnclaimed) return process;
      } catch (error) {
        // A start cannot be cancelled, so the next caller gets its process.
        if (signal.aborted) this.#addUnclaimed(start);
        if (signal.aborted || !isUnclaimed) throw error;
      }
      // It died after its start, or could not start.
    }
  }

  #addUnclaimed(start: Promise<PythonProcess>): void {
    if (this.#closing.signal.aborted) {
      // oxlint-disable-next-line promise/always-return -- the promise is not awaited
      void start.then((process) => process.kill("crashed")).catch(() => {});
      return;
    }
    this.#unclaimed.push(start);
    // The caller that takes the process receives the error.
    start.catch(() => {
      const at = this.#unclaimed.indexOf(start);
      if (at >= 0) void this.#unclaimed.splice(at, 1);
    });
  }

  /** Starts a process in advance for the next caller, also from the reserve. */
  #startSpare(): void {
    const { reserved } = this.#semaphore;
    const isRoom = this.#holders.size + this.#starting + this.#unclaimed.length < this.#max + reserved;
    if (!this.#closing.signal.aborted && this.#unclaimed.length === 0 && isRoom)
      this.#addUnclaimed(PythonProcess.start(this.limits, this.#closing.signal));
  }
}
