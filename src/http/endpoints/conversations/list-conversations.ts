/** `GET /conversations` (contract.md#lists-of-conversations). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { toPage } from "../../../protocol/list.ts";
import { listConversations as readPage } from "../../../responses/reading/list-conversations.ts";
import { describeConversation } from "../../resources/load-owned-conversation.ts";
import { parseDatedListQuery } from "../../validation/queries.ts";

export function listConversations(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseDatedListQuery(request.query);
    const { listed, hasMore } = await readPage(context.storage, response.locals.project, query);
    response.json(
      toPage(
        listed.map(({ id, record }) => describeConversation(id, record)),
        hasMore,
      ),
    );
  };
}
