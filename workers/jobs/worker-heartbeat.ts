/** Announces this worker while it takes jobs (src/store/worker-registry.ts). */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { ANNOUNCE_INTERVAL_MS, type WorkerDetails, type WorkerRegistry } from "../../src/store/worker-registry.ts";

/** Redis may not answer. A worker that is not removed vanishes a few seconds later. */
const REMOVE_TIMEOUT_MS = 1_000;

export interface HeartbeatOptions {
  registry: WorkerRegistry;
  id: string;
  readDetails: () => WorkerDetails;
  logger: Logger;
}

export class WorkerHeartbeat {
  readonly #options: HeartbeatOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #isListed = true;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  /** Resolves after the first announcement. */
  async start(): Promise<void> {
    await this.#announce();
    this.#loop = this.#announceUntilStopped();
  }

  /** Removes the worker at once: it takes no more jobs. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const { registry, id, logger } = this.#options;
    // After a running announcement, which would list the worker again.
    const removed = this.#loop.then(async () => await registry.remove(id));
    removed.catch((err: unknown) => logger.debug({ err }, "Could not remove this worker from the list of workers"));
    await Promise.race([removed.catch(() => {}), delay(REMOVE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  async #announceUntilStopped(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await delay(ANNOUNCE_INTERVAL_MS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#announce();
    }
  }

  /** Never rejects. While Redis is unavailable, one announcement waits. */
  async #announce(): Promise<void> {
    const { registry, id, readDetails, logger } = this.#options;
    try {
      const isListed = await registry.announce(id, readDetails());
      if (!isListed && this.#isListed) logger.warn("This worker runs and is not listed: too many workers are");
      this.#isListed = isListed;
    } catch (err) {
      logger[isRedisUnavailable(err) ? "debug" : "warn"]({ err }, "Could not announce this worker");
    }
  }
}
