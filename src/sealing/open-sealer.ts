/**
 * Opens the sealer with the keys that all processes share. Without configured keys, the processes share a random key in
 * Redis, which survives restarts. A reader of Redis can then open sealed content, but could read the same content in the
 * logs.
 */
import { type KeyObject, randomBytes } from "node:crypto";
import type { Logger } from "pino";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";
import { ContentSealer, KEY_BYTES } from "./content-sealer.ts";

export async function openSealer(
  redis: RedisClient,
  layout: RedisLayout,
  configured: readonly KeyObject[],
  logger: Logger,
): Promise<ContentSealer> {
  if (configured.length === 0) return new ContentSealer([await sharedKey(redis, layout.sealingKey)], logger);
  // Content sealed before the operator configured a key still opens.
  const shared = await redis.get(layout.sealingKey);
  const former = shared === null ? [] : [decodeKey(shared, layout.sealingKey)];
  return new ContentSealer([...configured.map((key) => key.export()), ...former], logger);
}

/** Atomic: if several processes start at once, one creates the key. */
async function sharedKey(redis: RedisClient, name: string): Promise<Buffer> {
  const created = randomBytes(KEY_BYTES);
  const existing = await redis.set(name, created.toString("base64"), "NX", "GET");
  return existing === null ? created : decodeKey(existing, name);
}

function decodeKey(text: string, name: string): Buffer {
  const key = Buffer.from(text, "base64");
  if (key.length !== KEY_BYTES) throw new Error(`The key in Redis under ${name} is not ${KEY_BYTES} bytes in base64.`);
  return key;
}
