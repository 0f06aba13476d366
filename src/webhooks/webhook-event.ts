/**
 * The event of an ended response. Everything in it derives from the response, so a repetition after a crash is the same
 * event, and its receiver can drop it by its id.
 */
import { createHash } from "node:crypto";
import type { TerminalStatus } from "../protocol/response.ts";
import type { WebhookEvent, WebhookEventType } from "../protocol/webhook.ts";

const DIGEST_DIGITS = 50;

export interface EventSource {
  responseId: string;
  type: WebhookEventType;
  /** The end of the response in Unix milliseconds. */
  endedAtMs: number;
}

export function typeOf(status: TerminalStatus): WebhookEventType {
  return `response.${status}`;
}

/** Names the event in keys and ids. */
export function eventKeyOf({ responseId, type }: Omit<EventSource, "endedAtMs">): string {
  return createHash("sha256").update(`${responseId}\n${type}`).digest("hex").slice(0, DIGEST_DIGITS);
}

export function eventIdOf(source: Omit<EventSource, "endedAtMs">): string {
  return `evt_${eventKeyOf(source)}`;
}

/** The `webhook-id` of every try at every endpoint. */
export function messageIdOf(source: Omit<EventSource, "endedAtMs">): string {
  return `wh_${eventKeyOf(source)}`;
}

export function toWebhookEvent(source: EventSource): WebhookEvent {
  return {
    id: eventIdOf(source),
    object: "event",
    type: source.type,
    created_at: Math.floor(source.endedAtMs / 1_000),
    data: { id: source.responseId },
  };
}
