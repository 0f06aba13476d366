/**
 * Gives up connections that are dead without an end. A peer that is gone without a FIN (a pulled cable, a firewall that
 * forgot the connection, a failed host) leaves a socket that takes commands for ever and answers none: ioredis rejects the
 * commands by their timeouts and keeps the socket. Every second each connection is looked at:
 *
 * - Nothing is in flight: a PING is sent, also by subscribers.
 * - Something is in flight: bytes must move, in either direction, within 6 s (and as long as its oldest command blocks).
 *
 * Counted are looks and not time, as in running-timeout.ts: while the event loop of this process is blocked no look
 * happens, and the replies that lie in the socket are read before the next. Whether a connection reconnects, and what
 * becomes of its commands, is a matter of its purpose (connect.ts).
 */
import type { Socket } from "node:net";
import { Redis } from "ioredis";
import type { RedisClient } from "./script.ts";

const CHECK_INTERVAL_MS = 1_000;
const CHECKS_UNTIL_DEAD = 6;
/** Readiness does not wait until the connection is given up. */
const CHECKS_UNTIL_DOUBTFUL = 2;

/** The socket of a connection is destroyed with it. Its code is one by which isRedisUnavailable() knows it. */
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
}

const progressBySocket = new WeakMap<Socket, SocketProgress>();
const copiesByClient = new WeakMap<RedisClient, Set<RedisClient>>();

/** Watches the client from its next connection on, and every duplicate of it: BullMQ blocks on some of its own. */
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

/** Whether the client and its duplicates are connected and Redis answers them, as far as anybody knows yet. */
export function isAnswering(client: RedisClient): boolean {
  if (client.status !== "ready") return false;
  const isDoubtful = ({ stream }: Redis): boolean =>
    (progressBySocket.get(stream)?.silentChecks ?? 0) >= CHECKS_UNTIL_DOUBTFUL;
  if (connectionsOf(client).some((connection) => connection.status === "ready" && isDoubtful(connection))) return false;
  return [...(copiesByClient.get(client) ?? [])].every(isAnswering);
}

/** What ioredis keeps to itself: the subscribers of a cluster are in no list of its nodes. */
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
  progressBySocket.set(socket, { ...now, silentChecks });
  const blocksMs = oldest?.extractBlockingTimeout() ?? 0;
  if (silentChecks * CHECK_INTERVAL_MS >= CHECKS_UNTIL_DEAD * CHECK_INTERVAL_MS + blocksMs)
    socket.destroy(new SilentConnectionError());
  // Its answer is bytes that move. What becomes of it otherwise, the next looks find out.
  else if (oldest === undefined && connection.status === "ready") connection.ping().catch(() => {});
}

interface CommandQueueOwner {
  commandQueue: { peekFront(): { command: { extractBlockingTimeout(): number | null | undefined } } | undefined };
}

/** A command that was rejected by its timeout stays in flight until Redis answers it. */
function oldestCommand(connection: Redis) {
  return (connection as unknown as CommandQueueOwner).commandQueue.peekFront()?.command;
}

/** In this process and, of a write that is under way, in the event loop: a large value on a slow line moves by it. */
function unsentBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { _handle: { writeQueueSize?: number } | null };
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}
