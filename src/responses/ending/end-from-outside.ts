/**
 * Ends a response from outside its worker: cancel, deadline, too many attempts. It needs no live worker.
 *
 * To end a response from outside, a process first fences it: one script bumps the epoch and records the reason. If the
 * worker appended its terminal event before the fence, that event is final; otherwise the worker can append nothing more, and
 * this process appends the terminal event. If this process crashes in between, the sweeper resumes with the same lease and
 * the same reason. Read `endFromOutside` from top to bottom: each step is safe to repeat.
 */
import { foldEvents } from "../../lifecycle/apply-event.ts";
import {
  createCancelledEvent,
  createItemClosingEvents,
  createFailedEvent,
  responseError,
} from "../../lifecycle/lifecycle-events.ts";
import type { EventDraft, LifecycleEventDraft } from "../../protocol/event.ts";
import { encodeRunNotes, type RunNotes } from "../../lifecycle/run-facts.ts";
import { isTerminalStatus, type Response, type ResponseError, type ResponseStatus } from "../../protocol/response.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import type { FenceOutcome } from "../../stream/log/lease.ts";
import type { EndingReason } from "../../stream/log/lease-scripts.ts";
import { foldLog } from "../../stream/log/snapshot.ts";
import { prepareEnd } from "../reading/item-references.ts";
import { settleEndedResponse } from "./settle-ended-response.ts";
import { publishDurableEnd } from "../reading/publish-durable-end.ts";
import type { Storage } from "../storage.ts";

/** `ended`: by this call, or by a concurrent one for the same reason. `over`: already ended. `gone`: no such response. */
export type EndOutcome =
  | { kind: "ended"; response: Response }
  | { kind: "over"; status: ResponseStatus }
  | { kind: "gone" };

export const UNFINISHED_ERROR = responseError("server_error", "The response could not be finished.");

/** An attempt fails only if a concurrent call ends the response, or a failover loses the fence or the end. */
const MAX_ATTEMPTS = 3;

/** Why a response fails: the client's error, and the cause for the operator. */
export interface EndingError {
  error?: ResponseError | undefined;
  cause?: string | undefined;
}

export async function endFromOutside(
  storage: Storage,
  id: string,
  reason: EndingReason,
  { error, cause }: EndingError = {},
): Promise<EndOutcome> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const fence = await storage.leases.fence(id, reason, error);
    if (fence.kind === "gone") return fence;
    if (fence.kind === "over") {
      if (await publishDurableEnd(storage, id)) return fence;
      continue;
    }
    await storage.workerControl.abort(id);
    const response = await appendTerminalEvent(storage, id, fence, cause);
    if (response === undefined) continue;
    await removeJob(storage, id);
    if (await settleEndedResponse(storage, id, response)) return { kind: "ended", response };
  }
  throw new Error(`Response ${id} could not be ended: its log changed under a fence.`);
}

type Fenced = Extract<FenceOutcome, { kind: "fenced" }>;

/** Closes open items and appends the terminal event. Undefined if a concurrent call has ended the response. */
async function appendTerminalEvent(
  storage: Storage,
  id: string,
  fence: Fenced,
  cause: string | undefined,
): Promise<Response | undefined> {
  const folded = await foldLog(storage.fullLogReader, id);
  if (folded === undefined || isTerminalStatus(folded.response.status)) return undefined;
  const closing = createItemClosingEvents(folded.response, folded.openIndices);
  const closed = foldEvents(closing as EventDraft[], folded)!;
  const terminal = createTerminalEvent(closed.response, fence);
  await prepareEnd(storage, id, terminal.response.output);
  const outcome = await storage.log.append(id, {
    lease: fence.lease,
    first: folded.last + 1,
    events: sequenceEvents(folded.last + 1, [...closing, terminal] as EventDraft[]),
    status: terminal.response.status,
    facts: encodeRunNotes(describeError(terminal.response.error, cause)),
  });
  return outcome.kind === "appended" || outcome.kind === "duplicate" ? terminal.response : undefined;
}

function describeError(error: ResponseError | null, cause: string | undefined): RunNotes {
  if (error === null) return {};
  return { errorCode: error.code, errorMessage: error.message, ...(cause !== undefined && { errorCause: cause }) };
}

function createTerminalEvent(response: Response, fence: Fenced): LifecycleEventDraft {
  if (fence.reason === "cancel") return createCancelledEvent(response);
  return createFailedEvent(response, fence.error ?? UNFINISHED_ERROR);
}

async function removeJob(storage: Storage, id: string): Promise<void> {
  const record = await storage.records.readIncludingDeleted(id);
  if (record === undefined) return;
  await storage.workerControl.tryRemoveJob({ id, ...record });
}
