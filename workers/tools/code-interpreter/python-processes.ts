/**
 * The interpreters' processes of one worker: at most so many at a time, one of them ready in advance, because a start
 * takes seconds. Who needs one when all are taken gets the process of the sandbox that has been idle for longest, which
 * can be restored, or waits for one.
 */
import { raceSignal } from "race-signal";
import { DEFAULT_PYTHON_LIMITS, type PythonLimits, PythonProcess, PythonStartError } from "./python-process.ts";

/** Who holds a process. Asked to give it up only while it is idle. */
export interface ProcessHolder {
  /** Since when it has had nothing to do; undefined while it runs something. */
  readonly idleSince: number | undefined;
  /** Lets go of its process, which is killed. */
  evict(): void;
}

export interface PythonProcessesOptions {
  /** Processes at a time, the spare one included. */
  max?: number;
  limits?: Partial<PythonLimits>;
}

const DEFAULT_MAX = 4;

export class PythonProcesses implements AsyncDisposable {
  readonly limits: PythonLimits;
  readonly #max: number;
  readonly #holders = new Map<PythonProcess, ProcessHolder>();
  readonly #waiting: (() => void)[] = [];
  #spare: Promise<PythonProcess> | undefined;
  #starting = 0;
  #isClosed = false;

  constructor(options: PythonProcessesOptions = {}) {
    this.#max = options.max ?? DEFAULT_MAX;
    this.limits = { ...DEFAULT_PYTHON_LIMITS, ...options.limits };
  }

  /** A process that nobody has used, for the holder alone. Waits in line for one; rejects if aborted meanwhile. */
  async acquire(holder: ProcessHolder, signal: AbortSignal): Promise<PythonProcess> {
    for (;;) {
      if (signal.aborted) this.#waiting.shift()?.();
      signal.throwIfAborted();
      if (this.#isClosed) throw new PythonStartError("The interpreters are closed.");
      const taken = this.#holders.size + this.#starting;
      if (taken < this.#max || this.#evictIdle()) return await this.#takeUnlessAborted(holder, signal);
      await this.#turn(signal);
    }
  }

  /** Kills the process. */
  release(process: PythonProcess): void {
    this.#holders.delete(process);
    process.kill("crashed");
    this.#waiting.shift()?.();
  }

  /** A holder has become idle: someone may be waiting for its process. */
  noteIdle(): void {
    this.#waiting.shift()?.();
  }

  /** Begins to start the process that the next one who asks will get. Kept only while there is room for it. */
  warm(): void {
    if (this.#isClosed || this.#spare !== undefined || this.#holders.size + this.#starting >= this.#max) return;
    const spare = PythonProcess.start(this.limits);
    this.#spare = spare;
    // Whoever takes it is told; until then nobody needs to be.
    spare.catch(() => {
      if (this.#spare === spare) this.#spare = undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const wake of this.#waiting.splice(0)) wake();
    const spare = await this.#spare?.catch(() => undefined);
    const processes = [...this.#holders.keys(), ...(spare === undefined ? [] : [spare])];
    await Promise.all(processes.map((process) => process[Symbol.asyncDispose]()));
  }

  /** A start cannot be called off: what comes of it too late is killed. */
  async #takeUnlessAborted(holder: ProcessHolder, signal: AbortSignal): Promise<PythonProcess> {
    const taking = this.#take(holder);
    try {
      return await raceSignal(taking, signal);
    } catch (error) {
      taking.then(
        (process) => this.release(process),
        () => {},
      );
      throw error;
    }
  }

  async #take(holder: ProcessHolder): Promise<PythonProcess> {
    this.#starting += 1;
    try {
      let process = await this.#takeSpare();
      process ??= await PythonProcess.start(this.limits);
      if (this.#isClosed) {
        await process[Symbol.asyncDispose]();
        throw new PythonStartError("The interpreters are closed.");
      }
      this.#holders.set(process, holder);
      return process;
    } catch (error) {
      this.#waiting.shift()?.();
      throw error;
    } finally {
      this.#starting -= 1;
      this.warm();
    }
  }

  /** It may have died since it was started, or not have started at all. */
  async #takeSpare(): Promise<PythonProcess | undefined> {
    const spare = this.#spare;
    this.#spare = undefined;
    const process = await spare?.catch(() => undefined);
    return process?.isAlive === true ? process : undefined;
  }

  #evictIdle(): boolean {
    const idle = [...this.#holders.values()].filter(({ idleSince }) => idleSince !== undefined);
    const longest = idle.toSorted((a, b) => a.idleSince! - b.idleSince!)[0];
    longest?.evict();
    return longest !== undefined;
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    const stop = (): void => resolve();
    signal.addEventListener("abort", stop, { once: true });
    await promise;
    signal.removeEventListener("abort", stop);
    const place = this.#waiting.indexOf(resolve);
    if (place !== -1) this.#waiting.splice(place, 1);
  }
}
