/** An attempt stopped by a Redis error. It counts as no attempt: the next one resumes from what Redis has. */
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import { LogRolledBackError } from "../../src/stream/log/recent-batches.ts";
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
  const isReleased = await releaseLease(storage, held);
  return isReleased ? { kind: "requeued", waitMs: RETRY_DELAY_MS } : { kind: "lost" };
}

/** False if another process has the lease. Rejects if Redis does not answer in time. */
export async function releaseLease(storage: Storage, { id, lease }: HeldLease): Promise<boolean> {
  return await retryUntilAvailable(() => storage.leases.release(id, lease), AbortSignal.timeout(RELEASE_TIMEOUT_MS));
}
