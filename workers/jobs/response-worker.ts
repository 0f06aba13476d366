/**
 * The binding to BullMQ: which runs this process has, and the four ways in which one is told to stop. What a run does is in
 * run-response.ts; here is only what a queue and its locks have to do with it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { DelayedError, type Job, WaitingError, Worker } from "bullmq";
import type { WorkerContext } from "../../src/context.ts";
import { delayErrors } from "../../src/queue/delay-errors.ts";
import { QUEUE_NAMES, type QueueName, type ResponseJob, responseJobSchema } from "../../src/queue/response-queue.ts";
import { useRedisTime } from "../../src/queue/use-redis-time.ts";
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import type { Clock } from "../../src/redis/redis-clock.ts";
import { measureRoundTrip } from "../../src/redis/round-trip.ts";
import { prioritizeRelatedResponse } from "../../src/responses/admission/queue-response.ts";
import { isSuspect } from "../../src/stream/log/lease.ts";
import type { RemoteRunTracker } from "../remote/remote-run-tracker.ts";
import { FairQueue, type ProcessJob } from "./fair-queue.ts";
import { computeLaneSizes, requiredLockDurationMs } from "./job-lanes.ts";
import { JobLocks } from "./job-locks.ts";
import { Quarantine } from "./quarantine.ts";
import { type WorkerDependencies, openDependencies } from "./run-dependencies.ts";
import { RunControl } from "../attempt/run.ts";
import { type RunOutcome, runResponse } from "../run/run-response.ts";
import { SlotShares } from "../../src/concurrency/slot-shares.ts";

/** How often each run's lease is looked at: the longest that a run goes on after a cancel whose order was lost. */
const LEASE_CHECK_MS = 2_000;
/** After the grace period: for aborted runs to flush and hand over. */
export const HAND_OVER_MS = 5_000;
/** Seconds that an idle worker waits for a job in one go: a job that is handed over is found within them. */
const DRAIN_DELAY_SECONDS = 1;
const FOREGROUND: QueueName = "foreground";
/** BullMQ's own bounds on lost jobs are wide: attempts are counted in the record, where a hand-over is not one. */
const MAX_STALLED_COUNT = 1_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A run that this process has. There may be two of one response for a moment, if its job was lost and came back here. */
interface ActiveRun {
  id: string;
  control: RunControl;
  lease: string | undefined;
  done: Promise<unknown>;
  /** A client waits on its connection for the end. */
  isForeground: boolean;
}

export class ResponseWorker {
  readonly #context: WorkerContext;
  readonly #dependencies: WorkerDependencies;
  readonly #quarantine: Quarantine;
  readonly #fairQueues: FairQueue[] = [];
  readonly #workers: Worker<ResponseJob>[];
  readonly #locks: JobLocks;
  readonly #active = new Set<ActiveRun>();
  readonly #leaseCheck: NodeJS.Timeout;
  #isChecking = false;
  /** Takes no more jobs. */
  #isClosing = false;
  /** Stops the runs that it still has. */
  #isDraining = false;

  private constructor(context: WorkerContext, roundTripMs: number) {
    this.#context = context;
    const { queue } = context;
    this.#locks = new JobLocks(context.config.LOCK_DURATION_MS, async ({ id, queueName }, token, durationMs) =>
      queue.renewLock(queueName as QueueName, id!, token, durationMs),
    );
    this.#dependencies = openDependencies(context);
    this.#quarantine = new Quarantine(context.storage.leases, context.logger);
    this.#workers = QUEUE_NAMES.flatMap((name) => this.#openQueue(name, roundTripMs));
    this.#leaseCheck = setInterval(() => void this.#checkLeases(), LEASE_CHECK_MS);
  }

  /** Resolves when jobs are being taken. */
  static async start(context: WorkerContext): Promise<ResponseWorker> {
    const roundTripMs = await measureRoundTrip(context.queueRedis);
    warnIfRedisDistant(context, roundTripMs);
    const worker = new ResponseWorker(context, roundTripMs);
    await context.listenForAborts((id) => worker.#cancel(id));
    await Promise.all(worker.#workers.map((each) => each.waitUntilReady()));
    return worker;
  }

  get remoteRuns(): RemoteRunTracker {
    return this.#dependencies.remoteRuns;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  get isRunning(): boolean {
    return !this.#isClosing && this.#workers.every((worker) => worker.isRunning());
  }

  #openQueue(name: QueueName, roundTripMs: number): Worker<ResponseJob>[] {
    const { config, queue, logger } = this.#context;
    const slots = name === FOREGROUND ? config.FOREGROUND_CONCURRENCY : config.BACKGROUND_CONCURRENCY;
    const process: ProcessJob = async (job, token) => await this.#process(job, token);
    const shares = new SlotShares(slots, config.FAIR_RESERVE_PERCENT);
    const fair = new FairQueue(name, queue, shares, logger, process);
    const lanes = computeLaneSizes(slots, roundTripMs).map((size, lane) => this.#openLane(name, fair, size, lane > 0));
    fair.attach(lanes[0]!);
    this.#fairQueues.push(fair);
    return lanes;
  }

  /** One check for lost jobs is enough for a process. */
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
      // See job-locks.ts.
      skipLockRenewal: true,
      name: config.processName,
    });
    worker.on("active", (job) => this.#locks.startRenewal(job));
    worker.on("error", (err) => {
      // Each command that a Redis that is away does not answer. That it is away, its connection has said.
      const level = isRedisUnavailable(err) ? "debug" : "warn";
      logger[level]({ err, queue: name }, "Queue worker error");
    });
    worker.on("failed", (job, err) => logger.warn({ err, responseId: job?.id, queue: name }, "Attempt failed"));
    useRedisTime(worker.backend, storage.clock);
    delayErrors(worker.backend);
    worker.on("stalled", (responseId) => logger.info({ responseId, queue: name }, "Recovered from a lost worker"));
    return worker;
  }

  async #process(job: Job<ResponseJob>, token: string | undefined): Promise<void> {
    const { responseId } = responseJobSchema.parse(job.data);
    const control = new RunControl();
    this.#locks.watch(job, () => control.stop("lock-lost"));
    let outcome: RunOutcome;
    try {
      outcome = await this.#run(responseId, control, job.queueName === FOREGROUND);
    } finally {
      this.#locks.release(job);
    }
    if (typeof outcome === "object") {
      // A crash before this line leaves a job that is taken from a lost worker: the response goes on too early.
      // BullMQ takes the difference at once, and has the time of useRedisTime().
      await job.moveToDelayed(Date.now() + outcome.waitMs, token);
      throw new DelayedError();
    }
    if (outcome !== "handed-over") return;
    await job.moveToWait(token);
    throw new WaitingError();
  }

  async #run(id: string, control: RunControl, isForeground: boolean): Promise<RunOutcome> {
    const { storage, config, logger } = this.#context;
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const active: ActiveRun = { id, control, lease: undefined, done, isForeground };
    // Before anything is awaited: a drain or a cancel must not miss it.
    this.#active.add(active);
    if (this.#isDraining) control.stop("drain");
    else if (this.#isClosing) control.requestHandOver();
    const deadline = new AbortController();
    try {
      const record = await storage.records.readIncludingDeleted(id);
      if (record !== undefined) await prioritizeRelatedResponse(this.#context, { id, ...record });
      void stopAtDeadline(record?.deadlineMs ?? 0, storage.clock, control, deadline.signal);
      const onLease = (lease: string): void => void (active.lease = lease);
      const outcome =
        record !== undefined && isSuspect(record, config.ISOLATE_AFTER_LOSSES)
          ? await this.#quarantine.run(id, record.project, control, onLease)
          : await runResponse(this.#dependencies.run, id, control, onLease);
      logger.debug({ responseId: id, outcome }, "Run over");
      return outcome;
    } finally {
      deadline.abort();
      this.#active.delete(active);
      resolve();
    }
  }

  #cancel(id: string): void {
    for (const run of this.#active) if (run.id === id) run.control.stop("cancelled");
  }

  /** Orders may be lost with a connection; a lease that was taken tells the same. */
  async #checkLeases(): Promise<void> {
    // While Redis is away one round waits, not one more every two seconds.
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { leases } = this.#context.storage;
    const checks = [...this.#active].map(async ({ id, lease, control }) => {
      if (lease !== undefined && !(await leases.isCurrent(id, lease))) control.stop("cancelled");
    });
    await Promise.all(checks)
      .catch((err: unknown) => this.#context.logger.warn({ err }, "Could not check the leases"))
      .finally(() => {
        this.#isChecking = false;
      });
  }

  /**
   * Takes no more jobs, and hands over the running ones where nothing is cut in two: between two items, or at once if they
   * wait for something. What is still in the middle of an item after `graceMs`, and foreground runs that have not ended by
   * then, are stopped there, flushed and handed over.
   */
  async drain(graceMs: number): Promise<void> {
    this.#isClosing = true;
    // Closing comes first: a worker that is only paused still takes the job that its blocking read brings. It resolves
    // when the runs are over, which is why it is not awaited yet.
    const closed = Promise.all([
      ...this.#workers.map((worker) => worker.close()),
      ...this.#fairQueues.map((each) => each.close()),
    ]);
    // There may be no other worker, and somebody waits for those in the foreground: they have the grace to end here.
    for (const { control, isForeground } of this.#active) if (!isForeground) control.requestHandOver();
    await Promise.race([this.#waitForRuns(), delay(graceMs, undefined, { ref: false })]);
    this.#isDraining = true;
    for (const { control } of this.#active) control.stop("drain");
    await Promise.race([closed, delay(HAND_OVER_MS, undefined, { ref: false })]);
    clearInterval(this.#leaseCheck);
    await this.#dependencies.run.serverTools[Symbol.asyncDispose]();
  }

  async #waitForRuns(): Promise<void> {
    while (this.#active.size > 0) await Promise.all([...this.#active].map((run) => run.done));
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

/** Stops the run at its deadline, however far off: one timer cannot be longer than 24.8 days. */
async function stopAtDeadline(
  deadlineMs: number,
  clock: Clock,
  control: RunControl,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (let leftMs = deadlineMs - clock.nowMs(); leftMs > 0; leftMs = deadlineMs - clock.nowMs()) {
      await delay(Math.min(leftMs, MAX_TIMER_MS), undefined, { signal });
    }
    control.stop("deadline");
  } catch {
    // The run is over.
  }
}
