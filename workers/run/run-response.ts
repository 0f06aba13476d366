/**
 * A response's life in a worker, from the lease to the terminal event. Read `runAttempt` and `runSteps` from top to bottom: each step
 * leaves the log in a state from which another worker can resume.
 */
import { createInProgressEvent } from "../../src/lifecycle/lifecycle-events.ts";
import type { Attempt, AttemptControl } from "../attempt/attempt.ts";
import { acquireLease, type HeldOutcome, openFromLog } from "./acquire-lease.ts";
import type { AttemptOutcome, OnLease } from "./attempt-outcome.ts";
import { OutputItems } from "../attempt/output-items.ts";
import { finishResponse } from "./finish-response.ts";
import { generate, type GenerateDependencies } from "./generate.ts";
import { reportAttempt } from "./report-attempt.ts";
import { postpone } from "./queue-wait.ts";
import { concludeStoppedAttempt } from "./stopped-attempt.ts";
import { UnsupportedResponse } from "./unsupported-response.ts";

export interface RunDependencies extends GenerateDependencies {
  maxAttempts: number;
  /** Maximum number of times a response may wait in the queue for its provider. */
  maxWaits: number;
  /** Maximum time that a response this worker cannot run waits for another. */
  unknownWaitMs: number;
  workerName: string;
}

export async function runResponse(
  dependencies: RunDependencies,
  id: string,
  control: AttemptControl,
  onLease: OnLease,
): Promise<AttemptOutcome> {
  const outcome = await runAttempt(dependencies, id, control, onLease);
  // After a lost lease another worker may run the response: `cleanUp` reads the record to find out.
  const isResumable = outcome.kind === "handed-over" || outcome.kind === "requeued";
  if (!isResumable) await dependencies.remoteRuns?.cleanUp(id);
  return outcome;
}

async function runAttempt(
  dependencies: RunDependencies,
  id: string,
  control: AttemptControl,
  onLease: OnLease,
): Promise<AttemptOutcome> {
  const acquired = await acquireLease(dependencies, id);
  if (acquired.kind !== "held") return acquired;
  onLease(acquired.lease);
  const attempt = await openFromLog(dependencies.storage, { id, ...acquired }, control);
  if (attempt === undefined) return { kind: "not-needed" };
  return await reportAttempt(dependencies, attempt, acquired, () => runSteps(dependencies, attempt, acquired));
}

async function runSteps(
  dependencies: RunDependencies,
  attempt: Attempt,
  { unknownSinceMs }: HeldOutcome,
): Promise<AttemptOutcome> {
  const { storage } = dependencies;
  try {
    const output = new OutputItems(attempt);
    await output.closeInterrupted();
    await announceStart(attempt);
    const unsupported = new UnsupportedResponse(unknownSinceMs, storage.clock.nowMs(), dependencies.unknownWaitMs);
    const generated = await generate(dependencies, attempt, output, unsupported);
    switch (generated.kind) {
      case "finished":
        return await finishResponse(storage, attempt, output, generated.finish);
      case "unsupported":
        return await unsupported.requeue(dependencies, attempt, generated.error);
      case "postponed": {
        const requeued = await postpone(dependencies, attempt, generated.finish);
        if (requeued !== undefined) return requeued;
        const { error, cause } = generated.finish;
        return await finishResponse(storage, attempt, output, { type: "finish", status: "failed", error, cause });
      }
    }
  } catch (error) {
    return await concludeStoppedAttempt(dependencies, attempt, error);
  }
}

async function announceStart({ writer }: Attempt): Promise<void> {
  const { response } = writer.state;
  if (response.status === "queued") await writer.write(createInProgressEvent(response));
}
