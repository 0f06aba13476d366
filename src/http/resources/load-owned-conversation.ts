/** Finds the conversation that a path names, in the caller's project. Any other answers 404 (contract.md#ownership). */
import type { Request as HttpRequest } from "express";
import type { ApiContext } from "../../context.ts";
import { conversationNotFound } from "../../lifecycle/errors/state.ts";
import type { Conversation } from "../../protocol/conversation.ts";
import { unlockIfEnded } from "../../responses/conversations/conversation-lock.ts";
import type { ConversationRecord } from "../../store/conversations.ts";
import { parseConversationId } from "../validation/path-ids.ts";

export async function loadOwnedConversation(
  context: ApiContext,
  request: HttpRequest,
  project: string,
): Promise<{ id: string; record: ConversationRecord }> {
  const id = parseConversationId(request);
  const record = await context.storage.conversations.readOwned(id, project);
  if (record === undefined) throw conversationNotFound(id);
  // The turn of an ended response belongs to the conversation, even if no process has added it yet.
  if (record.lock !== "") await unlockIfEnded(context.storage, id, record.lock, context.logger);
  return { id, record };
}

export function describeConversation(
  id: string,
  { createdAt, metadata }: Pick<ConversationRecord, "createdAt" | "metadata">,
): Conversation {
  return { id, object: "conversation", created_at: createdAt, metadata };
}
