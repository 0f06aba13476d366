/** The last step of every response, after its terminal event. Each part may be done again; the sweeper does what is left. */
import type { Belonging } from "../../store/response-record.ts";
import { endTurn } from "../conversations/conversation-turn.ts";
import { showEnd } from "../reading/show-end.ts";
import type { Storage } from "../storage.ts";

/**
 * Takes a response that is over, or gone, out of all that orders and bounds those that are not. False if it runs: a primary
 * that was promoted without its end has it still. Throws ReplicasMissingError if its end cannot be shown yet.
 */
export async function leaveOpen(storage: Storage, id: string): Promise<boolean> {
  if (!(await showEnd(storage, id))) return false;
  return await leaveSets(storage, id, await storage.records.readBelonging(id));
}

/** False if the response is found running after all. */
export async function leaveSets(storage: Storage, id: string, belonging: Belonging): Promise<boolean> {
  const { project, conversationId, continuationId, isWindowed, kept } = belonging;
  if (isWindowed) await storage.windowed.remove(id);
  if (project !== undefined && continuationId !== "") {
    await storage.continuations.leave({ id, project, continuationId }, storage.clock.nowMs());
  }
  if (conversationId !== "") await endTurn(storage, conversationId, id);
  return await storage.open.leave(id, project, kept);
}
