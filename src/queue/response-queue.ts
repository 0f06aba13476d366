/**
 * The two queues: long background runs and short foreground runs never wait for each other's workers. A job carries
 * only the response's id, with the project as its name for fair scheduling. Everything else is in the record, so a lost
 * job can be created again.
 */
import type { IServerAdapter } from "@bull-board/api/typings/app";
import { type JobsOptions, Queue } from "bullmq";
import type { Logger } from "pino";
import { z } from "zod";
import type { QueueName } from "../protocol/organization-queue.ts";
import type { RedisClient } from "../redis/script.ts";
import { moveToFrontScript } from "./move-to-front.ts";
import { type QueueDepth, readQueueDepth } from "./queue-depth.ts";
import { renewLockScript } from "./renew-lock.ts";

export { QUEUE_NAMES, type QueueName } from "../protocol/organization-queue.ts";

export const responseJobSchema = z.object({ responseId: z.string() });
export type ResponseJob = z.infer<typeof responseJobSchema>;

/**
 * BullMQ retries failed attempts. The record counts the attempts (src/stream/log/lease.ts), so this limit is a second
 * safeguard. Ended jobs are removed at once, because the sweeper may need their id for a new job.
 */
const JOB_OPTIONS: JobsOptions = {
  attempts: 20,
  backoff: { type: "fixed", delay: 1_000, jitter: 0.5 },
  removeOnComplete: true,
  removeOnFail: true,
};

export interface QueuedResponse {
  id: string;
  background: boolean;
}

/**
 * `first`: the job came from a lost worker, and BullMQ puts such jobs before all priorities. `gone`: there is no job.
 */
export type PriorityChange = "changed" | "first" | "gone";

export class ResponseQueue {
  readonly #queues: Record<QueueName, Queue<ResponseJob>>;
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #logger: Logger;

  constructor(connection: RedisClient, prefix: string, logger: Logger) {
    const open = (name: QueueName): Queue<ResponseJob> => {
      // A request must fail at once while Redis is unavailable; BullMQ would wait by default.
      const queue = new Queue<ResponseJob>(name, { connection, prefix, skipWaitingForReady: true });
      queue.on("error", (err) => logger.debug({ err, queue: name }, "Queue connection error"));
      return queue;
    };
    this.#redis = connection;
    this.#prefix = prefix;
    this.#logger = logger;
    this.#queues = { foreground: open("foreground"), background: open("background") };
  }

  /** Adds the response's job unless it exists: the job's id is the response's id. `priority`: see queue-class.ts. */
  async enqueue(response: QueuedResponse & { project: string; priority: number }): Promise<void> {
    const name: QueueName = response.background ? "background" : "foreground";
    const priority = response.background ? { priority: response.priority } : {};
    await this.#queues[name].add(
      response.project,
      { responseId: response.id },
      { ...JOB_OPTIONS, ...priority, jobId: response.id },
    );
  }

  /**
   * Whether a worker has this job or will get it. An ended job does not count. Nor does a job in none of BullMQ's
   * lists (after a client's crash between two steps, or manual intervention): no worker would ever take it. Both are
   * removed, because they block a new job. If a worker still runs such a job, its lock prevents the removal, and
   * a later call removes it.
   */
  async isQueued(response: QueuedResponse): Promise<boolean> {
    const queue = this.#queues[response.background ? "background" : "foreground"];
    const state = await queue.getJobState(response.id);
    const isAbsent = state === "unknown" || state === "completed" || state === "failed";
    if (isAbsent) await queue.remove(response.id);
    return !isAbsent;
  }

  /** Removes a waiting job. A job held by a worker stays: it ends when its lease is lost. */
  async remove(response: QueuedResponse): Promise<void> {
    await this.#queues[response.background ? "background" : "foreground"].remove(response.id);
  }

  /** Like `remove`, but logs an error instead of rejecting. */
  async tryRemove(response: QueuedResponse): Promise<void> {
    await this.remove(response).catch((err: unknown) => {
      this.#logger.debug({ err, responseId: response.id }, "Could not remove the job of an ended response");
    });
  }

  /**
   * Changes the class of a background response. BullMQ stores it with the job, so a delayed or running job returns in
   * its new class.
   */
  async changePriority(id: string, priority: number): Promise<PriorityChange> {
    const queue = this.#queues.background;
    const state = await queue.getJobState(id);
    if (state === "unknown") return "gone";
    if (state === "waiting") return "first";
    try {
      await queue.backend.changePriority(id, priority);
      return "changed";
    } catch (error) {
      // The job ended in the meantime.
      if ((await queue.getJobState(id)) === "unknown") return "gone";
      throw error;
    }
  }

  /** Moves up to `count` jobs of projects other than `skippedProjects` to the front, in order. Returns their number. */
  async moveToFront(name: QueueName, skippedProjects: readonly string[], count: number): Promise<number> {
    const keyPrefix = `${this.#prefix}:${name}:`;
    return await moveToFrontScript(
      this.#redis,
      `${keyPrefix}wait`,
      `${keyPrefix}prioritized`,
      keyPrefix,
      count,
      skippedProjects,
    );
  }

  /** Renews the lock of the job held with `token`. Returns false if another worker holds the job. */
  async renewLock(name: QueueName, jobId: string, token: string, durationMs: number): Promise<boolean> {
    const keyPrefix = `${this.#prefix}:${name}:`;
    return (
      (await renewLockScript(
        this.#redis,
        `${keyPrefix}${jobId}:lock`,
        `${keyPrefix}stalled`,
        token,
        durationMs,
        jobId,
      )) === 1
    );
  }

  async readDepth(name: QueueName): Promise<QueueDepth> {
    return await readQueueDepth(this.#redis, this.#prefix, name);
  }

  /** Shows the queues on bull-board, which is loaded only then. */
  async showOn(adapter: IServerAdapter): Promise<void> {
    const { showQueues } = await import("./show-queues.ts");
    showQueues(Object.values(this.#queues), adapter);
  }

  /** Rejects if the queue is unusable now. */
  async check(): Promise<void> {
    await this.#queues.background.getJobCountByTypes("wait");
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
  }
}
