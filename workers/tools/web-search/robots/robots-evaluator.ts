/**
 * Evaluates robots.txt in separate threads. A thread that takes too much time or memory is terminated, so that hostile
 * rules never block the worker's other runs.
 */
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { FairSemaphore, SemaphoreFullError, type Permit } from "../../../../src/concurrency/fair-semaphore.ts";
import type { RobotsQuestion } from "./robots-rules.ts";
import type { RobotsAnswer } from "./thread.ts";

export interface RobotsLimits {
  /** Maximum parallel evaluations for one project. Further ones wait. */
  threads: number;
  /** Extra threads for projects that use few, in percent: at least one, or 0 for none. */
  reservePercent: number;
  /** Maximum waiting evaluations. */
  maxWaiting: number;
  /** Timeout of one evaluation, once it has a thread. */
  timeoutMs: number;
  memoryMb: number;
  /** Idle time after which a thread is terminated. */
  idleTimeoutMs: number;
}

const DEFAULT_LIMITS: RobotsLimits = {
  threads: 2,
  reservePercent: 10,
  maxWaiting: 100,
  timeoutMs: 15_000,
  memoryMb: 512,
  idleTimeoutMs: 30_000,
};

/** The rules could not be evaluated. The message is for the model. */
export class RobotsError extends Error {
  override readonly name = "RobotsError";
}

export class RobotsEvaluator {
  readonly #limits: RobotsLimits;
  readonly #idle = new Map<Worker, NodeJS.Timeout>();
  readonly #semaphore: FairSemaphore;

  constructor(limits: Partial<RobotsLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    const { threads, reservePercent, maxWaiting } = this.#limits;
    this.#semaphore = new FairSemaphore({ permits: threads, reservePercent, maxWaiting });
  }

  /** Whether a robots.txt allows a URL. Rejects with a RobotsError, or with the signal's reason. */
  async isAllowed(project: string, question: RobotsQuestion, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#runInThread(project, question, signal);
    if (answer.kind === "error")
      throw new RobotsError("The site's robots.txt could not be read.", { cause: answer.error });
    return answer.isAllowed;
  }

  async #runInThread(project: string, question: RobotsQuestion, signal: AbortSignal): Promise<RobotsAnswer> {
    using _permit = await this.#acquirePermit(project, signal);
    const worker = this.#takeWorker();
    let isUsable = false;
    try {
      const answer = await this.#ask(worker, question, signal);
      isUsable = true;
      return answer;
    } finally {
      if (isUsable) this.#keepWorker(worker);
      else void worker.terminate();
    }
  }

  /** Waits until the project may evaluate one more file. */
  async #acquirePermit(project: string, signal: AbortSignal): Promise<Permit> {
    try {
      return await this.#semaphore.acquire(project, signal);
    } catch (cause) {
      if (!(cause instanceof SemaphoreFullError)) throw cause;
      throw new RobotsError("Too many robots.txt files are being read right now.", { cause });
    }
  }

  async #ask(worker: Worker, question: RobotsQuestion, signal: AbortSignal): Promise<RobotsAnswer> {
    signal.throwIfAborted();
    const { timeoutMs } = this.#limits;
    const { promise, resolve, reject } = Promise.withResolvers<RobotsAnswer>();
    const stop = (): void => reject(signal.reason as Error);
    const giveUp = (cause?: unknown): void =>
      reject(new RobotsError("The site's robots.txt is too complex to read.", { cause }));
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener("abort", stop);
    worker.once("message", resolve);
    // Most likely out of memory: an exception in the thread is an answer.
    worker.once("error", giveUp);
    worker.once("exit", giveUp);
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(question);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      worker.off("message", resolve).off("error", giveUp).off("exit", giveUp);
    }
  }

  #takeWorker(): Worker {
    const [idle] = this.#idle.keys();
    if (idle !== undefined) {
      this.#forgetWorker(idle);
      return idle;
    }
    const worker = new Worker(join(import.meta.dirname, `thread${extname(import.meta.filename)}`), {
      // The rules are untrusted, so the thread gets no secrets of this process.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMb },
    });
    // An idle thread does not keep the process alive.
    worker.unref();
    // Between two files, and after its end, a thread's errors have no receiver.
    worker.on("error", () => {});
    worker.once("exit", () => this.#forgetWorker(worker));
    return worker;
  }

  #keepWorker(worker: Worker): void {
    const timer = setTimeout(() => {
      this.#forgetWorker(worker);
      void worker.terminate();
    }, this.#limits.idleTimeoutMs);
    this.#idle.set(worker, timer.unref());
  }

  #forgetWorker(worker: Worker): void {
    clearTimeout(this.#idle.get(worker));
    this.#idle.delete(worker);
  }
}
