/** The last step of every response, after its terminal event. Each part may be done again; the sweeper does what is left. */
import type { Response } from "../../protocol/response.ts";
import type { Memberships } from "../../store/response-record.ts";
import { appendAndUnlock } from "../conversations/conversation-lock.ts";
import { publishEnd } from "../reading/publish-end.ts";
import type { Storage } from "../storage.ts";

/**
 * Takes a response that is over, or gone, out of all that orders and bounds those that are not. False if it runs: a primary
 * that was promoted without its end has it still. Throws ReplicasMissingError if its end cannot be shown yet.
 */
export async function removeInFlight(storage: Storage, id: string, ended?: Response): Promise<boolean> {
  if (!(await publishEnd(storage, id))) return false;
  return await removeFromSets(storage, id, await storage.records.readMemberships(id), ended);
}

/** False if the response is found running after all. */
export async function removeFromSets(
  storage: Storage,
  id: string,
  memberships: Memberships,
  ended?: Response,
): Promise<boolean> {
  const { project, conversationId, continuationId, isWindowed, kept } = memberships;
  if (isWindowed) await storage.windowedResponses.remove(id);
  if (project !== undefined && continuationId !== "") {
    await storage.continuations.markEnded({ id, project, continuationId }, storage.clock.nowMs());
  }
  if (conversationId !== "") await appendAndUnlock(storage, conversationId, id, ended);
  return await storage.inFlight.removeEnded(id, project, kept);
}
