/** Runs the attempt of one job: in this process, or in quarantine if the response is suspected of crashing workers. */
import { setTimeout as delay } from "node:timers/promises";
import type { WorkerContext } from "../../src/context.ts";
import type { Clock } from "../../src/redis/redis-clock.ts";
import { prioritizeRelatedResponse } from "../../src/responses/admission/queue-response.ts";
import { isSuspect } from "../../src/stream/log/suspicion.ts";
import type { AttemptControl } from "../attempt/attempt.ts";
import type { AttemptOutcome, OnLease } from "../run/attempt-outcome.ts";
import { type RunDependencies, runResponse } from "../run/run-response.ts";
import type { ActiveAttempts } from "./active-attempts.ts";
import { Quarantine } from "./quarantine.ts";

/** Maximum delay of a timer in Node.js, 24.8 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class AttemptRunner {
  readonly #context: WorkerContext;
  readonly #dependencies: RunDependencies;
  readonly #active: ActiveAttempts;
  readonly #quarantine: Quarantine;

  constructor(context: WorkerContext, dependencies: RunDependencies, active: ActiveAttempts) {
    this.#context = context;
    this.#dependencies = dependencies;
    this.#active = active;
    this.#quarantine = new Quarantine(context.storage, context.logger);
  }

  async run(id: string, control: AttemptControl, isForeground: boolean): Promise<AttemptOutcome> {
    const { storage, config, logger } = this.#context;
    const attempt = this.#active.start(id, control, isForeground);
    const deadline = new AbortController();
    try {
      const record = await storage.records.readIncludingDeleted(id);
      if (record !== undefined) await prioritizeRelatedResponse(this.#context, { id, ...record });
      void stopAtDeadline(record?.deadlineMs ?? 0, storage.clock, control, deadline.signal);
      const onLease: OnLease = (lease) => void (attempt.lease = lease);
      const outcome =
        record !== undefined && isSuspect(record, config.ISOLATE_AFTER_LOSSES)
          ? await this.#quarantine.run(id, record.project, control, onLease)
          : await runResponse(this.#dependencies, id, control, onLease);
      logger.debug({ responseId: id, outcome: outcome.kind }, "Attempt ended");
      return outcome;
    } finally {
      deadline.abort();
      this.#active.end(attempt);
    }
  }
}

async function stopAtDeadline(
  deadlineMs: number,
  clock: Clock,
  control: AttemptControl,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (let leftMs = deadlineMs - clock.nowMs(); leftMs > 0; leftMs = deadlineMs - clock.nowMs()) {
      await delay(Math.min(leftMs, MAX_TIMER_MS), undefined, { signal });
    }
    control.stop("deadline");
  } catch {
    // The attempt ended first.
  }
}
