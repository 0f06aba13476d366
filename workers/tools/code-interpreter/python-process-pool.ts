/**
 * The interpreters' processes of one worker, and the line for those who want to run something in one. At most so many run
 * something for one project, and some more, in reserve, for projects that run less beside others. A process that is idle
 * gives way to whoever has a place in the line and none: it can be restored. One is started in advance where there is
 * room for it, because a start takes seconds.
 */
import { raceSignal } from "race-signal";
import { FairSemaphore, type Permit } from "../../../src/concurrency/fair-semaphore.ts";
import { findEvictable, type ProcessHolder } from "./process-holder.ts";
import { DEFAULT_PYTHON_LIMITS, type PythonLimits, PythonProcess, PythonStartError } from "./python-process.ts";

export interface PythonProcessPoolOptions {
  /** Processes that run something for one project, and that are kept while they are idle. */
  max?: number;
  /** Processes beyond these, in percent, and at least one; 0 for none. */
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
  /** Started, or being started, for the next that asks: in advance, or for one that was aborted meanwhile. */
  readonly #unclaimed: Promise<PythonProcess>[] = [];
  readonly #closing = new AbortController();
  #starting = 0;

  constructor({ max = DEFAULT_MAX, reservePercent = DEFAULT_RESERVE_PERCENT, limits }: PythonProcessPoolOptions = {}) {
    this.#max = max;
    this.#semaphore = new FairSemaphore({ permits: max, reservePercent });
    this.limits = { ...DEFAULT_PYTHON_LIMITS, ...limits };
  }

  /** A place, which whoever runs something in a process has from before its start to its end. Rejects if aborted meanwhile. */
  async acquirePermit(project: string, signal: AbortSignal): Promise<Permit> {
    return await this.#semaphore.acquire(project, signal);
  }

  /** A process that nobody has used, for the holder alone, which has a place. Rejects if aborted meanwhile. */
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
    // Those that are only being started are not waited for.
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
        // A start cannot be called off: what comes of it is for the next that asks.
        if (signal.aborted) this.#addUnclaimed(start);
        if (signal.aborted || !isUnclaimed) throw error;
      }
      // It has died since it was started, or has not started at all.
    }
  }

  #addUnclaimed(start: Promise<PythonProcess>): void {
    if (this.#closing.signal.aborted) {
      // oxlint-disable-next-line promise/always-return -- nobody waits for it
      void start.then((process) => process.kill("crashed")).catch(() => {});
      return;
    }
    this.#unclaimed.push(start);
    // Whoever takes it is told; until then nobody needs to be.
    start.catch(() => {
      const at = this.#unclaimed.indexOf(start);
      if (at >= 0) void this.#unclaimed.splice(at, 1);
    });
  }

  /** Begins to start the process that the next one who asks will get, also one in reserve. */
  #startSpare(): void {
    const { reserved } = this.#semaphore;
    const isRoom = this.#holders.size + this.#starting + this.#unclaimed.length < this.#max + reserved;
    if (!this.#closing.signal.aborted && this.#unclaimed.length === 0 && isRoom)
      this.#addUnclaimed(PythonProcess.start(this.limits, this.#closing.signal));
  }
}
