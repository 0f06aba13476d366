/** Remote runs as the loop sees them: opened for each turn, and called again after the provider has lost one. */
import { markRemoteRunLost, type ResumableRun, TurnRemoteRun } from "../../remote/turn-remote-run.ts";
import type { OutputRouter } from "../../turn/output-router.ts";
import { failedFinish, RemoteRunInterruptedError, type UpstreamFinish } from "../../upstreams/upstream.ts";
import { splitAtLastTurn } from "./journaled-turns.ts";
import type { LoopContext } from "./loop-context.ts";

/** Maximum times that a turn is called again after its provider lost its remote run. */
const MAX_LOST_REMOTE_RUNS = 3;

export interface RemoteRunOptions {
  resumable: ResumableRun | undefined;
  usedIds: ReadonlySet<string>;
  router: OutputRouter;
}

/** Undefined if the provider must not store anything, however briefly. */
export function openRemoteRun(
  { dependencies, attempt, input, journal, output }: LoopContext,
  { resumable, usedIds, router }: RemoteRunOptions,
): TurnRemoteRun | undefined {
  const { remoteRuns } = dependencies;
  if (remoteRuns === undefined || input.request.store === false) return undefined;
  const { current } = splitAtLastTurn(output.completedItems(), journal.turns);
  return new TurnRemoteRun({ attempt, journal, remoteRuns, router, usedIds }, current, resumable?.remoteRun);
}

/**
 * Recovers from a remote run whose stream broke: the loop resumes it, or calls the model again if the provider lost it.
 * Returns a finish after too many losses. Rethrows any other error.
 */
export async function recoverRemoteRun(
  { dependencies, attempt, journal, output }: LoopContext,
  error: unknown,
): Promise<UpstreamFinish | undefined> {
  if (!(error instanceof RemoteRunInterruptedError)) throw error;
  await output.closeInterrupted();
  if (!error.isLost) return undefined;
  const losses = await markRemoteRunLost(dependencies.logger, attempt, journal);
  return losses > MAX_LOST_REMOTE_RUNS ? failedFinish("server_error", error.message) : undefined;
}
