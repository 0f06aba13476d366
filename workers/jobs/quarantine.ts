/**
 * Where suspects run: each in a process of its own. A response whose worker died is suspected of it together with all that
 * were lost with it (src/stream/log/lease.ts); only here can a death be laid to one of them. So nobody is charged for what a
 * neighbour did, and a worker that is killed, which takes these processes along, is nobody's fault.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Logger } from "pino";
import type { Leases } from "../../src/stream/log/lease.ts";
import type { AttemptControl, StopReason } from "../attempt/attempt.ts";
import { FairSemaphore, type Permit } from "../../src/concurrency/fair-semaphore.ts";
import type { OnLease, AttemptOutcome } from "../run/attempt-outcome.ts";

export const ALIVE_INTERVAL_MS = 1_000;
/** A process that has not reported for so long is stuck. Counted is time in which this process ran: both share a machine. */
const REPORT_TIMEOUT_MS = 30_000;
/** Until the first report: a start takes seconds on a busy machine. */
const START_TIMEOUT_MS = 120_000;
/** A suspect that has had its lease for so long is none any more, and makes room if others wait: its text is continued. */
const CLEAR_AFTER_MS = 3_000;
/** Processes at a time: each takes the memory of a worker. One more is for projects that have few there beside others. */
const SEMAPHORE_OPTIONS = { permits: 4, reservePercent: 25 };
const SCRIPT = fileURLToPath(new URL("quarantined-run.ts", import.meta.url));

export interface StopMessage {
  stop: StopReason;
  /** Otherwise a hand-over waits for the end of what it would cut in two. */
  isUrgent: boolean;
}

export type RunReport =
  | { kind: "alive" }
  | { kind: "lease"; lease: string }
  | { kind: "outcome"; outcome: AttemptOutcome }
  | { kind: "failed"; message: string };

class QuarantineError extends Error {
  override readonly name = "QuarantineError";
}

export class Quarantine {
  readonly #leases: Leases;
  readonly #logger: Logger;
  readonly #running = new Set<SuspectProcess>();
  readonly #semaphore = new FairSemaphore(SEMAPHORE_OPTIONS);

  constructor(leases: Leases, logger: Logger) {
    this.#leases = leases;
    this.#logger = logger;
  }

  /**
   * As `runResponse`, in a process of its own, once its project has a place. Rejects if that died, after it was laid to the
   * response.
   */
  async run(id: string, project: string, control: AttemptControl, onLease: OnLease): Promise<AttemptOutcome> {
    const { generating } = control;
    const place = await this.#acquirePermit(project, generating);
    if (place === undefined) return { kind: control.stopReason === "drain" ? "handed-over" : "lost" };
    this.#logger.warn({ responseId: id }, "Runs alone: its worker was lost too often");
    const suspect = new SuspectProcess(id, onLease, () => void this.#clear(suspect));
    this.#running.add(suspect);
    const stop = (): void => suspect.stop(control.stopReason ?? "drain");
    generating.addEventListener("abort", stop);
    try {
      const outcome = await suspect.outcome();
      if (outcome !== undefined) return outcome;
      if (suspect.lease !== undefined) await this.#leases.chargeCrash(id, suspect.lease);
      throw new QuarantineError(`The process that ran the response alone has died (${suspect.exitStatus}).`);
    } finally {
      generating.removeEventListener("abort", stop);
      this.#running.delete(suspect);
      place.release();
    }
  }

  /** Undefined if the run is stopped while it waits. */
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
  /** How it ended. */
  exitStatus = "";
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #result: Extract<RunReport, { kind: "outcome" | "failed" }> | undefined;
  /** What is left of the time in which it has to report. */
  #timeLeftMs = START_TIMEOUT_MS;

  constructor(id: string, onLease: OnLease, onCleared: () => void) {
    this.id = id;
    this.#child = fork(SCRIPT, [id], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#exited = once(this.#child, "exit");
    // Where it cannot be started there is no exit.
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
      if (report.kind === "outcome" || report.kind === "failed") this.#result = report;
    });
  }

  /** Undefined if it died. Rejects with what the run has thrown. */
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
