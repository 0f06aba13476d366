/**
 * Runs suspects, each in a process of its own. When a worker crashes, all its responses become suspects
 * (src/stream/log/lease.ts). A crash charges a response only in quarantine, where the response runs alone. So no
 * response is charged for another one, and none is charged when a worker is killed together with its quarantine
 * processes.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { extname, join } from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../../src/redis/redis-clock.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { Leases, LeftAttempt } from "../../src/stream/log/lease.ts";
import { type RelayedReport, RelayedReports } from "../../src/telemetry/relayed-reports.ts";
import type { AttemptControl, StopReason } from "../attempt/attempt.ts";
import { FairSemaphore, type Permit } from "../../src/concurrency/fair-semaphore.ts";
import type { OnLease, AttemptOutcome } from "../run/attempt-outcome.ts";

export const ALIVE_INTERVAL_MS = 1_000;
/** Timeout between reports. It counts only time in which this process ran, because a paused machine pauses both. */
const REPORT_TIMEOUT_MS = 30_000;
/** Timeout until the first report: on a busy machine a process takes seconds to start. */
const START_TIMEOUT_MS = 120_000;
/** Time with the lease after which a suspect is cleared. If others wait, it is handed over to make room. */
const CLEAR_AFTER_MS = 3_000;
/** Concurrent processes, each with the memory of a worker. The reserve goes to projects that have few of them. */
const SEMAPHORE_OPTIONS = { permits: 4, reservePercent: 25 };
const SCRIPT = join(import.meta.dirname, `quarantined-run${extname(import.meta.filename)}`);

export interface StopMessage {
  stop: StopReason;
  /** If false, a hand-over waits until it interrupts nothing. */
  isUrgent: boolean;
}

export type RunReport =
  | { kind: "alive" }
  | { kind: "lease"; lease: string }
  | { kind: "outcome"; outcome: AttemptOutcome }
  | { kind: "failed"; message: string }
  | { kind: "relayed"; report: RelayedReport };

class QuarantineError extends Error {
  override readonly name = "QuarantineError";
}

export class Quarantine {
  readonly #leases: Leases;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #running = new Set<SuspectProcess>();
  readonly #semaphore = new FairSemaphore(SEMAPHORE_OPTIONS);

  constructor({ leases, clock }: Pick<Storage, "leases" | "clock">, logger: Logger) {
    this.#leases = leases;
    this.#clock = clock;
    this.#logger = logger;
  }

  /**
   * Does the same as `runResponse`, in a process of its own, once its project gets a permit. If the process crashes,
   * charges the response and rejects.
   */
  async run(id: string, project: string, control: AttemptControl, onLease: OnLease): Promise<AttemptOutcome> {
    const { generating } = control;
    const permit = await this.#acquirePermit(project, generating);
    if (permit === undefined) return { kind: control.stopReason === "drain" ? "handed-over" : "lost" };
    this.#logger.warn({ responseId: id }, "Running the response alone: its worker was lost too often");
    const suspect = new SuspectProcess(id, onLease, () => void this.#clear(suspect));
    this.#running.add(suspect);
    const stop = (): void => suspect.stop(control.stopReason ?? "drain");
    generating.addEventListener("abort", stop);
    try {
      const outcome = await suspect.outcome();
      if (outcome !== undefined) return outcome;
      suspect.reports.reportCrash();
      if (suspect.lease !== undefined) await this.#leases.chargeCrash(id, suspect.lease, this.#describeCrash(suspect));
      throw new QuarantineError(`The process that ran the response alone died (${suspect.exitStatus}).`);
    } finally {
      generating.removeEventListener("abort", stop);
      this.#running.delete(suspect);
      permit.release();
    }
  }

  #describeCrash({ exitStatus }: SuspectProcess): LeftAttempt {
    const reason = `The process that ran the response alone died (${exitStatus}).`;
    const step = { type: "recovering", since_ms: this.#clock.nowMs(), reason } as const;
    return { end: "crashed", reason, step };
  }

  /** Undefined if the attempt is stopped while it waits. */
  async #acquirePermit(project: string, generating: AbortSignal): Promise<Permit | undefined> {
    if (generating.aborted) return undefined;
    const entering = this.#semaphore.acquire(project, generating);
    if (this.#semaphore.waiting > 0) [...this.#running].find(({ isCleared }) => isCleared)?.stop("drain", true);
    try {
      return await entering;
    } catch (error) {
      if (generating.aborted) return undefined;
      throw error;
    }
  }

  async #clear(suspect: SuspectProcess): Promise<void> {
    try {
      if (suspect.lease !== undefined) await this.#leases.clearSuspicion(suspect.id, suspect.lease);
    } catch (err) {
      this.#logger.warn({ err, responseId: suspect.id }, "Could not clear a suspect");
    }
    if (this.#semaphore.waiting > 0) suspect.stop("drain", true);
  }
}

class SuspectProcess {
  readonly id: string;
  lease: string | undefined;
  isCleared = false;
  /** The signal or exit code of the process. */
  exitStatus = "";
  /** What the process reports, for the metrics of this one. */
  readonly reports = new RelayedReports();
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #result: Extract<RunReport, { kind: "outcome" | "failed" }> | undefined;
  /** Time left until the next report is overdue. */
  #timeLeftMs = START_TIMEOUT_MS;

  constructor(id: string, onLease: OnLease, onCleared: () => void) {
    this.id = id;
    this.#child = fork(SCRIPT, [id], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#exited = once(this.#child, "exit");
    // If the process cannot start, it emits an error instead.
    this.#exited.catch(() => {});
    const watch = setInterval(() => this.#watch(), ALIVE_INTERVAL_MS);
    let clearing: NodeJS.Timeout | undefined;
    const clear = (): void => {
      this.isCleared = true;
      onCleared();
    };
    const stopTimers = (): void => {
      clearInterval(watch);
      clearTimeout(clearing);
    };
    void this.#exited.catch(() => {}).then(stopTimers);
    this.#child.on("message", (report: RunReport) => {
      this.#timeLeftMs = REPORT_TIMEOUT_MS;
      if (report.kind === "lease") {
        onLease((this.lease = report.lease));
        clearing = setTimeout(clear, CLEAR_AFTER_MS);
      }
      if (report.kind === "relayed") this.reports.publish(report.report);
      if (report.kind === "outcome" || report.kind === "failed") this.#result = report;
    });
  }

  /** Undefined if the process crashed. Rejects with the attempt's error. */
  async outcome(): Promise<AttemptOutcome | undefined> {
    await this.#exited;
    this.exitStatus = String(this.#child.signalCode ?? this.#child.exitCode);
    if (this.#result?.kind === "failed") throw new QuarantineError(this.#result.message);
    return this.#result?.outcome;
  }

  stop(stop: StopReason, isUrgent = false): void {
    if (this.#child.connected) this.#child.send({ stop, isUrgent } satisfies StopMessage);
  }

  #watch(): void {
    this.#timeLeftMs -= ALIVE_INTERVAL_MS;
    if (this.#timeLeftMs <= 0) this.#child.kill("SIGKILL");
  }
}
