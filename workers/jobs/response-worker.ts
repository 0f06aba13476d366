/**
 * The binding to BullMQ: takes jobs, keeps their locks, and returns a job to its queue by the outcome of its attempt.
 * For the steps of an attempt, see workers/run/run-response.ts.
 */
import { setTimeout as delay } from "node:timers/promises";
import { DelayedError, type Job, WaitingError, Worker } from "bullmq";
import type { WorkerContext } from "../../src/context.ts";
import { delayErrors } from "../../src/queue/delay-errors.ts";
import { QUEUE_NAMES, type QueueName, type ResponseJob, responseJobSchema } from "../../src/queue/response-queue.ts";
import type { QueueSlots } from "../../src/protocol/organization-queue.ts";
import { useRedisTime } from "../../src/queue/use-redis-time.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { channels } from "../../src/telemetry/channels.ts";
import { measureRoundTrip } from "../../src/redis/round-trip.ts";
import type { RemoteRunTracker } from "../remote/remote-run-tracker.ts";
import { FairQueue, type ProcessJob } from "./fair-queue.ts";
import { computeLaneSizes, requiredLockDurationMs } from "./job-lanes.ts";
import { JobLocks } from "./job-locks.ts";
import { type WorkerDependencies, openDependencies } from "./run-dependencies.ts";
import { AttemptControl } from "../attempt/attempt.ts";
import type { AttemptOutcome } from "../run/attempt-outcome.ts";
import { SlotShares } from "../../src/concurrency/slot-shares.ts";
import { ActiveAttempts } from "./active-attempts.ts";
import { AttemptRunner } from "./attempt-runner.ts";

/** Timeout after the grace period, for stopped attempts to flush and release their leases. */
export const HAND_OVER_MS = 5_000;
/** Seconds that an idle worker blocks on its queue. A job that was handed over is found within them. */
const DRAIN_DELAY_SECONDS = 1;
const FOREGROUND: QueueName = "foreground";
/** Effectively no limit: the record counts attempts, and does not count hand-overs. */
const MAX_STALLED_COUNT = 1_000;

export class ResponseWorker {
  readonly #context: WorkerContext;
  readonly #dependencies: WorkerDependencies;
  readonly #active: ActiveAttempts;
  readonly #runner: AttemptRunner;
  readonly #fairQueues: FairQueue[] = [];
  readonly #shares: Record<QueueName, SlotShares>;
  readonly #workers: Worker<ResponseJob>[];
  readonly #locks: JobLocks;
  #isClosing = false;

  private constructor(context: WorkerContext, roundTripMs: number) {
    this.#context = context;
    const { queue } = context;
    this.#locks = new JobLocks(context.config.LOCK_DURATION_MS, async ({ id, queueName }, token, durationMs) =>
      queue.renewLock(queueName as QueueName, id!, token, durationMs),
    );
    this.#dependencies = openDependencies(context);
    this.#active = new ActiveAttempts(context.storage.leases, context.logger);
    this.#runner = new AttemptRunner(context, this.#dependencies.run, this.#active);
    const { FOREGROUND_CONCURRENCY, BACKGROUND_CONCURRENCY, FAIR_RESERVE_PERCENT } = context.config;
    this.#shares = {
      foreground: new SlotShares(FOREGROUND_CONCURRENCY, FAIR_RESERVE_PERCENT),
      background: new SlotShares(BACKGROUND_CONCURRENCY, FAIR_RESERVE_PERCENT),
    };
    this.#workers = QUEUE_NAMES.flatMap((name) => this.#openQueue(name, roundTripMs));
  }

  /** Resolves once the worker takes jobs. */
  static async start(context: WorkerContext): Promise<ResponseWorker> {
    const roundTripMs = await measureRoundTrip(context.queueRedis);
    warnIfRedisDistant(context, roundTripMs);
    const worker = new ResponseWorker(context, roundTripMs);
    await context.listenForAborts((id) => worker.#active.cancel(id));
    await Promise.all(worker.#workers.map((each) => each.waitUntilReady()));
    return worker;
  }

  get remoteRuns(): RemoteRunTracker {
    return this.#dependencies.remoteRuns;
  }

  get isRunning(): boolean {
    return !this.#isClosing && this.#workers.every((worker) => worker.isRunning());
  }

  get slots(): Record<QueueName, QueueSlots> {
    const { foreground, background } = this.#shares;
    return {
      foreground: { slots: foreground.slots, used: foreground.used },
      background: { slots: background.slots, used: background.used },
    };
  }

  #openQueue(name: QueueName, roundTripMs: number): Worker<ResponseJob>[] {
    const { queue, logger } = this.#context;
    const process: ProcessJob = async (job, token) => await this.#process(job, token);
    const shares = this.#shares[name];
    const fair = new FairQueue(name, queue, shares, logger, process);
    const lanes = computeLaneSizes(shares.slots, roundTripMs).map((size, lane) =>
      this.#openLane(name, fair, size, lane > 0),
    );
    fair.attach(lanes[0]!);
    this.#fairQueues.push(fair);
    return lanes;
  }

  /** Only one lane of a process checks for stalled jobs. */
  #openLane(name: QueueName, fair: FairQueue, slots: number, skipStalledCheck: boolean): Worker<ResponseJob> {
    const { config, queueRedis, queuePrefix, storage, logger } = this.#context;
    const worker = new Worker<ResponseJob>(name, async (job, token) => await fair.process(job, token), {
      connection: queueRedis,
      prefix: queuePrefix,
      concurrency: slots,
      lockDuration: config.LOCK_DURATION_MS,
      stalledInterval: config.STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      drainDelay: DRAIN_DELAY_SECONDS,
      skipStalledCheck,
      // JobLocks renews them.
      skipLockRenewal: true,
      name: config.processName,
    });
    worker.on("active", (job) => this.#locks.startRenewal(job));
    worker.on("error", (err) => {
      // While Redis is unavailable every command fails, and the connection has logged why.
      const level = isRedisUnavailable(err) ? "debug" : "warn";
      logger[level]({ err, queue: name }, "Queue worker error");
    });
    worker.on("failed", (job, err) => logger.warn({ err, responseId: job?.id, queue: name }, "Attempt failed"));
    useRedisTime(worker.backend, storage.clock);
    delayErrors(worker.backend);
    worker.on("stalled", (responseId) => {
      logger.info({ responseId, queue: name }, "Recovered from a lost worker");
      channels.stall.publish({ responseId, queue: name });
    });
    return worker;
  }

  async #process(job: Job<ResponseJob>, token: string | undefined): Promise<void> {
    const { responseId } = responseJobSchema.parse(job.data);
    const control = new AttemptControl();
    this.#locks.watch(job, () => control.stop("lock-lost"));
    let outcome: AttemptOutcome;
    try {
      outcome = await this.#runner.run(responseId, control, job.queueName === FOREGROUND);
    } finally {
      this.#locks.release(job);
    }
    switch (outcome.kind) {
      case "ended":
      case "not-needed":
      case "lost":
        return;
      case "handed-over":
        await job.moveToWait(token);
        throw new WaitingError();
      case "requeued":
        // After a crash before this line, BullMQ recovers the job as stalled, and the response resumes without the wait.
        // BullMQ subtracts the date at once. useRedisTime() sets the due time.
        await job.moveToDelayed(Date.now() + outcome.waitMs, token);
        throw new DelayedError();
    }
  }

  /**
   * Takes no more jobs, and hands over background attempts between two items, or at once if they wait. After `graceMs`, it
   * stops, flushes and hands over the rest.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isClosing = true;
    // Close first: a paused worker still takes the job that its blocking read returns. `close` resolves only after the
    // attempts have ended, so it is awaited below.
    const closed = Promise.all([
      ...this.#workers.map((worker) => worker.close()),
      ...this.#fairQueues.map((each) => each.close()),
    ]);
    this.#active.requestHandOver();
    await Promise.race([this.#active.waitUntilEnded(), delay(graceMs, undefined, { ref: false })]);
    this.#active.stop();
    await Promise.race([closed, delay(HAND_OVER_MS, undefined, { ref: false })]);
    this.#active.close();
    await this.#dependencies.close();
  }
}

function warnIfRedisDistant({ config, logger }: WorkerContext, roundTripMs: number): void {
  const wantedMs = requiredLockDurationMs(roundTripMs, config.LOCK_DURATION_MS);
  if (wantedMs === undefined) return;
  logger.warn(
    { roundTripMs: Math.round(roundTripMs), lockDurationMs: config.LOCK_DURATION_MS },
    `Redis is too far away for locks that short: set LOCK_DURATION_MS to ${wantedMs} or more`,
  );
}
