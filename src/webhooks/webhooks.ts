/** Everything about webhooks that a process needs. */
import type { WebhookQueue } from "../queue/webhook-queue.ts";
import type { WebhookDeliveries } from "../store/webhook-deliveries.ts";
import type { WebhookEndpointStore } from "../store/webhook-endpoints.ts";
import type { WebhookOutbox } from "../store/webhook-outbox.ts";
import { WebhookEndpoints, type WebhookEndpointsParts } from "./webhook-endpoints.ts";
import { type RelayParts, WebhookRelay } from "./webhook-relay.ts";

export interface Webhooks {
  readonly endpoints: WebhookEndpoints;
  readonly deliveries: WebhookDeliveries;
  readonly outbox: WebhookOutbox;
  readonly queue: WebhookQueue;
  readonly relay: WebhookRelay;
}

export interface WebhooksParts extends WebhookEndpointsParts, Omit<RelayParts, "endpoints"> {
  store: WebhookEndpointStore;
}

export function openWebhooks(parts: WebhooksParts): Webhooks {
  const endpoints = new WebhookEndpoints(parts);
  const { deliveries, outbox, queue } = parts;
  return { endpoints, deliveries, outbox, queue, relay: new WebhookRelay({ ...parts, endpoints }) };
}
