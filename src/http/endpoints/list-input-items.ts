/** `GET /responses/:id/input_items` (contract.md#lists). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import { normalizeConversationItem } from "../../responses/conversations/conversation-items.ts";
import { indexItems } from "../../responses/reading/item-references.ts";
import { toItemPage } from "../replies/item-page.ts";
import { loadReadableRecord } from "../resources/load-readable-response.ts";
import { parseResponseId } from "../validation/path-ids.ts";
import { parseListQuery } from "../validation/queries.ts";

export function listInputItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseResponseId(request);
    const query = parseListQuery(request.query);
    const record = await loadReadableRecord(context, id, response.locals);
    const found = await context.storage.records.readInputPage(id, query);
    if (found.kind === "gone") throw responseNotFound(id);
    const page = toItemPage(found.kind === "page" ? found.page : undefined, query);
    // Before the client learns the ids, so that it can reference each item at once.
    await indexItems(context.storage, id, record, page.data);
    response.json({ ...page, data: page.data.map(normalizeConversationItem) });
  };
}
