/** A run that Redis has broken: no fault of its response, which is charged nothing and begins again from what is there. */
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { retryUntilAvailable } from "../../src/redis/retry-until-available.ts";
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import { LogRolledBackError } from "../../src/stream/log/recent-batches.ts";

/** Until the next attempt. */
const RETRY_DELAY_MS = 1_000;
/** For a Redis that is away to take the lease back. After that it is lost, as if the worker were. */
const RELEASE_TIMEOUT_MS = 10_000;

interface HeldLease {
  id: string;
  lease: string;
}

/** Redis could not be used, or has lost more of the log than the run remembers. */
export function isRedisError(error: unknown): boolean {
  return isRedisUnavailable(error) || error instanceof LogRolledBackError;
}

export async function releaseAfterRedisError(
  { storage, logger }: Pick<ResponseContext, "storage" | "logger">,
  held: HeldLease,
  error: unknown,
): Promise<{ waitMs: number } | "lost"> {
  logger.warn({ err: error, responseId: held.id }, "Redis could not be used; the run begins again");
  return (await releaseLease(storage, held)) ? { waitMs: RETRY_DELAY_MS } : "lost";
}

/** False if somebody else has the lease by now. Rejects if Redis does not take it in time. */
export async function releaseLease(storage: Storage, { id, lease }: HeldLease): Promise<boolean> {
  return await retryUntilAvailable(() => storage.leases.release(id, lease), AbortSignal.timeout(RELEASE_TIMEOUT_MS));
}
