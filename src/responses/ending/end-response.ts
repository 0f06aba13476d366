/**
 * Ends a response from outside its worker: cancel, deadline, attempts used up. Works with every worker dead, and against
 * a worker that is about to finish: fencing is atomic, so either its terminal event was first and stays, or it can append
 * nothing more and ours is first. A crash between the two steps leaves `ending` set, and the sweeper goes on from there.
 */
import { foldEvents } from "../../lifecycle/apply-event.ts";
import {
  createCancelledEvent,
  createItemClosingEvents,
  createFailedEvent,
  responseError,
} from "../../lifecycle/lifecycle-events.ts";
import type { EventDraft, LifecycleEventDraft } from "../../protocol/event.ts";
import { isTerminalStatus, type Response, type ResponseError, type ResponseStatus } from "../../protocol/response.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import type { EndingReason, FenceOutcome } from "../../stream/log/lease.ts";
import { foldLog } from "../../stream/log/snapshot.ts";
import { indexOutput } from "../reading/item-references.ts";
import { removeInFlight } from "./remove-in-flight.ts";
import { publishEnd } from "../reading/publish-end.ts";
import type { Storage } from "../storage.ts";

/** `ended`: by this call or one like it, at the same time. `over`: it had ended before. `gone`: there is none. */
export type EndOutcome =
  | { kind: "ended"; response: Response }
  | { kind: "over"; status: ResponseStatus }
  | { kind: "gone" };

/** A fence, or an end, can only be lost to a Redis that was rolled back; more often than this it does not happen in a row. */
const MAX_TRIES = 3;

export async function endResponse(
  storage: Storage,
  id: string,
  reason: EndingReason,
  error?: ResponseError,
): Promise<EndOutcome> {
  for (let attempt = 1; attempt <= MAX_TRIES; attempt += 1) {
    const fence = await storage.leases.fence(id, reason, error);
    if (fence.kind === "gone") return fence;
    if (fence.kind === "over") {
      if (await publishEnd(storage, id)) return fence;
      continue;
    }
    await storage.workerControl.abort(id);
    const ended = await appendEnding(storage, id, fence);
    if (ended !== undefined) {
      await removeJob(storage, id);
      if (await removeInFlight(storage, id, ended)) return { kind: "ended", response: ended };
    }
  }
  throw new Error(`Response ${id} could not be ended: its log changed under a fence.`);
}

type Fenced = Extract<FenceOutcome, { kind: "fenced" }>;

async function appendEnding(storage: Storage, id: string, fence: Fenced): Promise<Response | undefined> {
  const folded = await foldLog(storage.redis, storage.layout, storage.fullLogReader, id);
  // Somebody who ends it for the same reason was faster; the next try finds it over.
  if (folded === undefined || isTerminalStatus(folded.response.status)) return undefined;
  const closing = createItemClosingEvents(folded.response, folded.openIndices);
  const closed = foldEvents(closing as EventDraft[], folded)!;
  const ending = createEndingEvent(closed.response, fence);
  await indexOutput(storage, id, ending.response.output);
  const outcome = await storage.log.append(id, {
    lease: fence.lease,
    first: folded.last + 1,
    events: sequenceEvents(folded.last + 1, [...closing, ending] as EventDraft[]),
    status: ending.response.status,
  });
  return outcome.kind === "appended" || outcome.kind === "duplicate" ? ending.response : undefined;
}

function createEndingEvent(response: Response, fence: Fenced): LifecycleEventDraft {
  if (fence.reason === "cancel") return createCancelledEvent(response);
  return createFailedEvent(
    response,
    fence.error ?? responseError("server_error", "The response could not be finished."),
  );
}

/** A job that still waits has nothing left to do: whoever takes it finds the response over. */
async function removeJob(storage: Storage, id: string): Promise<void> {
  const record = await storage.records.readIncludingDeleted(id);
  if (record === undefined) return;
  await storage.queue.remove({ id, ...record }).catch((err: unknown) => {
    storage.logger.debug({ err, responseId: id }, "Could not drop the job of a response that is over");
  });
}
