/** The start of an attempt: the lease, then the state that the log and the record give. */
import type { ResponseError } from "../../src/protocol/response.ts";
import { endFromOutside } from "../../src/responses/ending/end-from-outside.ts";
import { settleEndedResponse } from "../../src/responses/ending/settle-ended-response.ts";
import type { Storage } from "../../src/responses/storage.ts";
import type { AcquireOutcome } from "../../src/stream/log/lease-scripts.ts";
import { foldLog } from "../../src/stream/log/snapshot.ts";
import { type Attempt, type AttemptControl, openAttempt } from "../attempt/attempt.ts";
import { CRASHED_ERROR, createExhaustedError, DEADLINE_ERROR } from "./terminal-errors.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { describe, type HeldLease, isRedisError, releaseLease } from "./release-lease.ts";

interface AcquireOptions {
  storage: Storage;
  maxAttempts: number;
  workerName: string;
}

export type HeldOutcome = Extract<AcquireOutcome, { kind: "held" }>;

/** Takes the lease. If there is nothing to run, ends or removes the response and returns the attempt's outcome. */
export async function acquireLease(
  { storage, maxAttempts, workerName }: AcquireOptions,
  id: string,
): Promise<HeldOutcome | AttemptOutcome> {
  const acquired = await storage.leases.acquire(id, storage.clock.nowMs(), maxAttempts, workerName);
  switch (acquired.kind) {
    case "held":
      return acquired;
    case "gone":
    case "over":
      await settleEndedResponse(storage, id);
      return { kind: "not-needed" };
    // The process that fenced the response may have crashed. The reason it recorded wins over this one.
    case "ending":
    case "expired":
      return await failFromOutside(storage, id, DEADLINE_ERROR);
    case "exhausted":
      return await failFromOutside(storage, id, createExhaustedError(maxAttempts));
    case "crashed":
      return await failFromOutside(storage, id, CRASHED_ERROR);
  }
}

/** Folds the log and opens the attempt at its end. Undefined if the response is gone. */
export async function openFromLog(
  storage: Storage,
  { id, lease, attempt }: HeldLease & { attempt: number },
  control: AttemptControl,
): Promise<Attempt | undefined> {
  try {
    const [state, read] = await Promise.all([foldLog(storage.fullLogReader, id), storage.records.readWithFacts(id)]);
    if (state === undefined || read === undefined) return undefined;
    return openAttempt(storage, { id, lease, attempt, ...read, state, last: state.last }, control);
  } catch (error) {
    if (isRedisError(error)) {
      await releaseLease(storage, { id, lease }, { end: "redis_unavailable", reason: describe(error) });
    }
    throw error;
  }
}

/** Fails the response from outside: the lease is fenced, and the log folded again. `cause` is for the operator. */
export async function failFromOutside(
  storage: Storage,
  id: string,
  error: ResponseError,
  cause?: string,
): Promise<AttemptOutcome> {
  const outcome = await endFromOutside(storage, id, "fail", { error, cause });
  return { kind: outcome.kind === "ended" ? "ended" : "not-needed" };
}
