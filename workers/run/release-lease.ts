/** An attempt stopped by a Redis error. It counts as no attempt: the next one resumes from what Redis has. */
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import { LogRolledBackError } from "../../src/stream/log/recent-batches.ts";
import type { AttemptEnd } from "../../src/protocol/run.ts";
import type { LeftAttempt } from "../../src/stream/log/lease.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";

/** Delay until the next attempt. */
const RETRY_DELAY_MS = 1_000;
/** Timeout of a release while Redis is unavailable. After it the lease counts as lost, as if the worker had crashed. */
const RELEASE_TIMEOUT_MS = 10_000;

export interface HeldLease {
  /** The response's id. */
  id: string;
  lease: string;
}

/** Whether Redis is unavailable, or has lost more of the log than the writer can restore. */
export function isRedisError(error: unknown): boolean {
  return isRedisUnavailable(error) || error instanceof LogRolledBackError;
}

export async function releaseAfterRedisError(
  { storage, logger }: Pick<ResponseContext, "storage" | "logger">,
  held: HeldLease,
  error: unknown,
): Promise<AttemptOutcome> {
  logger.warn({ err: error, responseId: held.id }, "Redis is unavailable; the response is retried");
  const end = "redis_unavailable";
  const isReleased = await releaseLease(storage, held, { end, reason: describe(error) });
  return isReleased ? { kind: "requeued", waitMs: RETRY_DELAY_MS, end } : { kind: "lost" };
}

/** False if another process has the lease. Rejects if Redis does not answer in time. */
export async function releaseLease(
  storage: Storage,
  { id, lease }: HeldLease,
  left: { end: AttemptEnd; reason: string },
): Promise<boolean> {
  const release = () => storage.leases.release(id, lease, recovering(storage, left));
  return await retryUntilAvailable(release, AbortSignal.timeout(RELEASE_TIMEOUT_MS));
}

/** The end of an attempt after which the response waits for any worker. */
export function recovering({ clock }: Pick<Storage, "clock">, { end, reason }: Omit<LeftAttempt, "step">): LeftAttempt {
  return { end, reason, step: { type: "recovering", since_ms: clock.nowMs(), reason: reason || end } };
}

export function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
