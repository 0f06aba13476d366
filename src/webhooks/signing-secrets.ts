/** Signing secrets and signatures (Standard Webhooks; contract.md#webhooks). */
import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";

export const SECRET_PREFIX = "whsec_";
/** Standard Webhooks: 24 to 64 bytes. */
const SECRET_BYTES = 32;
const HINT_CHARACTERS = 4;

export function newSigningSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString("base64");
}

/** The end of the secret, by which its owner recognizes it. */
export function hintOf(secret: string): string {
  return `${SECRET_PREFIX}...${secret.slice(-HINT_CHARACTERS)}`;
}

export interface SignedMessage {
  /** The same on every try. */
  id: string;
  body: string;
  sentAtMs: number;
}

/** The headers of one try: fresh time, and one signature per secret. */
export function signMessage({ id, body, sentAtMs }: SignedMessage, secrets: readonly string[]): Record<string, string> {
  const sentAt = new Date(sentAtMs);
  return {
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(sentAtMs / 1_000)),
    "webhook-signature": secrets.map((secret) => new Webhook(secret).sign(id, sentAt, body)).join(" "),
  };
}
