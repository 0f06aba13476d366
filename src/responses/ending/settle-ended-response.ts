/** The last step of every response, after its terminal event. All parts are safe to repeat; the sweeper completes them. */
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import { isTerminalEventType } from "../../protocol/event.ts";
import type { Response } from "../../protocol/response.ts";
import { endingOf, type RecordedEnding } from "../../store/recorded-ending.ts";
import type { Memberships } from "../../store/response-record.ts";
import { eventTypeOf } from "../../stream/log/event-log-reader.ts";
import { appendAndUnlock } from "../conversations/conversation-lock.ts";
import { publishDurableEnd } from "../reading/publish-durable-end.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import type { Storage } from "../storage.ts";
import { leaveInFlight } from "./leave-in-flight.ts";
import { reportEnd, reportThresholds } from "./report-end.ts";

/**
 * Removes an ended or deleted response from the in-flight set, its continuation and its conversation's lock. False if the
 * response runs, because a replica without its end was promoted. Throws ReplicasMissingError if replicas do not confirm
 * the end in time. A known terminal response saves reading it from the log.
 */
export async function settleEndedResponse(storage: Storage, id: string, ended?: Response): Promise<boolean> {
  if (!(await publishDurableEnd(storage, id))) return false;
  const known = ended && endingOf(ended);
  const [memberships] = await Promise.all([
    storage.records.readMemberships(id),
    known && storage.records.writeEnding(id, known),
  ]);
  const ending = known ?? memberships.ending ?? (await recordEnding(storage, id, memberships));
  return await removeFromSets(storage, id, { ...memberships, ending }, ended);
}

/** For a response whose worker crashed at its end, or has an older release. */
async function recordEnding(
  { records, fullLogReader }: Storage,
  id: string,
  { retained }: Memberships,
): Promise<RecordedEnding | undefined> {
  const last = retained && (await fullLogReader.readLast(id));
  if (last === undefined || !isTerminalEventType(eventTypeOf(last.data))) return undefined;
  const ending = endingOf(await parseInSlices<Response>(extractResponseJson(last)));
  await records.writeEnding(id, ending);
  return ending;
}

/** False if the response turns out to be running. */
export async function removeFromSets(
  storage: Storage,
  id: string,
  memberships: Memberships,
  ended?: Response,
): Promise<boolean> {
  const { project, conversationId, continuationId, isWindowed, run } = memberships;
  if (isWindowed) await storage.windowedResponses.remove(id);
  if (project !== undefined && continuationId !== "") {
    await storage.relatedResponses.markEnded({ id, project, continuationId }, storage.clock.nowMs());
  }
  if (conversationId !== "") await appendAndUnlock(storage, conversationId, id, ended);
  const { kind, passed } = await leaveInFlight(storage, id, memberships);
  if (kind === "removed" && project !== undefined && run !== undefined) {
    reportEnd(id, project, run);
    reportThresholds(project, passed);
  }
  return kind !== "kept";
}
