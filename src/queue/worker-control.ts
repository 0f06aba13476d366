/**
 * Orders to workers, so that a cancelled run stops within milliseconds. Pub/sub delivers at most once: a worker that
 * misses an order notices the lost lease a few seconds later (workers/jobs/response-worker.ts).
 */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export class WorkerControl {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Orders the worker that runs this response to stop. */
  async abort(id: string): Promise<void> {
    await this.#redis.publish(this.#layout.workerControl, id);
  }

  /** `subscriber` is a dedicated connection. */
  static async listen(subscriber: RedisClient, layout: RedisLayout, onAbort: (id: string) => void): Promise<void> {
    subscriber.on("message", (_channel: string, id: string) => onAbort(id));
    await subscriber.subscribe(layout.workerControl);
  }
}
