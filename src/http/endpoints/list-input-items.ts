/** `GET /responses/:id/input_items` (contract.md#lists). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../context.ts";
import { responseNotFound } from "../../lifecycle/errors/state.ts";
import { asListedItem } from "../../responses/conversations/conversation-turn.ts";
import { indexItems } from "../../responses/reading/item-references.ts";
import { itemPage } from "../replies/item-page.ts";
import { readableRecord } from "./retrieve-response.ts";
import { parseListQuery, responseIdOf } from "../validation/validate.ts";

export function listInputItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = responseIdOf(request);
    const query = parseListQuery(request.query);
    const record = await readableRecord(context, id, response.locals.project);
    const found = await context.storage.records.readInputPage(id, query);
    if (found === "gone") throw responseNotFound(id);
    const page = itemPage(found, query);
    // From here on the client knows these ids, and may name an item by its own.
    await indexItems(context.storage, id, record, page.data);
    response.json({ ...page, data: page.data.map(asListedItem) });
  };
}
