/** `POST /conversations`, and `GET`, `POST` and `DELETE /conversations/:id` (contract.md#conversations). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { createConversationSchema, updateConversationSchema } from "../../../protocol/conversation.ts";
import { conversationNotFound } from "../../../lifecycle/errors/state.ts";
import { newId } from "../../../protocol/id.ts";
import { addWithinStorageLimit, updateConversationUsage } from "../../../responses/conversations/conversation-bytes.ts";
import { indexConversationItems } from "../../../responses/reading/item-references.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { parseBodyInSlices } from "../../validation/parse-body.ts";
import { prepareItems } from "../../resources/prepare-items.ts";
import { describeConversation, loadOwnedConversation } from "../../resources/load-owned-conversation.ts";

export function createConversation(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { items, metadata } = await parseBodyInSlices(createConversationSchema, request.body);
    const { project } = response.locals;
    const { storage, limits } = context;
    const nowMs = storage.clock.nowMs();
    const fields = { createdAt: Math.floor(nowMs / 1000), metadata: metadata ?? {} };
    const conversation = describeConversation(newId("conv"), fields);
    const stored = await prepareItems(storage, limits, project, items ?? []);
    const adding = { id: conversation.id, project, items: stored, bound: limits.maxStoredBytesPerProject };
    await addWithinStorageLimit(storage, adding, () =>
      storage.conversations.create(conversation, project, stored, nowMs),
    );
    await indexConversationItems(storage, conversation.id, project, stored, limits.retentionSeconds);
    response.json(conversation);
  };
}

export function retrieveConversation(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id, record } = await loadOwnedConversation(context, request, response.locals.project);
    response.json(describeConversation(id, record));
  };
}

export function updateConversation(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { metadata } = await parseBodyInSlices(updateConversationSchema, request.body);
    const { id, record } = await loadOwnedConversation(context, request, response.locals.project);
    const isSet = await context.storage.conversations.setMetadata(id, metadata ?? {});
    if (!isSet) throw conversationNotFound(id);
    await updateConversationUsage(context.storage, id, { hasNewMetadata: true });
    response.json(describeConversation(id, { ...record, metadata: metadata ?? {} }));
  };
}

/** A second delete answers 404. */
export function deleteConversation(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id } = await loadOwnedConversation(context, request, response.locals.project);
    const { project } = response.locals;
    await context.storage.storedBytes.remove(project, id);
    await context.storage.conversations.erase(id);
    await context.storage.conversationList.remove(project, id);
    await recordAudit(context, response, { type: "conversation.deleted", project, resource: { id } });
    response.json({ id, object: "conversation.deleted", deleted: true });
  };
}
