/** `GET /responses/:id/input_items` (contract 06). */
import type { RequestHandler } from "express";
import type { ApiContext } from "../context.ts";
import { listCursorNotFound, responseNotFound } from "../lifecycle/errors.ts";
import { pageOf } from "../protocol/list.ts";
import { readableRecord } from "./retrieve-response.ts";
import { parseListQuery, responseIdOf } from "./validate.ts";

export function listInputItems(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = responseIdOf(request);
    const query = parseListQuery(request.query);
    await readableRecord(context, id, response.locals.project);
    const items = await context.storage.records.readInput(id);
    if (items === undefined) throw responseNotFound(id);
    const page = pageOf(items, query);
    if (page === undefined) throw listCursorNotFound(query.after!);
    response.json(page);
  };
}
