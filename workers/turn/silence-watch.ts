/** Notices that a provider has sent nothing for a while: long before the timeout, an operator may want to know. */
export class SilenceWatch implements Disposable {
  readonly #limitMs: number;
  readonly #onSilence: (silentMs: number) => void;
  #quietSinceMs = performance.now();
  #isReported = false;
  #timer: NodeJS.Timeout;

  /** `onSilence` is called once per silence of `limitMs`. */
  constructor(limitMs: number, onSilence: (silentMs: number) => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
    this.#timer = this.#checkIn(limitMs);
  }

  /** Cheap: called for each event. `delayMs`: for so long, nothing is expected. */
  noteEvent(delayMs = 0): void {
    this.#quietSinceMs = performance.now() + delayMs;
    this.#isReported = false;
  }

  #checkIn(delayMs: number): NodeJS.Timeout {
    return setTimeout(() => this.#check(), delayMs).unref();
  }

  #check(): void {
    const silentMs = performance.now() - this.#quietSinceMs;
    const isSilent = silentMs >= this.#limitMs;
    this.#timer = this.#checkIn(isSilent ? this.#limitMs : Math.ceil(this.#limitMs - silentMs));
    if (!isSilent || this.#isReported) return;
    this.#isReported = true;
    this.#onSilence(silentMs);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
