import { flag, integer, matchingText, milliseconds, optionalText, text } from "../setting.ts";

/** WAIT and the commands before it must finish within the 5 s that a request's commands may take. */
const MAX_WAIT_MS = 4_000;

export const redisSettings = {
  REDIS_URL: text(
    "Address of Redis 7.0 or newer, or of Valkey: `redis://[user:password@]host:6379[/db]`, `rediss://` with TLS, a socket's path, `redis+sentinel://` with Sentinels, or the nodes of a cluster separated by commas. `npm start`, the demo and the tests start a Redis of their own if this is unset.",
    "redis://127.0.0.1:6379",
  ),
  REDIS_CLUSTER: flag("Mode for Redis Cluster: `REDIS_URL` lists the nodes of a cluster.", false),
  REDIS_TLS_CA_FILE: optionalText(
    "Path of a PEM file with the authority that signed Redis's certificate (with `rediss://`). If empty, the authorities that Node knows.",
  ),
  REDIS_TLS_CERT_FILE: optionalText(
    "Path of a PEM file with the certificate that this server presents to Redis (with `rediss://`). Needs `REDIS_TLS_KEY_FILE`.",
  ),
  REDIS_TLS_KEY_FILE: optionalText("Path of a PEM file with the key of `REDIS_TLS_CERT_FILE`, without a passphrase."),
  REDIS_MIN_REPLICAS_ACKED: integer(
    "Number of replicas that must confirm an event before any client sees it (0 = the primary alone is enough).",
    { default: 0 },
  ),
  REDIS_WAIT_TIMEOUT_MS: milliseconds(
    "Timeout until replicas confirm a write; then they are asked again. Must be longer than the round trip to a replica.",
    { default: 1_000, min: 1, max: MAX_WAIT_MS },
  ),
  KEY_PREFIX: matchingText(
    "Prefix of every key in Redis: letters, digits, - and _.",
    /^[A-Za-z0-9_-]+$/,
    "only letters, digits, - and _ are allowed",
    "br",
  ),
};
