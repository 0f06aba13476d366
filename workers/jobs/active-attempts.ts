/** The attempts that run in this process, and the ways to stop them. */
import type { Logger } from "pino";
import type { Leases } from "../../src/stream/log/lease.ts";
import type { AttemptControl } from "../attempt/attempt.ts";

/** Interval of lease checks: the maximum time that an attempt runs on after a cancel message is lost. */
const LEASE_CHECK_MS = 2_000;

/** One response may briefly have two attempts: a job that this process lost can return to it. */
export interface ActiveAttempt {
  /** The response's id. */
  readonly id: string;
  readonly control: AttemptControl;
  /** A client waits for the response on an open connection. */
  readonly isForeground: boolean;
  /** Set once the attempt has the lease. */
  lease: string | undefined;
}

export class ActiveAttempts {
  readonly #leases: Pick<Leases, "isCurrent">;
  readonly #logger: Logger;
  readonly #attempts = new Map<ActiveAttempt, PromiseWithResolvers<void>>();
  readonly #leaseCheck: NodeJS.Timeout;
  #isCheckingLeases = false;
  #isHandingOver = false;
  #isStopped = false;

  constructor(leases: Pick<Leases, "isCurrent">, logger: Logger) {
    this.#leases = leases;
    this.#logger = logger;
    this.#leaseCheck = setInterval(() => void this.#checkLeases(), LEASE_CHECK_MS);
  }

  /** Call it before the first await, so that no drain or cancel misses the attempt. */
  start(id: string, control: AttemptControl, isForeground: boolean): ActiveAttempt {
    const attempt: ActiveAttempt = { id, control, isForeground, lease: undefined };
    this.#attempts.set(attempt, Promise.withResolvers());
    if (this.#isStopped) control.stop("drain");
    else if (this.#isHandingOver) control.requestHandOver();
    return attempt;
  }

  end(attempt: ActiveAttempt): void {
    const ended = this.#attempts.get(attempt);
    this.#attempts.delete(attempt);
    ended?.resolve();
  }

  cancel(id: string): void {
    for (const attempt of this.#attempts.keys()) if (attempt.id === id) attempt.control.stop("cancelled");
  }

  /**
   * Hands over background attempts between two items. Foreground attempts get time to end here: their clients wait, and
   * another worker may not exist.
   */
  requestHandOver(): void {
    this.#isHandingOver = true;
    for (const { control, isForeground } of this.#attempts.keys()) if (!isForeground) control.requestHandOver();
  }

  /** Stops every attempt, present and future. */
  stop(): void {
    this.#isStopped = true;
    for (const { control } of this.#attempts.keys()) control.stop("drain");
  }

  async waitUntilEnded(): Promise<void> {
    while (this.#attempts.size > 0) await Promise.all([...this.#attempts.values()].map(({ promise }) => promise));
  }

  /** Ends the lease checks. */
  close(): void {
    clearInterval(this.#leaseCheck);
  }

  /** A lost connection may drop cancel messages. A fenced response has another lease. */
  async #checkLeases(): Promise<void> {
    // While Redis is unavailable, one round waits.
    if (this.#isCheckingLeases) return;
    this.#isCheckingLeases = true;
    const checks = [...this.#attempts.keys()].map(async ({ id, lease, control }) => {
      if (lease !== undefined && !(await this.#leases.isCurrent(id, lease))) control.stop("cancelled");
    });
    await Promise.all(checks)
      .catch((err: unknown) => this.#logger.warn({ err }, "Could not check the leases"))
      .finally(() => {
        this.#isCheckingLeases = false;
      });
  }
}
