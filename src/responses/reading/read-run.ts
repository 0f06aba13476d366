/** Describes the run of a response from its record: an extension of the published API (contract.md#the-run). */
import type { RunFacts } from "../../lifecycle/run-facts.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import type { Run, RunStep } from "../../protocol/run.ts";
import type { ResponseRecord } from "../../store/response-record.ts";
import { parseAttemptLog } from "../../stream/log/attempt-log.ts";
import type { Storage } from "../storage.ts";

const LOST = "Its worker is gone.";

export interface RunReading {
  storage: Storage;
  /** Finds out why Redis takes no writes. */
  findRefusal: () => Promise<string | undefined>;
}

/** Undefined if the response does not exist. */
export async function readRun({ storage, findRefusal }: RunReading, id: string): Promise<Run | undefined> {
  const read = await storage.records.readWithFacts(id);
  if (read === undefined) return undefined;
  const { record, facts } = read;
  const hasEnded = isTerminalStatus(record.status);
  return describeRun(id, record, facts, {
    workers: hasEnded ? 0 : await storage.workers.count(record.background ? "background" : "foreground"),
    refusal: hasEnded ? undefined : await findRefusal(),
    approvals: hasEnded ? await storage.responseList.readPendingApprovals(record.project, id) : [],
  });
}

/** What the record does not know. */
interface Surroundings {
  /** The live workers that serve the response's queue. */
  workers: number;
  /** Why Redis takes no writes. */
  refusal: string | undefined;
  /** Ids of its approval requests that no accepted request has answered. */
  approvals: string[];
}

export function describeRun(id: string, record: ResponseRecord, facts: RunFacts, surroundings: Surroundings): Run {
  const attempts = parseAttemptLog(facts.attemptLog);
  return {
    object: "response.run",
    id,
    project: record.project,
    status: record.status,
    background: record.background,
    model: facts.model,
    served_model: facts.servedModel ?? null,
    step: describeStep(record, facts, surroundings),
    created_at_ms: Math.floor(record.createdAtMs),
    started_at_ms: facts.startedAtMs ?? null,
    first_event_at_ms: facts.firstEventAtMs ?? null,
    ended_at_ms: facts.endedAtMs ?? null,
    last_event_at_ms: Math.floor(facts.stampedAtMs ?? record.createdAtMs),
    deadline_at_ms: Math.floor(record.deadlineMs),
    last_sequence_number: record.durable ?? record.last,
    worker: record.worker === "" ? null : record.worker,
    attempts,
    attempt_count: Math.max(
      record.attempts,
      attempts.reduce((sum, { count }) => sum + count, 0),
    ),
    wait_count: record.waits,
    turn_count: facts.turns,
    turn_starts: facts.turnStarts ?? [],
    tool_calls: facts.toolCalls ?? {},
    usage: facts.usage ?? null,
    cost_usd: facts.costUsd ?? null,
    error: describeError(facts),
  };
}

function describeStep(
  record: ResponseRecord,
  { step, endedAtMs, stampedAtMs = 0 }: RunFacts,
  { workers, refusal, approvals }: Surroundings,
): RunStep {
  const acceptedAtMs = Math.floor(record.createdAtMs);
  if (isTerminalStatus(record.status)) {
    const since_ms = endedAtMs ?? acceptedAtMs;
    return approvals.length > 0 ? { type: "waiting_for_approval", since_ms, approvals } : { type: "ended", since_ms };
  }
  if (refusal !== undefined && step?.type !== "waiting_for_provider") {
    return { type: "waiting_for_redis", since_ms: step?.since_ms ?? acceptedAtMs, reason: refusal };
  }
  if (step === undefined) return { type: "queued", since_ms: acceptedAtMs, workers };
  if (step.type === "recovering") return { ...step, workers };
  const isRunning = step.type === "starting" || step.type === "calling_model" || step.type === "running_tools";
  // A lost worker leaves its step behind.
  if (isRunning && workers === 0) return { type: "recovering", since_ms: step.since_ms, reason: LOST, workers };
  return step.type === "calling_model" ? { ...step, silent_since_ms: Math.max(step.since_ms, stampedAtMs) } : step;
}

function describeError({ errorCode, errorMessage = "", errorCause }: RunFacts): Run["error"] {
  return errorCode === undefined ? null : { code: errorCode, message: errorMessage, cause: errorCause ?? null };
}
