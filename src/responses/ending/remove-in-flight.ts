/** The last step of every response, after its terminal event. All parts are safe to repeat; the sweeper completes them. */
import type { Memberships } from "../../store/response-record.ts";
import { appendAndUnlock } from "../conversations/conversation-lock.ts";
import { publishEnd } from "../reading/publish-end.ts";
import type { Storage } from "../storage.ts";

/**
 * Removes an ended or deleted response from the in-flight set, its continuation and its conversation's lock. False if the
 * response runs, because a replica without its end was promoted. Throws ReplicasMissingError if replicas do not confirm
 * the end in time.
 */
export async function removeInFlight(storage: Storage, id: string): Promise<boolean> {
  if (!(await publishEnd(storage, id))) return false;
  return await removeFromSets(storage, id, await storage.records.readMemberships(id));
}

/** False if the response turns out to be running. */
export async function removeFromSets(storage: Storage, id: string, memberships: Memberships): Promise<boolean> {
  const { project, conversationId, continuationId, isWindowed, retained } = memberships;
  if (isWindowed) await storage.windowedResponses.remove(id);
  if (project !== undefined && continuationId !== "") {
    await storage.continuations.markEnded({ id, project, continuationId }, storage.clock.nowMs());
  }
  if (conversationId !== "") await appendAndUnlock(storage, conversationId, id);
  return await storage.inFlight.removeEnded(id, project, retained);
}
