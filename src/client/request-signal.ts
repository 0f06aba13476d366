/** The signal of one request. The caller's signal may outlive thousands of them, and must keep no listener of any. */
export class RequestSignal {
  readonly #controller = new AbortController();
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.#controller.abort(this.#signal.reason);
  readonly #timer: ReturnType<typeof setTimeout> | undefined;
  #isOverdue = false;

  constructor(signal: AbortSignal, timeoutMs?: number) {
    this.#signal = signal;
    if (signal.aborted) this.#onAbort();
    signal.addEventListener("abort", this.#onAbort);
    if (timeoutMs !== undefined) this.#timer = setTimeout(() => this.#expire(), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the timeout passed. */
  get isOverdue(): boolean {
    return this.#isOverdue;
  }

  #expire(): void {
    this.#isOverdue = true;
    this.#controller.abort();
  }

  /** Ends the request too, if it still runs. */
  close(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
    this.#controller.abort();
  }
}
