/** When a response must run alone, because workers were lost with it (lease.ts). */

/** Maximum crashes of processes that ran nothing else. */
export const MAX_ISOLATED_CRASHES = 2;
/** A response whose log keeps growing becomes suspect after this many times as many losses. */
const LOSS_FACTOR_WITH_PROGRESS = 8;

export interface Suspicion {
  /** The current lease, which the next worker would take from a lost one; or ''. */
  lease: string;
  last: number;
  /** The last event when the lease was acquired. */
  leasedLast: number;
  /** Workers lost with this response: in a row without a new event, and in total since it last survived a run. */
  stalls: number;
  losses: number;
}

/**
 * Whether the next attempt must run alone in its process: after `limit` losses in a row without a new event, or
 * LOSS_FACTOR_WITH_PROGRESS times that with new events.
 */
export function isSuspect({ lease, last, leasedLast, stalls, losses }: Suspicion, limit: number): boolean {
  const isLost = lease !== "";
  const stalled = !isLost ? stalls : last > leasedLast ? 0 : stalls + 1;
  return stalled >= limit || losses + (isLost ? 1 : 0) >= limit * LOSS_FACTOR_WITH_PROGRESS;
}
