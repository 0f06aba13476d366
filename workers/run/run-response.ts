/**
 * A response's life in a worker, from its lease to its end. Read `runResponse` from top to bottom: each step leaves the
 * log in a state from which another worker can go on.
 */
import {
  createItemClosingEvents,
  createCompletedEvent,
  createFailedEvent,
  createIncompleteEvent,
  createInProgressEvent,
} from "../../src/lifecycle/lifecycle-events.ts";
import { IllegalEventError } from "../../src/lifecycle/apply-event.ts";
import type { LifecycleEventDraft } from "../../src/protocol/event.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { ResolvedModel } from "../../src/providers/catalog.ts";
import type { ResponseError } from "../../src/protocol/response.ts";
import { UnreadableContentError } from "../../src/sealing/content-sealer.ts";
import { type ModelInput, loadModelInput, MissingHistoryError } from "../../src/responses/conversations/model-input.ts";
import { indexOutput } from "../../src/responses/reading/item-references.ts";
import { endResponse } from "../../src/responses/ending/end-response.ts";
import { removeInFlight } from "../../src/responses/ending/remove-in-flight.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { LeaseLostError } from "../../src/stream/log/event-writer.ts";
import { foldLog } from "../../src/stream/log/snapshot.ts";
import { releaseLease, isRedisError, releaseAfterRedisError } from "./release-lease.ts";
import { CRASHED_ERROR, DEADLINE_ERROR, createExhaustedError } from "./attempt-errors.ts";
import { isInternalError, INTERNAL_ERROR } from "./internal-error.ts";
import { addCompactionUsage } from "../turn/context/compact-context.ts";
import { isRunLost, openRun, type Run, type RunControl } from "../attempt/run.ts";
import { type LoopDependencies, runLoop } from "./run-loop.ts";
import { ToolGoneError } from "./finish-turn.ts";
import { TurnTooLongError } from "../turn/output-router.ts";
import { findUnfinishedIndex } from "../attempt/unfinished-item.ts";
import { type RequeuedFinish, UnsupportedRun } from "./unsupported-run.ts";
import { failedFinish, type PostponedFinish, type FinalFinish, type UpstreamFinish } from "../upstreams/upstream.ts";
import { computeQueueWaitMs, readWaitLimits } from "./queue-wait.ts";
import type { Upstreams } from "../upstreams/registry.ts";

export interface RunDependencies extends LoopDependencies {
  upstreams: Pick<Upstreams, "find">;
  maxAttempts: number;
  /** How often a response may wait in the queue for its provider. */
  maxWaits: number;
  /** For how long one that this worker cannot run is left to others. */
  unknownWaitMs: number;
  /** Of the request's tools one that this worker's configuration cannot run, as a sentence. */
  findMissingTool: (conversation: ModelInput, model: ResolvedModel) => string | undefined;
  workerName: string;
}

/**
 * `ended`: this run ended the response. `not-needed`: it was over, or gone, before. `lost`: somebody else has it now.
 * `handed-over`: it stands as it is, for the next worker to go on. `waitMs`: the same, but not before so long.
 */
export type RunOutcome = "ended" | "not-needed" | "lost" | "handed-over" | { waitMs: number };

/** Told which lease the run holds, so that its process can watch it. */
export type OnLease = (lease: string) => void;

export async function runResponse(
  dependencies: RunDependencies,
  id: string,
  control: RunControl,
  onLease: OnLease,
): Promise<RunOutcome> {
  const outcome = await runAttempt(dependencies, id, control, onLease);
  // Whether the response is over, and not handed on, its record knows: a lost lease may be another worker's.
  if (outcome !== "handed-over" && typeof outcome !== "object") await dependencies.remoteRuns?.cleanUp(id);
  return outcome;
}

async function runAttempt(
  dependencies: RunDependencies,
  id: string,
  control: RunControl,
  onLease: OnLease,
): Promise<RunOutcome> {
  const { storage, maxAttempts, workerName } = dependencies;
  const acquired = await storage.leases.acquire(id, storage.clock.nowMs(), maxAttempts, workerName);
  switch (acquired.kind) {
    case "gone":
    case "over":
      await removeInFlight(storage, id);
      return "not-needed";
    case "ending":
      // Whoever began it may have died. The reason that he gave stays, whatever is asked for here.
      return await failFenced(storage, id, DEADLINE_ERROR);
    case "expired":
      return await failFenced(storage, id, DEADLINE_ERROR);
    case "exhausted":
      return await failFenced(storage, id, createExhaustedError(maxAttempts));
    case "crashed":
      return await failFenced(storage, id, CRASHED_ERROR);
    case "held":
      break;
  }
  onLease(acquired.lease);
  const { lease } = acquired;
  const state = await foldLog(storage.fullLogReader, id).catch(async (error: unknown) => {
    if (isRedisError(error)) await releaseLease(storage, { id, lease });
    throw error;
  });
  if (state === undefined) return "not-needed";
  const run = openRun(storage, { id, state, lease, last: state.last }, control);
  try {
    const discarded = new Set<number>();
    await closeInterruptedItems(run, discarded);
    await announceStart(run);
    const unknown = new UnsupportedRun(acquired.unknownSinceMs, storage.clock.nowMs(), dependencies.unknownWaitMs);
    const generated = await generate(dependencies, run, discarded, unknown);
    if (generated.status === "left") return { waitMs: await unknown.requeue(dependencies, run, generated) };
    if (generated.status === "postponed") {
      const waitMs = await postpone(dependencies, run, generated);
      if (waitMs !== undefined) return { waitMs };
    }
    const finish = await addCompactionUsage(storage, run, toFinalFinish(generated));
    await endRun(storage, run, finish, discarded);
    await removeInFlight(storage, id);
    return "ended";
  } catch (error) {
    return await concludeStoppedRun(dependencies, run, error);
  }
}

async function failFenced(storage: Storage, id: string, error: ResponseError): Promise<RunOutcome> {
  const outcome = await endResponse(storage, id, "fail", error);
  return outcome.kind === "ended" ? "ended" : "not-needed";
}

/**
 * An item that an earlier attempt left open is closed as incomplete, and new ones follow behind it: clients refuse an index
 * that is added twice (contract.md#crash-recovery). A text stays open, for the next call of the model to continue. `discarded`
 * gets the places that the final output leaves out.
 */
async function closeInterruptedItems(run: Run, discarded: Set<number>): Promise<void> {
  const { openIndices } = run.writer.state;
  const kept = findUnfinishedIndex(run.writer.state);
  for (const place of openIndices) if (place !== kept) await discardItem(run, place, discarded);
  const output: readonly OutputItem[] = run.writer.state.response.output;
  for (const [place, item] of output.entries()) {
    if (item.status === "incomplete" && !openIndices.has(place)) discarded.add(place);
  }
}

async function discardItem(run: Run, index: number, discarded: Set<number>): Promise<void> {
  await run.writer.writeAll(createItemClosingEvents(run.writer.state.response, new Set([index])));
  discarded.add(index);
}

async function announceStart(run: Run): Promise<void> {
  const { response } = run.writer.state;
  if (response.status === "queued") await run.writer.write(createInProgressEvent(response));
}

async function generate(
  dependencies: RunDependencies,
  run: Run,
  discarded: Set<number>,
  unknown: UnsupportedRun,
): Promise<UpstreamFinish | RequeuedFinish> {
  const { storage, logger, upstreams } = dependencies;
  try {
    const conversation = await loadModelInput(storage, run.id);
    if (conversation === undefined) return failedFinish("server_error", "The request of this response is gone.");
    const found = upstreams.find(conversation.request.model);
    if (found === undefined)
      return unknown.finishUnsupported(
        "server_error",
        `The model '${conversation.request.model}' is not configured any more.`,
      );
    const missing = unknown.mayRequeue ? dependencies.findMissingTool(conversation, found.resolved) : undefined;
    if (missing !== undefined) return unknown.finishUnsupported("server_error", missing);
    await unknown.markSupported(storage, run.id);
    return await runLoop(dependencies, run, {
      ...found,
      conversation,
      responseItems: () => completedItems(run, discarded),
      closeInterrupted: () => closeInterruptedItems(run, discarded),
      discardItem: (place) => discardItem(run, place, discarded),
    });
  } catch (error) {
    if (error instanceof MissingHistoryError) return failedFinish("invalid_prompt", error.message);
    if (error instanceof ToolGoneError) return unknown.finishUnsupported("server_error", error.message);
    if (error instanceof TurnTooLongError) return failedFinish("server_error", error.message);
    if (error instanceof UnreadableContentError)
      return unknown.finishUnsupported("invalid_prompt", error.message, "input");
    if (error instanceof IllegalEventError) {
      logger.error({ err: error, responseId: run.id }, "The provider's stream is not legal");
      return failedFinish("server_error", "The provider sent a stream that could not be understood.");
    }
    throw error;
  }
}

/** Without what was cut off, and what is open. */
function completedItems({ writer }: Run, discarded: ReadonlySet<number>): OutputItem[] {
  const { response, openIndices } = writer.state;
  const output: readonly OutputItem[] = response.output;
  return output.filter((_item, place) => !discarded.has(place) && !openIndices.has(place));
}

/** Lets the response go, to wait in the queue. Undefined if it may not wait: then it fails. */
async function postpone(
  { storage, logger, maxWaits }: RunDependencies,
  run: Run,
  finish: PostponedFinish,
): Promise<number | undefined> {
  const record = await storage.records.readIncludingDeleted(run.id);
  const waitMs = record && computeQueueWaitMs(finish, { ...readWaitLimits(record), maxWaits }, storage.clock.nowMs());
  if (waitMs === undefined) return undefined;
  await run.writer.flush();
  if (!(await storage.leases.postpone(run.id, run.lease))) throw new LeaseLostError();
  logger.info({ responseId: run.id, waitMs, reason: finish.error.message }, "Waits in the queue for its provider");
  return waitMs;
}

/** A response that may not wait any longer fails with what its provider said. */
function toFinalFinish(finish: UpstreamFinish): FinalFinish {
  return finish.status === "postponed" ? { type: "finish", status: "failed", error: finish.error } : finish;
}

/** Closes what is open, makes the output known by its ids, writes the terminal event, and resolves once it is in the log. */
async function endRun(storage: Storage, run: Run, finish: FinalFinish, discarded: Set<number>): Promise<void> {
  const { writer } = run;
  for (const place of writer.state.openIndices) await discardItem(run, place, discarded);
  const terminal = createTerminalEvent(run, finish, discarded, storage.clock.nowMs());
  await indexOutput(storage, run.id, terminal.response.output);
  await writer.write(terminal);
  await writer.flush();
}

function createTerminalEvent(
  run: Run,
  finish: FinalFinish,
  discarded: ReadonlySet<number>,
  nowMs: number,
): LifecycleEventDraft {
  const { response } = run.writer.state;
  if (finish.status === "failed") return createFailedEvent(response, finish.error, finish.usage ?? null, finish.report);
  const { usage, serviceTier, report } = finish;
  const ending = { output: completedItems(run, discarded), usage, serviceTier, report };
  if (finish.status === "incomplete") return createIncompleteEvent(response, ending, finish.details);
  return createCompletedEvent(response, ending, Math.floor(nowMs / 1000));
}

/** Every way in which a run ends without having ended its response. What another attempt may cure is thrown on, and retried. */
async function concludeStoppedRun({ storage, logger }: RunDependencies, run: Run, error: unknown): Promise<RunOutcome> {
  const { control } = run;
  if (isRunLost(error) || isRunLost(control.generating.reason)) return "lost";
  switch (control.stopReason) {
    case "deadline":
      await flushRemaining(run);
      return await failFenced(storage, run.id, DEADLINE_ERROR);
    case "drain":
      await flushRemaining(run);
      return (await storage.leases.release(run.id, run.lease)) ? "handed-over" : "lost";
    case "cancelled":
    case "lock-lost":
      return "lost";
    case undefined:
      if (isRedisError(error)) return await releaseAfterRedisError({ storage, logger }, run, error);
      if (isInternalError(error)) return await failWithInternalError({ storage, logger }, run, error);
      await storage.leases.chargeFailure(run.id, run.lease);
      throw error;
  }
}

/** The log may be what the program cannot write: it ends from outside, where it is read anew. */
async function failWithInternalError(
  { storage, logger }: Pick<RunDependencies, "storage" | "logger">,
  run: Run,
  error: unknown,
): Promise<RunOutcome> {
  logger.error({ err: error, responseId: run.id }, "The run met a fault of this program, and is not retried");
  await flushRemaining(run);
  return await failFenced(storage, run.id, INTERNAL_ERROR);
}

/** What was generated before the stop is recorded, unless somebody else has the response by now. */
async function flushRemaining(run: Run): Promise<void> {
  try {
    await run.writer.flush();
  } catch (error) {
    if (!isRunLost(error)) throw error;
  }
}
