/** `GET /webhook_endpoints/:id/deliveries`: its recent tries, an extension of this server. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { listCursorNotFound, webhookEndpointNotFound } from "../../../lifecycle/errors/state.ts";
import { toPage } from "../../../protocol/list.ts";
import { parseWebhookEndpointId } from "../../validation/path-ids.ts";
import { parseWebhookDeliveryListQuery } from "../../validation/queries.ts";

export function listWebhookDeliveries({ storage }: ApiContext): RequestHandler {
  return async (request, response) => {
    const id = parseWebhookEndpointId(request);
    const { limit, order, after } = parseWebhookDeliveryListQuery(request.query);
    const { endpoints, deliveries } = storage.webhooks;
    const found = await endpoints.find(response.locals.project, id);
    if (found.kind !== "found") throw webhookEndpointNotFound(id);
    // One more than the page, to learn whether more follow.
    const tries = await deliveries.list(id, { order, after, count: limit + 1 });
    if (tries === undefined) throw listCursorNotFound(after!);
    response.json(toPage(tries.slice(0, limit), tries.length > limit));
  };
}
