/**
 * Which form the data under a prefix has, in one key. It changes only with a form that older releases cannot read: what is
 * merely added (a key, a field that may be missing) leaves it as it is, so that two releases run side by side during an
 * upgrade. Data without the key are from before there was one, and have version 1.
 */
import type { Logger } from "pino";
import { isRedisUnavailable } from "./connect.ts";
import type { RedisClient } from "./script.ts";

/** What this release writes, and the oldest that it reads. */
const DATA_VERSION = 1;
const OLDEST_READABLE = 1;

/** The data are of a release that this one does not understand. */
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

/** Throws DataVersionError if this release cannot read the data; else notes which version they have. */
export async function checkDataVersion(redis: RedisClient, key: string, logger: Logger): Promise<void> {
  const found = (await redis.get(key)) ?? (await recordVersion(redis, key, logger));
  const version = Number(found);
  if (!(version >= OLDEST_READABLE && version <= DATA_VERSION)) throw new DataVersionError(key, found);
}

/** Of two processes that start at once, one notes it. A Redis that is full keeps nobody from starting: 1 is what no key means. */
async function recordVersion(redis: RedisClient, key: string, logger: Logger): Promise<string> {
  const version = String(DATA_VERSION);
  try {
    return (await redis.set(key, version, "NX", "GET")) ?? version;
  } catch (err) {
    if (!isRedisUnavailable(err)) throw err;
    logger.warn({ err }, "Could not note the version of the data");
    return version;
  }
}
