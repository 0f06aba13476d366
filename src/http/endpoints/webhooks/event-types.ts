/** `GET /webhook_event_types`: the events that this server sends. */
import type { RequestHandler } from "express";
import { WEBHOOK_EVENT_TYPES } from "../../../protocol/webhook.ts";

export const listWebhookEventTypes: RequestHandler = (_request, response) => {
  response.json({ object: "list", data: WEBHOOK_EVENT_TYPES });
};
