/** The HTTP exchange of one try: its timeouts and its guaranteed end. */
import { AsyncLocalStorage } from "node:async_hooks";
import { type ProviderError, createTimeoutError } from "./provider-error.ts";

export interface ProviderTimeout {
  /** The setting for the operator to change. */
  setting: string;
  ms: number;
}

/** Converts an error that an SDK threw. */
export type ClassifyError = (error: unknown) => ProviderError;

/** SDK requests have no reference to their try; the fetch function that they call finds it here. */
const CURRENT_CONNECTION = new AsyncLocalStorage<Connection>();

export function getCurrentConnection(): Connection | undefined {
  return CURRENT_CONNECTION.getStore();
}

export class Connection {
  /** The timer of the current wait. */
  #timer: NodeJS.Timeout | undefined;
  #isEnded = false;
  readonly #cancelled: AbortSignal;
  readonly #classify: ClassifyError;
  readonly #closing = new AbortController();
  /** Aborted when the run is cancelled, a timeout passes or the try ends. The SDK then destroys the socket. */
  readonly signal: AbortSignal;

  constructor(cancelled: AbortSignal, classify: ClassifyError) {
    this.#cancelled = cancelled;
    this.#classify = classify;
    this.signal = AbortSignal.any([cancelled, this.#closing.signal]);
  }

  /**
   * Waits for the provider. The timeout does not run while the reader of the events is busy. Rejects with the reason of
   * the cancellation, or with a ProviderError.
   */
  async waitWithin<T>(limit: ProviderTimeout, work: PromiseLike<T>): Promise<T> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.close();
    }, limit.ms);
    this.#timer = timer;
    const outcome = await settle(work);
    clearTimeout(timer);
    this.#timer = undefined;
    // Checked before the outcome: an aborted stream of the SDK ends as if it were complete.
    this.#cancelled.throwIfAborted();
    if (expired) throw createTimeoutError(limit);
    if (outcome.kind === "rejected") throw this.#classify(outcome.error);
    return outcome.value;
  }

  /** Starts the request of this try, so that its fetch can report to this connection. */
  runRequest<T>(request: () => T): T {
    return CURRENT_CONNECTION.run(this, request);
  }

  /** Restarts the timeout: the provider has sent bytes, if only a comment. */
  noteActivity(): void {
    this.#timer?.refresh();
  }

  /** The provider has ended its stream. */
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

type Outcome<T> = { kind: "resolved"; value: T } | { kind: "rejected"; error: unknown };

async function settle<T>(work: PromiseLike<T>): Promise<Outcome<T>> {
  try {
    return { kind: "resolved", value: await work };
  } catch (error) {
    return { kind: "rejected", error };
  }
}
