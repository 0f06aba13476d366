/** Everything a response is kept in, opened once a process. The functions of this room take it as their first argument. */
import type { Logger } from "pino";
import type { ResponseQueue } from "../queue/response-queue.ts";
import type { RedisLayout } from "../redis/layout.ts";
import type { Clock } from "../redis/redis-clock.ts";
import type { RedisClient } from "../redis/script.ts";
import type { ContentSealer } from "../sealing/content-sealer.ts";
import { Containers } from "../store/containers.ts";
import { Continuations } from "../store/continuations.ts";
import { Conversations } from "../store/conversations.ts";
import { IdempotencyKeys } from "../store/idempotency-keys.ts";
import { ItemIndex } from "../store/item-index.ts";
import { InFlightResponses } from "../store/in-flight-responses.ts";
import { ResponseChains } from "../store/response-chain.ts";
import { ResponseRecords } from "../store/response-record.ts";
import { StoredBytes } from "../store/stored-bytes.ts";
import { ToolJournals } from "../store/tool-journal.ts";
import { RemoteRunRegistry } from "../store/remote-run-registry.ts";
import { WindowedResponses } from "../store/windowed-responses.ts";
import { WorkerControl } from "../queue/worker-control.ts";
import { EventLog } from "../stream/log/event-log.ts";
import { EventLogReader } from "../stream/log/event-log-reader.ts";
import type { ReplicaRequirement } from "../stream/log/replica-acknowledgement.ts";
import { Leases } from "../stream/log/lease.ts";

export interface Storage {
  readonly redis: RedisClient;
  readonly layout: RedisLayout;
  readonly records: ResponseRecords;
  readonly chains: ResponseChains;
  readonly inFlight: InFlightResponses;
  readonly storedBytes: StoredBytes;
  readonly windowedResponses: WindowedResponses;
  readonly continuations: Continuations;
  readonly idempotency: IdempotencyKeys;
  readonly conversations: Conversations;
  readonly containers: Containers;
  readonly itemIndex: ItemIndex;
  readonly journals: ToolJournals;
  readonly remoteRunRegistry: RemoteRunRegistry;
  readonly log: EventLog;
  /** Reads what may be shown: with replicas configured, only what enough of them have. */
  readonly visibleLogReader: EventLogReader;
  /** Reads all that was appended. Only for those who go on writing. */
  readonly fullLogReader: EventLogReader;
  readonly leases: Leases;
  readonly workerControl: WorkerControl;
  readonly queue: ResponseQueue;
  /** The time that all processes share: of whatever one writes and another compares with now. */
  readonly clock: Clock;
  /** What clients keep for this server and cannot read. */
  readonly sealer: ContentSealer;
  /** How long a container is kept after its last use. */
  readonly containerIdleSeconds: number;
  /** The same of a conversation; 0: until it is deleted. */
  readonly conversationIdleSeconds: number;
  readonly logger: Logger;
}

export interface StorageConnections extends ReplicaRequirement {
  redis: RedisClient;
  /** Appends, and WAITs where replicas are configured: used for nothing else then. */
  logRedis: RedisClient;
  layout: RedisLayout;
  queue: ResponseQueue;
  clock: Clock;
  sealer: ContentSealer;
  containerIdleSeconds: number;
  conversationIdleSeconds: number;
  logger: Logger;
}

export function openStorage(connections: StorageConnections): Storage {
  const { redis, logRedis, layout, queue, clock, sealer, minReplicasAcked, logger } = connections;
  const { containerIdleSeconds, conversationIdleSeconds } = connections;
  return {
    redis,
    layout,
    queue,
    clock,
    sealer,
    logger,
    containerIdleSeconds,
    conversationIdleSeconds,
    records: new ResponseRecords(redis, layout, logRedis),
    chains: new ResponseChains(redis, layout),
    inFlight: new InFlightResponses(redis, layout, { minReplicasAcked }),
    storedBytes: new StoredBytes(redis, layout),
    windowedResponses: new WindowedResponses(redis, layout),
    continuations: new Continuations(redis, layout),
    itemIndex: new ItemIndex(redis, layout),
    journals: new ToolJournals(redis, layout, logRedis),
    remoteRunRegistry: new RemoteRunRegistry(redis, layout),
    conversations: new Conversations(redis, layout),
    containers: new Containers(redis, layout, logRedis),
    idempotency: new IdempotencyKeys(redis, layout),
    log: new EventLog(logRedis, layout, connections),
    visibleLogReader: new EventLogReader(redis, layout, { minReplicasAcked }),
    fullLogReader: new EventLogReader(redis, layout, { minReplicasAcked: 0 }),
    leases: new Leases(redis, layout),
    workerControl: new WorkerControl(redis, layout),
  };
}
