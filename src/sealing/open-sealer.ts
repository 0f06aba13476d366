/**
 * The sealer of a process, with the keys that every process has. Without configured keys one lies in Redis: it outlives
 * restarts and needs no setting, and whoever reads Redis can read what it seals, but the reasoning lies there too.
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
  // What was sealed before there was a configured key is still opened.
  const shared = await redis.get(layout.sealingKey);
  const former = shared === null ? [] : [decodeKey(shared, layout.sealingKey)];
  return new ContentSealer([...configured.map((key) => key.export()), ...former], logger);
}

/** Atomic: of two processes that start at once, one makes it. */
async function sharedKey(redis: RedisClient, name: string): Promise<Buffer> {
  const made = randomBytes(KEY_BYTES);
  const before = await redis.set(name, made.toString("base64"), "NX", "GET");
  return before === null ? made : decodeKey(before, name);
}

function decodeKey(text: string, name: string): Buffer {
  const key = Buffer.from(text, "base64");
  if (key.length !== KEY_BYTES) throw new Error(`The key in Redis under ${name} is not ${KEY_BYTES} bytes in base64.`);
  return key;
}
