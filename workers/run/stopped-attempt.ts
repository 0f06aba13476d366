/** The end of an attempt that did not end its response: stopped from outside, lost, or failed by an error. */
import type { ResponseContext, Storage } from "../../src/responses/storage.ts";
import type { LeftAttempt } from "../../src/stream/log/lease.ts";
import { type Attempt, isAttemptLost } from "../attempt/attempt.ts";
import { failFromOutside } from "./acquire-lease.ts";
import { DEADLINE_ERROR } from "./terminal-errors.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { INTERNAL_ERROR, isInternalError } from "./internal-error.ts";
import { describe, isRedisError, recovering, releaseAfterRedisError } from "./release-lease.ts";

type StopContext = Pick<ResponseContext, "storage" | "logger">;

/** Rethrows an error that another attempt may not meet, after charging this one: BullMQ then retries the job. */
export async function concludeStoppedAttempt(
  context: StopContext,
  attempt: Attempt,
  error: unknown,
): Promise<AttemptOutcome> {
  const { storage } = context;
  const { id, lease, control } = attempt;
  if (isAttemptLost(error) || isAttemptLost(control.generating.reason)) return { kind: "lost" };
  switch (control.stopReason) {
    case "deadline":
      await flushRemaining(attempt);
      return await failFromOutside(storage, id, DEADLINE_ERROR);
    case "drain":
      await flushRemaining(attempt);
      return { kind: (await storage.leases.release(id, lease, handedOver(storage))) ? "handed-over" : "lost" };
    case "cancelled":
    case "lock-lost":
      return { kind: "lost" };
    case undefined:
      if (isRedisError(error)) return await releaseAfterRedisError(context, attempt, error);
      if (isInternalError(error)) return await failWithInternalError(context, attempt, error);
      await storage.leases.chargeFailure(id, lease, recovering(storage, { end: "failed", reason: describe(error) }));
      throw error;
  }
}

/** Ends the response from outside, with a fresh fold of the log: the writer's own state may be broken. */
async function failWithInternalError(
  { storage, logger }: StopContext,
  attempt: Attempt,
  error: unknown,
): Promise<AttemptOutcome> {
  logger.error({ err: error, responseId: attempt.id }, "Internal error; the response fails without a retry");
  await flushRemaining(attempt);
  return await failFromOutside(storage, attempt.id, INTERNAL_ERROR, describe(error));
}

const handedOver = (storage: Storage): LeftAttempt =>
  recovering(storage, { end: "handed_over", reason: "The worker is shutting down." });

/** Records what was generated before the stop, unless another process has taken the response over. */
async function flushRemaining({ writer }: Attempt): Promise<void> {
  try {
    await writer.flush();
  } catch (error) {
    if (!isAttemptLost(error)) throw error;
  }
}
