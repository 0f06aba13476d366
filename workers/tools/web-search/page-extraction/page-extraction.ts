/**
 * Extracts the text of HTML pages, and evaluates robots.txt, in separate threads. A thread that takes too much time or
 * memory is terminated, so that a hostile page never blocks the worker's other runs.
 */
import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { FairSemaphore, SemaphoreFullError, type Permit } from "../../../../src/concurrency/fair-semaphore.ts";
import type { ExtractedPage, HtmlPage } from "../../../documents/html/extract-page.ts";
import type { RobotsQuestion } from "./robots-rules.ts";
import type { ExtractionAnswer, ExtractionRequest } from "./thread.ts";

export interface ExtractionLimits {
  /** Maximum parallel extractions for one project. Further pages wait. */
  threads: number;
  /** Extra threads for projects that use few, in percent: at least one, or 0 for none. */
  reservePercent: number;
  /** Maximum waiting pages. */
  maxWaiting: number;
  /** Timeout for one page, once it has a thread. */
  timeoutMs: number;
  memoryMb: number;
  maxTextLength: number;
  /** Idle time after which a thread is terminated. */
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
    const answer = await this.#runInThread(
      project,
      { kind: "page", page, textMaximum: this.#limits.maxTextLength },
      signal,
    );
    if (answer.kind !== "page") throw unreadableError(answer);
    return answer.page;
  }

  /** Whether a robots.txt allows a URL. Rejects as `extract` does. */
  async isAllowedByRobots(project: string, robots: RobotsQuestion, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#runInThread(project, { kind: "robots", robots }, signal);
    if (answer.kind !== "robots") throw unreadableError(answer);
    return answer.isAllowed;
  }

  async #runInThread(project: string, request: ExtractionRequest, signal: AbortSignal): Promise<ExtractionAnswer> {
    using _permit = await this.#acquirePermit(project, signal);
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

  /** Waits until the project may extract one more page. */
  async #acquirePermit(project: string, signal: AbortSignal): Promise<Permit> {
    try {
      return await this.#semaphore.acquire(project, signal);
    } catch (cause) {
      if (!(cause instanceof SemaphoreFullError)) throw cause;
      throw new ExtractionError("Too many pages are being read right now.", { cause });
    }
  }

  async #ask(worker: Worker, request: ExtractionRequest, signal: AbortSignal): Promise<ExtractionAnswer> {
    signal.throwIfAborted();
    const { timeoutMs } = this.#limits;
    const subject = request.kind === "page" ? "The page" : "The site's robots.txt";
    const { promise, resolve, reject } = Promise.withResolvers<ExtractionAnswer>();
    const stop = (): void => reject(signal.reason as Error);
    const giveUp = (cause?: unknown): void =>
      reject(new ExtractionError(`${subject} is too complex to read.`, { cause }));
    const timer = setTimeout(giveUp, timeoutMs);
    signal.addEventListener("abort", stop);
    worker.once("message", resolve);
    // Most likely out of memory: an exception in the thread is an answer.
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
    const [idle] = this.#idle.keys();
    if (idle !== undefined) {
      this.#forgetWorker(idle);
      return idle;
    }
    const worker = new Worker(join(import.meta.dirname, `thread${extname(import.meta.filename)}`), {
      // The page is untrusted, so the thread gets no secrets of this process.
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.memoryMb },
    });
    // An idle thread does not keep the process alive.
    worker.unref();
    // Between two pages, and after its end, a thread's errors have no receiver.
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
  return new ExtractionError("The page could not be read.", {
    cause: answer.kind === "error" ? answer.error : undefined,
  });
}
