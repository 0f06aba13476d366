/**
 * Closes connections that died silently. A peer that disappears without a FIN (an unplugged cable, a firewall that
 * dropped the connection, a failed host) leaves a socket that accepts commands and never answers: ioredis times the
 * commands out but keeps the socket. Each connection is checked every second:
 *
 * Nothing in flight: a PING is sent, on subscribers too.
 * Something in flight: bytes must move, in either direction, within 6 s (plus the time for which its oldest command
 * blocks).
 *
 * The limit counts checks instead of time, as in running-timeout.ts: while this process's event loop is blocked no
 * check runs, and replies that wait in the socket are read before the next. The purpose of a connection (connect.ts)
 * decides whether it reconnects and what happens to its commands.
 */
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import type { RedisClient } from "./script.ts";

const CHECK_INTERVAL_MS = 1_000;
const CHECKS_UNTIL_DEAD = 6;
/** Readiness reports a problem before the connection is closed. */
const CHECKS_UNTIL_DOUBTFUL = 2;

/** The reason for closing a connection. isRedisUnavailable() recognizes its code. */
class SilentConnectionError extends Error {
  override readonly name = "SilentConnectionError";
  readonly code = "ETIMEDOUT";

  constructor() {
    super(`Redis has answered nothing on this connection for ${(CHECKS_UNTIL_DEAD * CHECK_INTERVAL_MS) / 1000} s.`);
  }
}

interface SocketProgress {
  received: number;
  unsent: number;
  silentChecks: number;
  /** The time for which the oldest command in flight blocks: no reply is due before. */
  blocksMs: number;
}

const progressBySocket = new WeakMap<Socket, SocketProgress>();
const copiesByClient = new WeakMap<RedisClient, Set<RedisClient>>();

/** Watches the client from its next connection on, with all its duplicates: BullMQ blocks on some of its own. */
export function watchLiveness(client: RedisClient): void {
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    clearInterval(timer);
    timer = undefined;
  };
  client.on("connecting", () => {
    timer ??= setInterval(() => connectionsOf(client).forEach(checkConnection), CHECK_INTERVAL_MS).unref();
  });
  client.on("end", stop);

  const copies = new Set<RedisClient>();
  copiesByClient.set(client, copies);
  const duplicate = client.duplicate.bind(client) as (...parameters: unknown[]) => RedisClient;
  const duplicateWatched = (...parameters: unknown[]): RedisClient => {
    const copy = duplicate(...parameters);
    watchLiveness(copy);
    copies.add(copy);
    return copy;
  };
  Object.assign(client, { duplicate: duplicateWatched });
}

/** Whether the client and its duplicates are connected and Redis answers them, as far as is known. */
export function isAnswering(client: RedisClient): boolean {
  if (client.status !== "ready") return false;
  const isDoubtful = ({ stream }: Redis): boolean => isOverdue(progressBySocket.get(stream), CHECKS_UNTIL_DOUBTFUL);
  if (connectionsOf(client).some((connection) => connection.status === "ready" && isDoubtful(connection))) return false;
  return [...(copiesByClient.get(client) ?? [])].every(isAnswering);
}

/** Internals of ioredis: a cluster's subscribers are not in its list of nodes. */
interface ClusterSubscribers {
  subscriber?: { getInstance(): Redis | null };
  shardedSubscribers?: { shardedSubscribers: Map<string, { getInstance(): Redis | null }> };
}

function connectionsOf(client: RedisClient): Redis[] {
  if (client instanceof Redis) return [client];
  const { subscriber, shardedSubscribers } = client as unknown as ClusterSubscribers;
  const sharded = [...(shardedSubscribers?.shardedSubscribers.values() ?? [])];
  const subscribers = [subscriber, ...sharded].map((each) => each?.getInstance());
  return [...client.nodes(), ...subscribers.filter((each) => each != null)];
}

function checkConnection(connection: Redis): void {
  const socket = connection.stream as Socket | undefined;
  const isOpen = connection.status === "ready" || connection.status === "connect";
  if (socket === undefined || socket.destroyed || !isOpen) return;
  const before = progressBySocket.get(socket);
  const now = { received: socket.bytesRead, unsent: unsentBytes(socket) };
  const hasMoved = before === undefined || before.received !== now.received || before.unsent !== now.unsent;
  const oldest = oldestCommand(connection);
  const isSilent = !hasMoved && oldest !== undefined;
  const silentChecks = isSilent ? before.silentChecks + 1 : 0;
  const progress = { ...now, silentChecks, blocksMs: oldest?.extractBlockingTimeout() ?? 0 };
  progressBySocket.set(socket, progress);
  if (isOverdue(progress, CHECKS_UNTIL_DEAD)) socket.destroy(new SilentConnectionError());
  // A reply moves bytes. The next checks notice if it does not come.
  else if (oldest === undefined && connection.status === "ready") connection.ping().catch(() => {});
}

function isOverdue(progress: SocketProgress | undefined, checks: number): boolean {
  if (progress === undefined) return false;
  return progress.silentChecks * CHECK_INTERVAL_MS >= checks * CHECK_INTERVAL_MS + progress.blocksMs;
}

interface CommandQueueOwner {
  commandQueue: { peekFront(): { command: { extractBlockingTimeout(): number | null | undefined } } | undefined };
}

/** A command that timed out stays in flight until Redis answers it. */
function oldestCommand(connection: Redis) {
  return (connection as unknown as CommandQueueOwner).commandQueue.peekFront()?.command;
}

/**
 * Bytes buffered by this process and, for a write in progress, by the event loop: a large value on a slow link counts
 * as progress.
 */
function unsentBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { writeQueueSize?: number } | null };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}
