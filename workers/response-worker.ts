/**
 * The binding to BullMQ: which runs this process has, and the four ways in which one is told to stop. What a run does is in
 * run-response.ts; here is only what a queue and its locks have to do with it.
 */
import { setTimeout as delay } from "node:timers/promises";
import { type Job, WaitingError, Worker } from "bullmq";
import type { WorkerContext } from "../src/context.ts";
import { QUEUE_NAMES, type QueueName, type ResponseJob, responseJobSchema } from "../src/queue/response-queue.ts";
import { WorkerControl } from "../src/stream/control.ts";
import { RunControl } from "./run.ts";
import { runResponse } from "./run-response.ts";
import { Upstreams } from "./upstreams.ts";

/** How often each run's lease is looked at: the longest that a run goes on after a cancel whose order was lost. */
const LEASE_CHECK_MS = 2_000;
/** After the grace period: for aborted runs to flush and hand over. */
const HAND_OVER_MS = 5_000;
/** BullMQ's own bounds on lost jobs are wide: attempts are counted in the record, where a hand-over is not one. */
const MAX_STALLED_COUNT = 1_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

interface ActiveRun {
  control: RunControl;
  lease: string | undefined;
  done: Promise<unknown>;
}

export class ResponseWorker {
  readonly #context: WorkerContext;
  readonly #upstreams: Upstreams;
  readonly #workers: Worker<ResponseJob>[];
  readonly #active = new Map<string, ActiveRun>();
  readonly #leaseCheck: NodeJS.Timeout;

  private constructor(context: WorkerContext) {
    this.#context = context;
    this.#upstreams = new Upstreams(context.catalog, context.config);
    this.#workers = QUEUE_NAMES.map((name) => this.#openWorker(name));
    this.#leaseCheck = setInterval(() => void this.#checkLeases(), LEASE_CHECK_MS);
  }

  /** Resolves when jobs are being taken. */
  static async start(context: WorkerContext): Promise<ResponseWorker> {
    const worker = new ResponseWorker(context);
    await WorkerControl.listen(context.controlRedis, context.storage.layout, (id) => worker.#stop(id, "cancelled"));
    await Promise.all(worker.#workers.map((each) => each.waitUntilReady()));
    return worker;
  }

  get activeCount(): number {
    return this.#active.size;
  }

  get isRunning(): boolean {
    return this.#workers.every((worker) => worker.isRunning() && !worker.isPaused());
  }

  #openWorker(name: QueueName): Worker<ResponseJob> {
    const { config, queueRedis, storage, logger } = this.#context;
    // Three declared parameters: with fewer, BullMQ gives the processor no signal.
    const process = (job: Job<ResponseJob>, token: string | undefined, signal: AbortSignal | undefined) =>
      this.#process(job, token, signal);
    const worker = new Worker<ResponseJob>(name, process, {
      connection: queueRedis,
      prefix: storage.layout.queuePrefix,
      concurrency: name === "foreground" ? config.FOREGROUND_CONCURRENCY : config.BACKGROUND_CONCURRENCY,
      lockDuration: config.LOCK_DURATION_MS,
      stalledInterval: config.STALLED_INTERVAL_MS,
      maxStalledCount: MAX_STALLED_COUNT,
      name: config.processName,
    });
    worker.on("error", (err) => logger.warn({ err, queue: name }, "Queue worker error"));
    worker.on("failed", (job, err) => logger.warn({ err, responseId: job?.id, queue: name }, "Attempt failed"));
    worker.on("stalled", (responseId) => logger.info({ responseId, queue: name }, "Recovered from a lost worker"));
    worker.on("lockRenewalFailed", (ids) => {
      for (const id of ids) this.#stop(id, "lock-lost");
    });
    return worker;
  }

  async #process(job: Job<ResponseJob>, token: string | undefined, signal: AbortSignal | undefined): Promise<void> {
    const { responseId } = responseJobSchema.parse(job.data);
    const control = new RunControl();
    signal?.addEventListener("abort", () => control.stop("lock-lost"), { once: true });
    const run = this.#run(responseId, control);
    if ((await run) === "handed-over") {
      await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  async #run(id: string, control: RunControl) {
    const { storage, config, logger } = this.#context;
    const dependencies = {
      storage,
      upstreams: this.#upstreams,
      maxAttempts: config.MAX_ATTEMPTS,
      workerName: config.processName,
    };
    const record = await storage.records.readEvenDeleted(id);
    const leftMs = Math.min((record?.deadlineMs ?? 0) - Date.now(), MAX_TIMER_MS);
    const deadline = setTimeout(() => control.stop("deadline"), leftMs);
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const active: ActiveRun = { control, lease: undefined, done };
    this.#active.set(id, active);
    try {
      const outcome = await runResponse(dependencies, id, control, (lease) => {
        active.lease = lease;
      });
      logger.debug({ responseId: id, outcome }, "Run over");
      return outcome;
    } finally {
      clearTimeout(deadline);
      if (this.#active.get(id) === active) this.#active.delete(id);
      resolve();
    }
  }

  #stop(id: string, reason: "cancelled" | "lock-lost"): void {
    this.#active.get(id)?.control.stop(reason);
  }

  /** Orders may be lost with a connection; a lease that was taken tells the same. */
  async #checkLeases(): Promise<void> {
    const { leases } = this.#context.storage;
    const checks = [...this.#active].map(async ([id, { lease, control }]) => {
      if (lease !== undefined && !(await leases.isCurrent(id, lease))) control.stop("cancelled");
    });
    await Promise.all(checks).catch((err: unknown) => {
      this.#context.logger.warn({ err }, "Could not check the leases");
    });
  }

  /**
   * Takes no more jobs, gives the running ones `graceMs` to end by themselves, then stops and hands over the rest: they are
   * flushed, and waiting for another worker at once.
   */
  async drain(graceMs: number): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.pause(true)));
    await Promise.race([this.#allDone(), delay(graceMs, undefined, { ref: false })]);
    for (const { control } of this.#active.values()) control.stop("drain");
    await Promise.race([this.#allDone(), delay(HAND_OVER_MS, undefined, { ref: false })]);
    clearInterval(this.#leaseCheck);
    const isForced = this.#active.size > 0;
    await Promise.all(this.#workers.map((worker) => worker.close(isForced)));
  }

  async #allDone(): Promise<void> {
    while (this.#active.size > 0) await Promise.all([...this.#active.values()].map((run) => run.done));
  }
}
