/**
 * Extracts the text of HTML pages, and reads the rules of robots.txt, in threads of their own. What is made to cost much
 * costs one of them: a thread that takes too long or too much memory is ended, and the worker's other runs never wait for it.
 */
import { Worker } from "node:worker_threads";
import { FairSemaphore, SemaphoreFullError, type Permit } from "../../../../src/concurrency/fair-semaphore.ts";
import type { ExtractedPage, HtmlPage } from "./extract-page.ts";
import type { RobotsQuestion } from "./robots-rules.ts";
import type { ExtractionAnswer, ExtractionRequest } from "./thread.ts";

export interface ExtractionLimits {
  /** Pages that are extracted at the same time for one project; more wait. */
  threads: number;
  /** Threads beyond these for projects that have few beside others, in percent; at least one, or 0 for none. */
  reservePercent: number;
  /** Pages that may wait. */
  maxWaiting: number;
  /** For one page, from when its turn has come. */
  timeoutMs: number;
  memoryMb: number;
  maxTextLength: number;
  /** A thread that had nothing to do for so long is ended. */
  idleTimeoutMs: number;
}

const DEFAULT_LIMITS: ExtractionLimits = {
  threads: 2,
  reservePercent: 10,
  maxWaiting: 100,
  timeoutMs: 15_000,
  memoryMb: 512,
  maxTextLength: 1_000_000,
  idleTimeoutMs: 30_000,
};

/** The page could not be read. The message is for the model. */
export class ExtractionError extends Error {
  override readonly name = "ExtractionError";
}

export class PageExtractor {
  readonly #limits: ExtractionLimits;
  readonly #idle = new Map<Worker, NodeJS.Timeout>();
  readonly #semaphore: FairSemaphore;

  constructor(limits: Partial<ExtractionLimits> = {}) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    const { threads, reservePercent, maxWaiting } = this.#limits;
    this.#semaphore = new FairSemaphore({ permits: threads, reservePercent, maxWaiting });
  }

  /** Rejects with an ExtractionError, or with the signal's reason. */
  async extract(project: string, page: HtmlPage, signal: AbortSignal): Promise<ExtractedPage> {
    const answer = await this.#runInThread(project, { page, textMaximum: this.#limits.maxTextLength }, signal);
    if (!("page" in answer)) throw unreadableError(answer);
    return answer.page;
  }

  /** Whether a robots.txt lets a URL be opened. Rejects as `extract` does. */
  async isAllowedByRobots(project: string, robots: RobotsQuestion, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#runInThread(project, { robots }, signal);
    if (!("isOpen" in answer)) throw unreadableError(answer);
    return answer.isOpen;
  }

  async #runInThread(project: string, request: ExtractionRequest, signal: AbortSignal): Promise<ExtractionAnswer> {
    using _place = await this.#acquirePermit(project, signal);
    const worker = this.#takeWorker();
    let isUsable = false;
    try {
      const answer = await this.#ask(worker, request, signal);
      isUsable = true;
      return answer;
    } finally {
      if (isUsable) this.#keepWorker(worker);
      else void worker.terminate();
    }
  }

  /** Waits until one more page of the project may be extracted. */
  async #acquirePermit(project: string, signal: AbortSignal): Promise<Permit> {
    try {
      return await this.#semaphore.acquire(project, signal);
    } catch (cause) {
      if (!(cause instanceof SemaphoreFullError)) throw cause;
      throw new ExtractionError("Too many pages are being read at the moment.", { cause });
    }
  }

  async #ask(worker: Worker, request: ExtractionRequest, signal: AbortSignal): Promise<ExtractionAnswer> {
    signal.throwIfAborted();
    const { timeoutMs } = this.#limits;
    const what = "page" in request ? "The page" : "The site's robots.txt";
    const { promise, resolve, reject } = Promise.withResolvers<ExtractionAnswer>();
    const stop = (): void => reject(signal.reason as Error);
    const giveUp = (cause?: unknown): void =>
      reject(new ExtractionError(`${what} is too complex to be read.`, { cause }));
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener("abort", stop);
    worker.once("message", resolve);
    // Out of memory, most likely: what a page makes the code throw is an answer.
    worker.once("error", giveUp);
    worker.once("exit", giveUp);
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(request);
      return await promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      worker.off("message", resolve).off("error", giveUp).off("exit", giveUp);
    }
  }

  #takeWorker(): Worker {
    const [kept] = this.#idle.keys();
    if (kept !== undefined) {
      this.#forgetWorker(kept);
      return kept;
    }
    const worker = new Worker(new URL("thread.ts", import.meta.url), {
      // Nothing of this process's secrets: a page is a stranger's.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMb },
    });
    // A process that is told to end does not wait for it.
    worker.unref();
    // Between two pages, and after its end, there is nobody to tell.
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

function unreadableError(answer: ExtractionAnswer): ExtractionError {
  return new ExtractionError("The page could not be read.", { cause: "error" in answer ? answer.error : undefined });
}
