/**
 * The queue of webhooks: one job per event and endpoint. A job carries ids and times, and no URL or secret, so each try uses
 * the endpoint as it is then.
 */
import { type JobsOptions, Queue } from "bullmq";
import type { Logger } from "pino";
import { z } from "zod";
import { webhookEventTypeSchema } from "../protocol/webhook.ts";
import type { RedisClient } from "../redis/script.ts";

export const WEBHOOK_QUEUE_NAME = "webhooks";
/** The worker computes the delays. */
export const WEBHOOK_BACKOFF = "webhook";

const eventJobSchema = z.object({
  kind: z.literal("event"),
  project: z.string(),
  endpointId: z.string(),
  eventKey: z.string(),
  responseId: z.string(),
  type: webhookEventTypeSchema,
  endedAtMs: z.number(),
  giveUpAtMs: z.number(),
});
const testJobSchema = z.object({
  kind: z.literal("test"),
  project: z.string(),
  endpointId: z.string(),
  type: webhookEventTypeSchema,
});
export const webhookJobSchema = z.discriminatedUnion("kind", [eventJobSchema, testJobSchema]);
export type WebhookEventJob = z.infer<typeof eventJobSchema>;
export type WebhookTestJob = z.infer<typeof testJobSchema>;
export type WebhookJob = z.infer<typeof webhookJobSchema>;

/** The answer to a test. `gone`: the endpoint was deleted meanwhile. */
export const webhookTestOutcomeSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("answered"), statusCode: z.int() }),
  z.object({ kind: z.literal("unanswered"), error: z.string() }),
  z.object({ kind: z.literal("gone") }),
]);
export type WebhookTestOutcome = z.infer<typeof webhookTestOutcomeSchema>;

/** The worker decides after which try it gives up, long before this limit. */
const MAX_TRIES = 10_000;

const EVENT_OPTIONS: JobsOptions = {
  attempts: MAX_TRIES,
  backoff: { type: WEBHOOK_BACKOFF },
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 1,
};

const TEST_RESULT_SECONDS = 60;
const TEST_OPTIONS: JobsOptions = {
  attempts: 1,
  // Before events that wait: a person waits for the result.
  lifo: true,
  removeOnComplete: { age: TEST_RESULT_SECONDS },
  removeOnFail: { age: TEST_RESULT_SECONDS },
};

/** Jobs at the head of the queue among which one that was never tried is searched. */
const SEARCHED_JOBS = 20;

export interface WebhookQueueDepth {
  waiting: number;
  delayed: number;
  active: number;
  /** The end of the response whose event has waited longest for its first try. */
  oldestEndedAtMs: number | undefined;
}

export class WebhookQueue {
  readonly #queue: Queue<WebhookJob>;

  constructor(connection: RedisClient, prefix: string, logger: Logger) {
    this.#queue = new Queue<WebhookJob>(WEBHOOK_QUEUE_NAME, { connection, prefix, skipWaitingForReady: true });
    this.#queue.on("error", (err) => logger.debug({ err, queue: WEBHOOK_QUEUE_NAME }, "Queue connection error"));
  }

  /** Adds the jobs that do not exist. */
  async addEvents(jobs: readonly WebhookEventJob[]): Promise<void> {
    await this.#queue.addBulk(
      jobs.map((job) => ({
        name: job.project,
        data: job,
        opts: { ...EVENT_OPTIONS, jobId: `${job.endpointId}-${job.eventKey}` },
      })),
    );
  }

  /** Returns the id under which the outcome is read. */
  async addTest(job: WebhookTestJob, id: string): Promise<void> {
    await this.#queue.add(job.project, job, { ...TEST_OPTIONS, jobId: id });
  }

  /** Undefined until a worker has sent the test. */
  async readTestOutcome(id: string): Promise<WebhookTestOutcome | undefined> {
    const job = await this.#queue.getJob(id);
    if (job?.finishedOn === undefined) return undefined;
    await job.remove();
    if (job.failedReason !== undefined) return { kind: "unanswered", error: "The worker failed." };
    return webhookTestOutcomeSchema.parse(job.returnvalue);
  }

  /** Removes a test that no worker has begun. */
  async cancelTest(id: string): Promise<void> {
    await this.#queue.remove(id);
  }

  async readDepth(): Promise<WebhookQueueDepth> {
    const [counts, head] = await Promise.all([
      this.#queue.getJobCounts("waiting", "delayed", "active"),
      this.#queue.getJobs(["waiting"], 0, SEARCHED_JOBS - 1, true),
    ]);
    const ends = head.flatMap(({ data, attemptsMade }) => {
      const { data: job } = eventJobSchema.safeParse(data);
      return job === undefined || attemptsMade > 0 ? [] : [job.endedAtMs];
    });
    const [oldestEndedAtMs] = ends.toSorted((a, b) => a - b);
    const { waiting = 0, delayed = 0, active = 0 } = counts;
    return { waiting, delayed, active, oldestEndedAtMs };
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }
}
