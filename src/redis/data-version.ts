/**
 * The version of the data under a prefix, stored in one key. It changes only for a format that older releases cannot
 * read; additions (a key, an optional field) keep it, so that two releases can run side by side during an upgrade. Data
 * without the key predates it and has version 1.
 */
import type { Logger } from "pino";
import { isRedisUnavailable } from "./connect.ts";
import type { RedisClient } from "./script.ts";

/** The version that this release writes, and the oldest that it reads. */
const DATA_VERSION = 1;
const OLDEST_READABLE = 1;

/** A release that this one does not understand wrote the data. */
export class DataVersionError extends Error {
  override readonly name = "DataVersionError";

  constructor(key: string, version: string) {
    const readable = OLDEST_READABLE < DATA_VERSION ? `${OLDEST_READABLE} to ${DATA_VERSION}` : String(DATA_VERSION);
    const remedy =
      Number(version) > DATA_VERSION ? "Start the newer release that wrote them" : "Start an older release";
    super(
      `The data in Redis have version ${version} (${key}), and this release reads version ${readable}. ${remedy}, or set KEY_PREFIX to another.`,
    );
  }
}

/** Throws DataVersionError if this release cannot read the data; otherwise records the version. */
export async function checkDataVersion(redis: RedisClient, key: string, logger: Logger): Promise<void> {
  const stored = (await redis.get(key)) ?? (await recordVersion(redis, key, logger));
  const version = Number(stored);
  if (!(version >= OLDEST_READABLE && version <= DATA_VERSION)) throw new DataVersionError(key, stored);
}

/**
 * If two processes start at once, one of them records it. A full Redis does not prevent a start, because a missing key
 * means version 1.
 */
async function recordVersion(redis: RedisClient, key: string, logger: Logger): Promise<string> {
  const version = String(DATA_VERSION);
  try {
    return (await redis.set(key, version, "NX", "GET")) ?? version;
  } catch (err) {
    if (!isRedisUnavailable(err)) throw err;
    logger.warn({ err }, "Could not record the data version");
    return version;
  }
}
