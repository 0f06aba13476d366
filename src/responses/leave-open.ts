/** The last step of every response, after its terminal event. Each part may be done again; the sweeper does what is left. */
import type { Storage } from "./storage.ts";
import { endTurn } from "./conversation-turn.ts";

export async function leaveOpen(storage: Storage, id: string): Promise<void> {
  const { project, conversationId, continuationId, isWindowed, kept } = await storage.records.readBelonging(id);
  if (isWindowed) await storage.windowed.remove(id);
  if (project !== undefined && continuationId !== "") {
    await storage.continuations.leave({ id, project, continuationId }, storage.clock.nowMs());
  }
  if (conversationId !== "") await endTurn(storage, conversationId, id);
  await storage.open.remove(id, project, kept);
}
