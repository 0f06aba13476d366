/**
 * Converts the address of REDIS_URL to ioredis options: a single server, a primary known by Sentinels, or a cluster.
 */
import type { RedisOptions } from "ioredis";
import { parseRedisUrl, type RedisAddress } from "./redis-url.ts";

/** PEM texts: the authority of Redis' certificate, and this server's own certificate and key. */
export interface TlsFiles {
  ca?: string;
  cert?: string;
  key?: string;
}

export interface RedisSettings {
  url: string;
  cluster: boolean;
  tls?: TlsFiles | undefined;
}

/** Replies keep the default shapes of ioredis. */
type Options = Omit<RedisOptions, "replyMapping">;

/** A hung Sentinel must not block the next one. */
const SENTINEL_TIMEOUT_MS = 2_000;

export function parseSettings({ url, cluster, tls }: RedisSettings): { address: RedisAddress; options: Options } {
  const address = parseRedisUrl(url, cluster);
  const { username, password, db, isTls } = address;
  const options = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(db > 0 && { db }),
    ...(isTls && { tls: { ...tls } }),
  };
  return { address, options: { ...options, ...addressOptions(address, tls) } };
}

function addressOptions(address: RedisAddress, tls: TlsFiles | undefined): Options {
  switch (address.kind) {
    case "server":
      return { host: address.host, port: address.port };
    case "socket":
      return { path: address.path };
    case "cluster":
      // The client discovers unlisted nodes through the listed ones, with the same credentials.
      return {};
    case "sentinel": {
      const { sentinels, name, sentinelUsername, sentinelPassword, isTls } = address;
      return {
        sentinels,
        name,
        ...(sentinelUsername !== undefined && { sentinelUsername }),
        ...(sentinelPassword !== undefined && { sentinelPassword }),
        sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
        ...(isTls && { enableTLSForSentinelMode: true, sentinelTLS: { ...tls } }),
      };
    }
  }
}
