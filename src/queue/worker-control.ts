/**
 * Orders to workers, so that a cancelled run stops within milliseconds. Pub/sub delivers at most once: a worker that
 * misses an order notices the lost lease a few seconds later (workers/jobs/response-worker.ts).
 */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";
import type { QueuedResponse, ResponseQueue } from "./response-queue.ts";

export class WorkerControl {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #queue: ResponseQueue;

  constructor(redis: RedisClient, layout: RedisLayout, queue: ResponseQueue) {
    this.#redis = redis;
    this.#layout = layout;
    this.#queue = queue;
  }

  /** Orders the worker that runs this response to stop. */
  async abort(id: string): Promise<void> {
    await this.#redis.publish(this.#layout.workerControl, id);
  }

  /** Removes the waiting job of a response that has ended. A worker that holds the job keeps it. */
  async removeJob(response: QueuedResponse): Promise<void> {
    await this.#queue.remove(response);
  }

  /** Like `removeJob`, but never rejects: the worker that takes a leftover job finds the response ended. */
  async tryRemoveJob(response: QueuedResponse): Promise<void> {
    await this.#queue.tryRemove(response);
  }

  /** `subscriber` is a dedicated connection. */
  static async listen(subscriber: RedisClient, layout: RedisLayout, onAbort: (id: string) => void): Promise<void> {
    subscriber.on("message", (_channel: string, id: string) => onAbort(id));
    await subscriber.subscribe(layout.workerControl);
  }
}
