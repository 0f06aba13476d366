/**
 * The interpreters' processes of one worker, and the line for those who want to run something in one. At most so many run
 * something for one project, and some more, in reserve, for projects that run less beside others. A process that is idle
 * gives way to whoever has a place in the line and none: it can be restored. One is started in advance where there is
 * room for it, because a start takes seconds.
 */
import { raceSignal } from "race-signal";
import { FairLine, type Place } from "../../fair-line.ts";
import { idleOfMost, type ProcessHolder } from "./process-holder.ts";
import { DEFAULT_PYTHON_LIMITS, type PythonLimits, PythonProcess, PythonStartError } from "./python-process.ts";

export interface PythonProcessesOptions {
  /** Processes that run something for one project, and that are kept while they are idle. */
  max?: number;
  /** Processes beyond these, in percent, and at least one; 0 for none. */
  reservePercent?: number;
  limits?: Partial<PythonLimits>;
}

const DEFAULT_MAX = 4;
const DEFAULT_RESERVE_PERCENT = 10;

export class PythonProcesses implements AsyncDisposable {
  readonly limits: PythonLimits;
  readonly #max: number;
  readonly #line: FairLine;
  readonly #holders = new Map<PythonProcess, ProcessHolder>();
  /** Started, or being started, for the next that asks: in advance, or for one that was aborted meanwhile. */
  readonly #unclaimed: Promise<PythonProcess>[] = [];
  #starting = 0;
  #isClosed = false;

  constructor({ max = DEFAULT_MAX, reservePercent = DEFAULT_RESERVE_PERCENT, limits }: PythonProcessesOptions = {}) {
    this.#max = max;
    this.#line = new FairLine({ places: max, reservePercent });
    this.limits = { ...DEFAULT_PYTHON_LIMITS, ...limits };
  }

  /** A place, which whoever runs something in a process has from before its start to its end. Rejects if aborted meanwhile. */
  async enter(project: string, signal: AbortSignal): Promise<Place> {
    return await this.#line.enter(project, signal);
  }

  /** A process that nobody has used, for the holder alone, which has a place. Rejects if aborted meanwhile. */
  async acquire(holder: ProcessHolder, signal: AbortSignal): Promise<PythonProcess> {
    signal.throwIfAborted();
    if (this.#isClosed) throw new PythonStartError("The interpreters are closed.");
    if (this.#holders.size + this.#starting >= this.#max) {
      idleOfMost(this.#holders.values(), (each) => each)?.evict();
    }
    this.#starting += 1;
    const claim = this.#claim();
    try {
      const process = await raceSignal(claim, signal);
      if (this.#isClosed) {
        await process[Symbol.asyncDispose]();
        throw new PythonStartError("The interpreters are closed.");
      }
      this.#holders.set(process, holder);
      return process;
    } catch (error) {
      // A start cannot be called off: what comes of it is for the next that asks.
      if (signal.aborted) this.#offer(claim);
      throw error;
    } finally {
      this.#starting -= 1;
      this.#warm();
    }
  }

  /** Kills the process. */
  release(process: PythonProcess): void {
    this.#holders.delete(process);
    process.kill("crashed");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const unclaimed = await Promise.allSettled(this.#unclaimed);
    const started = unclaimed.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    await Promise.all([...this.#holders.keys(), ...started].map((process) => process[Symbol.asyncDispose]()));
  }

  /** One that was started in advance may have died since, or may not have started at all. */
  async #claim(): Promise<PythonProcess> {
    for (let start = this.#unclaimed.shift(); start !== undefined; start = this.#unclaimed.shift()) {
      const process = await start.catch(() => undefined);
      if (process?.isAlive === true) return process;
    }
    return await PythonProcess.start(this.limits);
  }

  #offer(start: Promise<PythonProcess>): void {
    if (this.#isClosed) {
      // oxlint-disable-next-line promise/always-return -- nobody waits for it
      void start.then((process) => process.kill("crashed")).catch(() => {});
      return;
    }
    this.#unclaimed.push(start);
    // Whoever takes it is told; until then nobody needs to be.
    start.catch(() => {
      const at = this.#unclaimed.indexOf(start);
      if (at >= 0) this.#unclaimed.splice(at, 1);
    });
  }

  /** Begins to start the process that the next one who asks will get, also one in reserve. */
  #warm(): void {
    const { reserved } = this.#line;
    const isRoom = this.#holders.size + this.#starting + this.#unclaimed.length < this.#max + reserved;
    if (!this.#isClosed && this.#unclaimed.length === 0 && isRoom) this.#offer(PythonProcess.start(this.limits));
  }
}
