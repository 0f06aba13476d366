/** An endpoint as its owner sees it, and as the relay and the workers need it. */
import type { OperatorEndpoint } from "../config/webhooks-file.ts";
import type { WebhookEndpoint, WebhookEventType } from "../protocol/webhook.ts";
import type { StoredWebhookEndpoint } from "../store/webhook-endpoints.ts";

/** An endpoint as the relay and the workers see it. */
export interface Target {
  id: string;
  project: string;
  url: string;
  eventTypes: readonly WebhookEventType[];
  isEnabled: boolean;
}

export interface SigningTarget extends Target {
  /** The newest first. Empty if a key that sealed them is not configured any more. */
  secrets: string[];
}

export function describeStored(id: string, endpoint: StoredWebhookEndpoint): WebhookEndpoint {
  const { name, url, event_types, signing_secret_hint, disabled_reason, createdAtMs, updatedAtMs } = endpoint;
  return {
    id,
    object: "webhook_endpoint",
    created_at: Math.floor(createdAtMs / 1_000),
    updated_at: Math.floor(updatedAtMs / 1_000),
    name,
    url,
    event_types,
    signing_secret_hint,
    status: disabled_reason === null ? "enabled" : "disabled",
    disabled_reason,
    read_only: false,
  };
}

export function describeOperators({ id, name, url, eventTypes, changedAtMs }: OperatorEndpoint): WebhookEndpoint {
  const changedAt = Math.floor(changedAtMs / 1_000);
  return {
    id,
    object: "webhook_endpoint",
    created_at: changedAt,
    updated_at: changedAt,
    name,
    url,
    event_types: eventTypes,
    signing_secret_hint: null,
    status: "enabled",
    disabled_reason: null,
    read_only: true,
  };
}

export function toTarget(project: string, id: string, endpoint: StoredWebhookEndpoint): Target {
  const { url, event_types: eventTypes, disabled_reason } = endpoint;
  return { id, project, url, eventTypes, isEnabled: disabled_reason === null };
}

export function toOperatorTarget({ id, project, url, eventTypes }: OperatorEndpoint): Target {
  return { id, project, url, eventTypes, isEnabled: true };
}
