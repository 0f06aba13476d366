/** The address of REDIS_URL as ioredis wants it: one server, the primary that Sentinels know, or a cluster. */
import type { RedisOptions } from "ioredis";
import { parseRedisUrl, type RedisAddress } from "./redis-url.ts";

/** PEM texts: of the authority that has signed Redis' certificate, and of this server's own certificate and its key. */
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

/** Of replies there are the shapes that ioredis has by itself. */
type Options = Omit<RedisOptions, "replyMapping">;

/** A Sentinel that hangs must not keep anyone from asking the next. */
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
      // Nodes that are not listed are found by asking those that are, and want the same credentials.
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
