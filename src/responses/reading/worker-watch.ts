/** Logs when a queue has no live worker, and when it has one again: responses wait meanwhile, and nothing else says so. */
import type { Logger } from "pino";
import { QUEUE_NAMES, type QueueName } from "../../protocol/organization-queue.ts";
import type { Storage } from "../storage.ts";

const INTERVAL_MS = 10_000;

export class WorkerWatch implements Disposable {
  readonly #workers: Storage["workers"];
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  readonly #unserved = new Set<QueueName>();

  /** The first look is after `intervalMs`, so that a server that starts with its workers logs nothing. */
  constructor({ workers }: Pick<Storage, "workers">, logger: Logger, intervalMs = INTERVAL_MS) {
    this.#workers = workers;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.#look(), intervalMs).unref();
  }

  async #look(): Promise<void> {
    // While Redis does not answer, other lines say so.
    const counts = await this.#workers.countAll().catch(() => undefined);
    if (counts === undefined) return;
    for (const queue of QUEUE_NAMES) {
      const isUnserved = counts[queue] === 0;
      if (isUnserved === this.#unserved.has(queue)) continue;
      if (isUnserved) {
        this.#unserved.add(queue);
        this.#logger.warn({ queue }, "No worker serves the queue: its responses wait until a worker starts");
      } else {
        this.#unserved.delete(queue);
        this.#logger.info({ queue, workers: counts[queue] }, "A worker serves the queue again");
      }
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
