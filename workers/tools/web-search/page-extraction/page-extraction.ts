/**
 * Extracts the text of HTML pages, and reads the rules of robots.txt, in threads of their own. What is made to cost much
 * costs one of them: a thread that takes too long or too much memory is ended, and the worker's other runs never wait for it.
 */
import { Worker } from "node:worker_threads";
import { FairLine, LineFullError, type Place } from "../../../../src/concurrency/fair-line.ts";
import type { ExtractedPage, HtmlPage } from "./extract-page.ts";
import type { RobotsQuestion } from "./robots-rules.ts";
import type { ExtractionAnswer, ExtractionRequest } from "./thread.ts";

export interface ExtractionLimits {
  /** Pages that are extracted at the same time for one project; more wait. */
  threads: number;
  /** Threads beyond these for projects that have few beside others, in percent; at least one, or 0 for none. */
  reservePercent: number;
  /** Pages that may wait. */
  queue: number;
  /** For one page, from when its turn has come. */
  timeMs: number;
  memoryMb: number;
  textLength: number;
  /** A thread that had nothing to do for so long is ended. */
  idleMs: number;
}

const LIMITS: ExtractionLimits = {
  threads: 2,
  reservePercent: 10,
  queue: 100,
  timeMs: 15_000,
  memoryMb: 512,
  textLength: 1_000_000,
  idleMs: 30_000,
};

/** The page could not be read. The message is for the model. */
export class ExtractionError extends Error {
  override readonly name = "ExtractionError";
}

export class PageExtraction {
  readonly #limits: ExtractionLimits;
  readonly #idle = new Map<Worker, NodeJS.Timeout>();
  readonly #line: FairLine;

  constructor(limits: Partial<ExtractionLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    const { threads, reservePercent, queue } = this.#limits;
    this.#line = new FairLine({ places: threads, reservePercent, maxWaiting: queue });
  }

  /** Rejects with an ExtractionError, or with the signal's reason. */
  async extract(project: string, page: HtmlPage, signal: AbortSignal): Promise<ExtractedPage> {
    const answer = await this.#read(project, { page, textMaximum: this.#limits.textLength }, signal);
    if (!("page" in answer)) throw unreadable(answer);
    return answer.page;
  }

  /** Whether a robots.txt lets a URL be opened. Rejects as `extract` does. */
  async isOpen(project: string, robots: RobotsQuestion, signal: AbortSignal): Promise<boolean> {
    const answer = await this.#read(project, { robots }, signal);
    if (!("isOpen" in answer)) throw unreadable(answer);
    return answer.isOpen;
  }

  async #read(project: string, request: ExtractionRequest, signal: AbortSignal): Promise<ExtractionAnswer> {
    using _place = await this.#turn(project, signal);
    const worker = this.#take();
    let isUsable = false;
    try {
      const answer = await this.#ask(worker, request, signal);
      isUsable = true;
      return answer;
    } finally {
      if (isUsable) this.#keep(worker);
      else void worker.terminate();
    }
  }

  /** Waits until one more page of the project may be extracted. */
  async #turn(project: string, signal: AbortSignal): Promise<Place> {
    try {
      return await this.#line.enter(project, signal);
    } catch (cause) {
      if (!(cause instanceof LineFullError)) throw cause;
      throw new ExtractionError("Too many pages are being read at the moment.", { cause });
    }
  }

  async #ask(worker: Worker, request: ExtractionRequest, signal: AbortSignal): Promise<ExtractionAnswer> {
    signal.throwIfAborted();
    const { timeMs } = this.#limits;
    const what = "page" in request ? "The page" : "The site's robots.txt";
    const { promise, resolve, reject } = Promise.withResolvers<ExtractionAnswer>();
    const stop = (): void => reject(signal.reason as Error);
    const giveUp = (cause?: unknown): void =>
      reject(new ExtractionError(`${what} is too complex to be read.`, { cause }));
    const timer = setTimeout(giveUp, timeMs);
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

  #take(): Worker {
    const [kept] = this.#idle.keys();
    if (kept !== undefined) {
      this.#forget(kept);
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
    worker.once("exit", () => this.#forget(worker));
    return worker;
  }

  #keep(worker: Worker): void {
    const timer = setTimeout(() => {
      this.#forget(worker);
      void worker.terminate();
    }, this.#limits.idleMs);
    this.#idle.set(worker, timer.unref());
  }

  #forget(worker: Worker): void {
    clearTimeout(this.#idle.get(worker));
    this.#idle.delete(worker);
  }
}

function unreadable(answer: ExtractionAnswer): ExtractionError {
  return new ExtractionError("The page could not be read.", { cause: "error" in answer ? answer.error : undefined });
}
