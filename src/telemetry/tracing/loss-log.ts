import type { Logger } from "pino";

const INTERVAL_MS = 60_000;

/** Logs how many spans were lost: the first time at once, then at most one line per minute. */
export class LossLog {
  readonly #logger: Logger;
  #spans = 0;
  #reason = "";
  #pause: NodeJS.Timeout | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** `reason` is the latest one when the line is written. */
  add(spans: number, reason: string): void {
    if (spans === 0) return;
    this.#spans += spans;
    this.#reason = reason;
    if (this.#pause === undefined) this.#write();
  }

  /** Writes what was not logged. */
  close(): void {
    clearTimeout(this.#pause);
    if (this.#spans > 0) this.#log();
  }

  #write(): void {
    this.#log();
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      if (this.#spans > 0) this.#write();
    }, INTERVAL_MS).unref();
  }

  #log(): void {
    this.#logger.warn({ spans: this.#spans, reason: this.#reason }, "Spans were lost; responses are not affected");
    this.#spans = 0;
  }
}
