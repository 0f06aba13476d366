/**
 * The binding of webhooks to BullMQ: takes jobs, shares its slots, and returns a job to the queue by the outcome of its try.
 *
 * A slow receiver delays no other. Slots are shared among projects as those of runs are, and each endpoint has a window
 * (webhooks/send-windows.ts). A job that may not have a slot returns to the queue for a moment and holds nothing meanwhile.
 */
import { setTimeout as delay } from "node:timers/promises";
import { DelayedError, type Job, WaitingError, Worker } from "bullmq";
import { SlotShares } from "../../src/concurrency/slot-shares.ts";
import type { WorkerContext } from "../../src/context.ts";
import { delayErrors } from "../../src/queue/delay-errors.ts";
import { useRedisTime } from "../../src/queue/use-redis-time.ts";
import {
  WEBHOOK_QUEUE_NAME,
  type WebhookEventJob,
  type WebhookJob,
  webhookJobSchema,
} from "../../src/queue/webhook-queue.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { FetchPolicy } from "../net/fetch-policy.ts";
import { GuardedFetch } from "../net/guarded-fetch.ts";
import { deliverEvent, type DeliveryOutcome, type DeliveryParts, deliverTest } from "../webhooks/deliver.ts";
import { SendWindows } from "../webhooks/send-windows.ts";

const DRAIN_DELAY_SECONDS = 1;
/** Effectively no limit: a crash of a worker must not lose an event. */
const MAX_STALLED_COUNT = 1_000;
/** Delay after an error that is no answer of a receiver, such as a Redis that is away. */
const ERROR_DELAY_MS = 5_000;
/** A postponed job returns after this time, and later the more events wait for its endpoint. */
const MIN_POSTPONE_MS = 200;
const MAX_POSTPONE_MS = 60_000;
const POSTPONED_PER_SECOND = 200;

/** Returns the job to the queue for another try. */
class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly delayMs: number;
  constructor(delayMs: number) {
    super("The webhook was not delivered.");
    this.delayMs = delayMs;
  }
}

export class WebhookWorker {
  readonly #context: WorkerContext;
  readonly #worker: Worker<WebhookJob>;
  readonly #fetcher: GuardedFetch;
  readonly #parts: DeliveryParts;
  readonly #shares: SlotShares;
  readonly #windows: SendWindows;
  readonly #stopping = new AbortController();
  #isClosing = false;

  private constructor(context: WorkerContext) {
    const { config, storage, logger } = context;
    this.#context = context;
    this.#shares = new SlotShares(config.WEBHOOK_CONCURRENCY, config.FAIR_RESERVE_PERCENT);
    this.#windows = new SendWindows(config.WEBHOOK_CONCURRENCY);
    this.#fetcher = new GuardedFetch({
      policy: new FetchPolicy(config.FETCH_ALLOWED_HOSTS),
      connectTimeoutMs: config.WEBHOOK_TIMEOUT_MS,
    });
    const { webhooks, clock } = storage;
    this.#parts = { webhooks, clock, logger, config, fetch: this.#fetcher.fetch, signal: this.#stopping.signal };
    this.#worker = this.#openWorker();
  }

  /** Resolves once the worker takes jobs. */
  static async start(context: WorkerContext): Promise<WebhookWorker> {
    const worker = new WebhookWorker(context);
    await worker.#worker.waitUntilReady();
    return worker;
  }

  get isRunning(): boolean {
    return !this.#isClosing && this.#worker.isRunning();
  }

  #openWorker(): Worker<WebhookJob> {
    const { config, queueRedis, queuePrefix, storage, logger } = this.#context;
    const worker = new Worker<WebhookJob>(WEBHOOK_QUEUE_NAME, async (job, token) => await this.#process(job, token), {
      connection: queueRedis,
      prefix: queuePrefix,
      concurrency: config.WEBHOOK_CONCURRENCY + this.#shares.reserved,
      lockDuration: config.LOCK_DURATION_MS,
      stalledInterval: config.STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      drainDelay: DRAIN_DELAY_SECONDS,
      name: config.processName,
      settings: {
        backoffStrategy: (_made, _type, error) => (error instanceof RetryLater ? error.delayMs : ERROR_DELAY_MS),
      },
    });
    worker.on("error", (err) => {
      const level = isRedisUnavailable(err) ? "debug" : "warn";
      logger[level]({ err, queue: WEBHOOK_QUEUE_NAME }, "Queue worker error");
    });
    worker.on("failed", (job, err) => {
      if (!(err instanceof RetryLater)) logger.warn({ err, jobId: job?.id }, "Webhook could not be processed");
    });
    useRedisTime(worker.backend, storage.clock);
    delayErrors(worker.backend);
    return worker;
  }

  async #process(job: Job<WebhookJob>, token: string | undefined): Promise<unknown> {
    const data = webhookJobSchema.parse(job.data);
    try {
      if (data.kind === "test") return await deliverTest(this.#parts, data);
      if (!this.#mayBegin(data)) return await this.#postpone(job, data, token);
      const { retryDelayMs } = await this.#deliver(data, job.attemptsMade + 1);
      if (retryDelayMs !== undefined) throw new RetryLater(retryDelayMs);
      return undefined;
    } catch (error) {
      if (!this.#stopping.signal.aborted || error instanceof RetryLater || error instanceof DelayedError) throw error;
      await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  #mayBegin({ project, endpointId }: WebhookEventJob): boolean {
    if (this.#shares.isFull && !this.#shares.mayTakeReserve(project)) return false;
    return this.#windows.tryBegin(endpointId);
  }

  async #deliver(data: WebhookEventJob, attempt: number): Promise<DeliveryOutcome> {
    let outcome: DeliveryOutcome | undefined;
    this.#shares.begin(data.project);
    try {
      outcome = await deliverEvent(this.#parts, data, attempt);
      return outcome;
    } finally {
      this.#shares.end(data.project);
      this.#windows.end(data.endpointId, outcome?.durationMs ?? 0, outcome?.isAnswered ?? true);
    }
  }

  async #postpone(job: Job<WebhookJob>, { endpointId }: WebhookEventJob, token: string | undefined): Promise<never> {
    const pending = await this.#parts.webhooks.deliveries.countPending(endpointId);
    const spreadMs = Math.min(MAX_POSTPONE_MS, (pending / POSTPONED_PER_SECOND) * 1_000);
    const waitMs = MIN_POSTPONE_MS + Math.round(Math.random() * spreadMs);
    // BullMQ subtracts the date at once. useRedisTime() sets the due time.
    await job.moveToDelayed(Date.now() + waitMs, token);
    throw new DelayedError();
  }

  /** Takes no more jobs. Tries that are not answered when `graceMs` has passed return to the queue. */
  async drain(graceMs: number, handOverMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = this.#worker.close();
    await Promise.race([closed, delay(graceMs, undefined, { ref: false })]);
    this.#stopping.abort();
    await Promise.race([closed, delay(handOverMs, undefined, { ref: false })]);
    await this.#fetcher[Symbol.asyncDispose]();
  }
}
