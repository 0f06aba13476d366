/** A run that Redis has broken: no fault of its response, which is charged nothing and begins again from what is there. */
import { isRedisUnavailable } from "../../src/redis/connect.ts";
import { untilTaken } from "../../src/redis/patience.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { LogRolledBackError } from "../../src/stream/log/recent-batches.ts";

/** Until the next attempt. */
const WAIT_MS = 1_000;
/** For a Redis that is away to take the lease back. After that it is lost, as if the worker were. */
const GIVE_BACK_MS = 10_000;

interface Held {
  id: string;
  lease: string;
}

/** Redis could not be used, or has lost more of the log than the run remembers. */
export function isFaultOfRedis(error: unknown): boolean {
  return isRedisUnavailable(error) || error instanceof LogRolledBackError;
}

export async function waitForRedis(storage: Storage, held: Held, error: unknown): Promise<{ waitMs: number } | "lost"> {
  storage.logger.warn({ err: error, responseId: held.id }, "Redis could not be used; the run begins again");
  return (await giveBack(storage, held)) ? { waitMs: WAIT_MS } : "lost";
}

/** False if somebody else has the lease by now. Rejects if Redis does not take it in time. */
export async function giveBack(storage: Storage, { id, lease }: Held): Promise<boolean> {
  return await untilTaken(() => storage.leases.release(id, lease), AbortSignal.timeout(GIVE_BACK_MS));
}
