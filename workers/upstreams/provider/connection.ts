/** The HTTP exchange of one try: its limits in time, and its certain end. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type ProviderError, createTimeoutError } from "./provider-error.ts";

export interface ProviderTimeout {
  /** The setting that an operator would change. */
  setting: string;
  ms: number;
}

/** What an SDK threw, in the terms of this server. */
export type ClassifyError = (error: unknown) => ProviderError;

/** The SDKs' requests know nothing of the try that they are of; what they call for their bytes does. */
const CURRENT_CONNECTION = new AsyncLocalStorage<Connection>();

export function getCurrentConnection(): Connection | undefined {
  return CURRENT_CONNECTION.getStore();
}

export class Connection {
  /** Of the wait that is under way. */
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;
  readonly #cancelled: AbortSignal;
  readonly #classify: ClassifyError;
  readonly #closing = new AbortController();
  /** Aborted when the run is cancelled, a limit has passed, or the try is over. The SDK then destroys the socket. */
  readonly signal: AbortSignal;

  constructor(cancelled: AbortSignal, classify: ClassifyError) {
    this.#cancelled = cancelled;
    this.#classify = classify;
    this.signal = AbortSignal.any([cancelled, this.#closing.signal]);
  }

  /**
   * Waits for the provider, and only for it: the clock stands still while the reader of the events is busy. Rejects
   * with the reason of the cancellation, or with a ProviderFault.
   */
  async waitWithin<T>(limit: ProviderTimeout, work: PromiseLike<T>): Promise<T> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.close();
    }, limit.ms);
    this.#timer = timer;
    const outcome = await work.then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    clearTimeout(timer);
    this.#timer = undefined;
    // Before the outcome is looked at: a stream of the SDK that was aborted ends as if it had been read to its end.
    this.#cancelled.throwIfAborted();
    if (expired) throw createTimeoutError(limit);
    if ("error" in outcome) throw this.#classify(outcome.error);
    return outcome.value;
  }

  /** Begins the request of this try: what its answer brings is noted here. */
  runRequest<T>(request: () => T): T {
    return CURRENT_CONNECTION.run(this, request);
  }

  /** Something has come, if only a comment: the wait begins again. */
  noteActivity(): void {
    this.#timer?.refresh();
  }

  /** The provider has said that its stream is over. */
  noteEnd(): void {
    this.#isEnded = true;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  close(): void {
    this.#closing.abort();
  }
}
