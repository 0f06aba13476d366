/** The last step of every response, after its terminal event. Each part may be done again; the sweeper does what is left. */
import type { Storage } from "./storage.ts";
import { endTurn } from "./conversation-turn.ts";

export async function leaveOpen(storage: Storage, id: string): Promise<void> {
  const { project, conversationId } = await storage.records.readBelonging(id);
  if (conversationId !== "") await endTurn(storage, conversationId, id);
  await storage.open.remove(id, project);
}
