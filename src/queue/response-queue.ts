/**
 * The two queues. Long background runs and short foreground ones never wait for each other's workers. A job carries
 * nothing but the response's id, and its project as its name, by which jobs are shared out fairly: everything else is in
 * the record, so a job can be lost and made again.
 */
import { type JobsOptions, Queue } from "bullmq";
import type { Logger } from "pino";
import { z } from "zod";
import type { RedisClient } from "../redis/script.ts";
import { moveToFrontScript } from "./move-to-front.ts";
import { renewLockScript } from "./renew-lock.ts";

export const QUEUE_NAMES = ["foreground", "background"] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

export const responseJobSchema = z.object({ responseId: z.string() });
export type ResponseJob = z.infer<typeof responseJobSchema>;

/**
 * Failed attempts are retried by BullMQ; how many there may be in all is counted in the record (src/stream/log/lease.ts), so
 * this bound is only a second fence. Ended jobs are removed at once: their id must be free for the sweeper.
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

/** `first`: it was taken from a lost worker, and BullMQ puts those before all priorities. `gone`: it has no job. */
export type PriorityChange = "changed" | "first" | "gone";

export class ResponseQueue {
  readonly #queues: Record<QueueName, Queue<ResponseJob>>;
  readonly #redis: RedisClient;
  readonly #prefix: string;
  readonly #logger: Logger;

  constructor(connection: RedisClient, prefix: string, logger: Logger) {
    const open = (name: QueueName): Queue<ResponseJob> => {
      // A request must fail at once while Redis is away; BullMQ would otherwise wait for it.
      const queue = new Queue<ResponseJob>(name, { connection, prefix, skipWaitingForReady: true });
      queue.on("error", (err) => logger.debug({ err, queue: name }, "Queue connection error"));
      return queue;
    };
    this.#redis = connection;
    this.#prefix = prefix;
    this.#logger = logger;
    this.#queues = { foreground: open("foreground"), background: open("background") };
  }

  /** Adds the response's job unless it is there already: the job's id is the response's. `priority`: queue-class.ts. */
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
   * Whether a job exists that some worker has or will have. One that has ended does not count, and neither does one that
   * is in none of BullMQ's lists, after a crash of its client between two steps or by somebody's hand: nobody would ever
   * take it. Both are removed, since they keep a new one from being added. One that a worker runs all the same keeps its
   * lock, and is removed by a later call.
   */
  async isQueued(response: QueuedResponse): Promise<boolean> {
    const queue = this.#queues[response.background ? "background" : "foreground"];
    const state = await queue.getJobState(response.id);
    const isAbsent = state === "unknown" || state === "completed" || state === "failed";
    if (isAbsent) await queue.remove(response.id);
    return !isAbsent;
  }

  /** Takes a waiting job away. One that a worker holds stays: it ends by itself when its lease is lost. */
  async remove(response: QueuedResponse): Promise<void> {
    await this.#queues[response.background ? "background" : "foreground"].remove(response.id);
  }

  /** As `remove`, but logs an error instead of rejecting. */
  async tryRemove(response: QueuedResponse): Promise<void> {
    await this.remove(response).catch((err: unknown) => {
      this.#logger.debug({ err, responseId: response.id }, "Could not remove the job of an ended response");
    });
  }

  /**
   * Changes the class of a background response. BullMQ keeps it with the job: one that is delayed, or being run, comes
   * back in it.
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
      // It ended meanwhile.
      if ((await queue.getJobState(id)) === "unknown") return "gone";
      throw error;
    }
  }

  /** Puts up to `count` jobs of other projects than `passed` in front, in their order. Returns how many there are. */
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

  /** For the worker that holds a job by `token`. False if somebody else has it by now. */
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

  /** Rejects if the queue cannot be used now. */
  async check(): Promise<void> {
    await this.#queues.background.getJobCountByTypes("wait");
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#queues).map((queue) => queue.close()));
  }
}
