/** A timeout that can be paused during waits that have their own limits. */
export class PausableTimeout implements Disposable {
  readonly #aborter = new AbortController();
  #leftMs: number;
  #startedAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#leftMs = limitMs;
    this.#start();
  }

  /** Aborted when the time is up. */
  get signal(): AbortSignal {
    return this.#aborter.signal;
  }

  /** Runs `wait` without counting its time. Only one wait at a time. */
  async pauseWhile<T>(wait: () => Promise<T>): Promise<T> {
    this.#stop();
    try {
      return await wait();
    } finally {
      this.#start();
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #start(): void {
    this.#startedAt = performance.now();
    this.#timer = setTimeout(() => this.#aborter.abort(), Math.max(0, this.#leftMs)).unref();
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#startedAt;
  }
}
