/** The items of a conversation: list, create, get and delete (contract 06). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import {
  conversationItemNotFound,
  conversationLocked,
  conversationNotFound,
  listCursorNotFound,
} from "../../lifecycle/errors.ts";
import { createItemsSchema } from "../../protocol/conversation.ts";
import { pageOf } from "../../protocol/list.ts";
import { parseBody, parseListQuery } from "../validate.ts";
import { itemsToStore } from "./items-to-store.ts";
import { describeConversation, ownedConversation } from "./owned-conversation.ts";

export function listConversationItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseListQuery(request.query);
    const { id } = await ownedConversation(context, request, response.locals.project);
    const page = pageOf(await context.storage.conversations.readItems(id), query);
    if (page === undefined) throw listCursorNotFound(query.after!);
    response.json(page);
  };
}

export function createConversationItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { items } = parseBody(createItemsSchema, request.body);
    const { id } = await ownedConversation(context, request, response.locals.project);
    const added = itemsToStore(items);
    const outcome = await context.storage.conversations.add(id, added);
    if (outcome === "locked") throw conversationLocked();
    if (outcome === "gone") throw conversationNotFound(id);
    response.json(pageOf(added, { order: "asc", limit: added.length }));
  };
}

export function retrieveConversationItem(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id } = await ownedConversation(context, request, response.locals.project);
    const itemId = String(request.params["item_id"]);
    const item = await context.storage.conversations.readItem(id, itemId);
    if (item === undefined) throw conversationItemNotFound(itemId);
    response.json(item);
  };
}

/** Answers the conversation, not the item. */
export function deleteConversationItem(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { id, record } = await ownedConversation(context, request, response.locals.project);
    const itemId = String(request.params["item_id"]);
    const outcome = await context.storage.conversations.removeItem(id, itemId);
    if (outcome === "locked") throw conversationLocked();
    if (outcome === "unknown") throw conversationItemNotFound(itemId);
    response.json(describeConversation(id, record));
  };
}
