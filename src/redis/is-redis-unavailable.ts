/**
 * Recognizes errors of Redis, ioredis and Node.js that mean: Redis cannot execute the command now but may later. Few of
 * them have a code or a class, so they are recognized by their text: that of Redis 7 to 8 and Valkey, ioredis 6
 * (`built/`: Redis, cluster/index, connectors, redis/event_handler) and BullMQ 6.
 */

/** Redis error replies by their first word, the same inside and outside of scripts. */
const REPLY_CODES: Readonly<Record<string, string>> = {
  LOADING: "it reads its file after a start",
  MASTERDOWN: "a replica without its primary that may not serve old data",
  READONLY: "a replica: the primary of before a failover",
  NOREPLICAS: "a primary without `min-replicas-to-write` replicas",
  UNBLOCKED: "a primary that became a replica while a command was blocked",
  MISCONF: "its last save to disk has failed",
  OOM: "its memory is full",
  BUSY: "a script runs for longer than `busy-reply-threshold`",
  CLUSTERDOWN: "slots of the cluster have no primary",
  TRYAGAIN: "keys of one slot lie on two nodes while the slot is moved",
  MOVED: "the slot has another node, and the client may not follow",
  ASK: "the slot is being moved, and the client may not follow",
};

/** Full or partial messages. */
const MESSAGES: readonly string[] = [
  // Redis, before it closes the connection.
  "max number of clients reached",
  // ioredis
  "Connection is closed",
  "Connection is aborted",
  "Connection is discarded",
  "Command aborted due to connection close",
  "Command timed out",
  "Socket timeout. Expecting data",
  "isn't writeable and enableOfflineQueue",
  "isn't ready and enableOfflineQueue",
  "max retries per request limit",
  // ioredis, in a cluster
  "Too many Cluster redirections",
  "Failed to refresh slots cache",
  "None of startup nodes is available",
  "No master node is available",
  "No subscriber for the cluster",
  "Cluster is disconnect",
  "Cluster is ended",
  "Node is disconnected",
  // ioredis, with Sentinel
  "All sentinels are unreachable",
  "failed to connect to sentinel",
  // BullMQ
  "cluster reconnect timed out",
];

/** Node.js codes of sockets and DNS. ioredis includes some of them in its messages. */
const SOCKET_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** Redis answers, and takes no writes. */
const WRITE_REFUSALS: ReadonlySet<string> = new Set(["OOM", "READONLY", "NOREPLICAS", "MISCONF"]);

const FIRST_WORD = /^[A-Z]+(?= |$)/;
const TEXTS = [...MESSAGES, ...SOCKET_CODES];

/** `full` or `refused` if `error` means that Redis takes no writes; undefined for any other error. */
export function writeRefusalOf(error: unknown): "full" | "refused" | undefined {
  const word = error instanceof Error ? FIRST_WORD.exec(error.message)?.[0] : undefined;
  if (word === undefined || !WRITE_REFUSALS.has(word)) return undefined;
  return word === "OOM" ? "full" : "refused";
}

/** Whether `error` means that Redis cannot execute the command now but may later. */
export function isRedisUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && SOCKET_CODES.has(code)) return true;
  const word = FIRST_WORD.exec(error.message)?.[0];
  return (word !== undefined && Object.hasOwn(REPLY_CODES, word)) || TEXTS.some((text) => error.message.includes(text));
}
