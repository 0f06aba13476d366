/** The items of a conversation: list, create, get and delete (contract.md#conversations). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import {
  conversationItemNotFound,
  conversationLocked,
  conversationNotFound,
  itemExists,
} from "../../../lifecycle/errors/state.ts";
import { toListedItem } from "../../../lifecycle/include.ts";
import { type ConversationItem, createItemsSchema } from "../../../protocol/conversation.ts";
import { toPage, type ListQuery } from "../../../protocol/list.ts";
import { addWithinStorageLimit, updateConversationUsage } from "../../../responses/conversations/conversation-bytes.ts";
import { indexConversationItems } from "../../../responses/reading/item-references.ts";
import { toItemPage } from "../../replies/item-page.ts";
import { parseBodyInSlices } from "../../validation/parse-body.ts";
import { parseInclude, parseListQuery } from "../../validation/queries.ts";
import { prepareItems } from "../../resources/prepare-items.ts";
import { describeConversation, loadOwnedConversation } from "../../resources/load-owned-conversation.ts";

export function listConversationItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseListQuery(request.query);
    const { id } = await loadOwnedConversation(context, request, response.locals.project);
    const page = toItemPage(await context.storage.conversations.readPage(id, query), query);
    await indexForReferences(context, id, response.locals.project, page.data);
    response.json(page);
  };
}

export function createConversationItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { items } = await parseBodyInSlices(createItemsSchema, request.body);
    const included = parseInclude(request.query);
    const { id } = await loadOwnedConversation(context, request, response.locals.project);
    const added = await prepareItems(context.storage, context.limits, response.locals.project, items);
    const { project } = response.locals;
    const adding = { id, project, items: added, bound: context.limits.maxStoredBytesPerProject };
    const outcome = await addWithinStorageLimit(context.storage, adding, () =>
      context.storage.conversations.add(id, added),
    );
    if (outcome.kind === "locked") throw conversationLocked();
    if (outcome.kind === "gone") throw conversationNotFound(id);
    if (outcome.kind === "exists") throw itemExists(added[outcome.index]!.id, outcome.index);
    await indexForReferences(context, id, response.locals.project, added);
    const query: ListQuery = { order: "asc", limit: added.length, include: [...included] };
    response.json(toItemPage(toPage(added, false), query));
  };
}

/** Called before a client learns the ids, so that it can reference each item at once. */
async function indexForReferences(
  { storage, limits }: ApiContext,
  id: string,
  project: string,
  items: readonly ConversationItem[],
): Promise<void> {
  await indexConversationItems(storage, id, project, items, limits.retentionSeconds);
}

export function retrieveConversationItem(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const included = parseInclude(request.query);
    const { id } = await loadOwnedConversation(context, request, response.locals.project);
    const itemId = String(request.params["item_id"]);
    const item = await context.storage.conversations.readItem(id, itemId);
    if (item === undefined) throw conversationItemNotFound(itemId);
    response.json(toListedItem(item, included));
  };
}

/** Answers with the conversation, as the hosted API does. */
export function deleteConversationItem(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id, record } = await loadOwnedConversation(context, request, response.locals.project);
    const itemId = String(request.params["item_id"]);
    const outcome = await context.storage.conversations.removeItem(id, itemId);
    if (outcome === "locked") throw conversationLocked();
    if (outcome === "unknown") throw conversationItemNotFound(itemId);
    await updateConversationUsage(context.storage, id);
    response.json(describeConversation(id, record));
  };
}
