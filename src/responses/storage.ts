/** The stores of a process. The operations of this room take them, or the few they need, as their first argument. */
import type { Logger } from "pino";
import type { ResponseQueue } from "../queue/response-queue.ts";
import type { RedisLayout } from "../redis/layout.ts";
import type { Clock } from "../redis/redis-clock.ts";
import type { RedisClient } from "../redis/script.ts";
import type { ContentSealer } from "../sealing/content-sealer.ts";
import { Containers } from "../store/containers.ts";
import { EmbeddingCache } from "../store/embedding-cache.ts";
import { BlobCustody } from "../store/files/blob-custody.ts";
import { FileRecords } from "../store/files/file-records.ts";
import { UploadRecords } from "../store/files/upload-records.ts";
import { AuditLog } from "../store/organization/audit-log.ts";
import { OrganizationKeys } from "../store/organization/organization-keys.ts";
import { ProjectLimitStore } from "../store/organization/project-limits.ts";
import { Projects } from "../store/organization/projects.ts";
import { SpendAlerts } from "../store/organization/spend-alerts.ts";
import { type AccountingSettings, UsageCounts } from "../store/organization/usage-counts.ts";
import { RelatedResponses } from "../store/related-responses.ts";
import { Conversations } from "../store/conversations.ts";
import { IdempotencyKeys } from "../store/idempotency-keys.ts";
import { ItemIndex } from "../store/item-index.ts";
import { ListIndex } from "../store/lists/list-index.ts";
import { ResponseList } from "../store/lists/response-list.ts";
import { InFlightResponses } from "../store/in-flight-responses.ts";
import { ResponseChains } from "../store/response-chain.ts";
import { ResponseRecords } from "../store/response-records.ts";
import { StoredIndex } from "../store/search-index/stored-index.ts";
import { StoredBytes } from "../store/stored-bytes.ts";
import { SweeperLock } from "../store/sweeper-lock.ts";
import { RunJournals } from "../store/run-journals.ts";
import { RemoteRunRegistry } from "../store/remote-run-registry.ts";
import { WaitingTimes } from "../store/waiting-times.ts";
import { WebhookDeliveries } from "../store/webhook-deliveries.ts";
import { WebhookEndpointStore } from "../store/webhook-endpoints.ts";
import { WebhookOutbox } from "../store/webhook-outbox.ts";
import { WindowedResponses } from "../store/windowed-responses.ts";
import { WorkerRegistry } from "../store/worker-registry.ts";
import { WorkerControl } from "../queue/worker-control.ts";
import { EventLog } from "../stream/log/event-log.ts";
import { EventLogReader } from "../stream/log/event-log-reader.ts";
import type { ReplicaRequirement } from "../stream/log/replica-acknowledgement.ts";
import { Leases } from "../stream/log/lease.ts";
import { openWebhooks, type Webhooks, type WebhooksParts } from "../webhooks/webhooks.ts";

export interface Storage {
  readonly records: ResponseRecords;
  readonly chains: ResponseChains;
  readonly inFlight: InFlightResponses;
  readonly storedBytes: StoredBytes;
  readonly windowedResponses: WindowedResponses;
  readonly relatedResponses: RelatedResponses;
  readonly idempotency: IdempotencyKeys;
  readonly conversations: Conversations;
  readonly containers: Containers;
  readonly files: FileRecords;
  readonly uploads: UploadRecords;
  readonly blobCustody: BlobCustody;
  readonly itemIndex: ItemIndex;
  readonly searchIndexes: StoredIndex;
  readonly embeddingCache: EmbeddingCache;
  readonly responseList: ResponseList;
  readonly conversationList: ListIndex;
  readonly journals: RunJournals;
  readonly remoteRunRegistry: RemoteRunRegistry;
  readonly log: EventLog;
  /** Reads events that clients may see. Where replicas are required, only confirmed events. */
  readonly visibleLogReader: EventLogReader;
  /** Reads every appended event. Only for processes that append. */
  readonly fullLogReader: EventLogReader;
  readonly leases: Leases;
  readonly sweeperLock: SweeperLock;
  readonly projects: Projects;
  readonly projectLimits: ProjectLimitStore;
  readonly usageCounts: UsageCounts;
  readonly spendAlerts: SpendAlerts;
  readonly auditLog: AuditLog;
  readonly organizationKeys: OrganizationKeys;
  readonly workerControl: WorkerControl;
  readonly workers: WorkerRegistry;
  readonly waitingTimes: WaitingTimes;
  readonly webhooks: Webhooks;
  /** Redis's time, for times that one process stores and another compares with now. */
  readonly clock: Clock;
  readonly sealer: ContentSealer;
  /** Lifetime of a container after its last use. */
  readonly containerIdleSeconds: number;
  /** Lifetime of a conversation after its last use (0 = until it is deleted). */
  readonly conversationIdleSeconds: number;
  /** Rejects if Redis does not answer. */
  readonly ping: () => Promise<unknown>;
}

/** The part of a process's context that the operations on its responses use. */
export interface ResponseContext {
  readonly storage: Storage;
  readonly queue: ResponseQueue;
  readonly logger: Logger;
}

type WebhookSettings = Pick<WebhooksParts, "queue" | "operatorEndpoints" | "environment" | "retrySeconds" | "logger">;

export interface StorageConnections extends ReplicaRequirement {
  redis: RedisClient;
  /** Where replicas are required, this connection sends WAIT and therefore serves only appends. */
  logRedis: RedisClient;
  layout: RedisLayout;
  queue: ResponseQueue;
  clock: Clock;
  sealer: ContentSealer;
  containerIdleSeconds: number;
  conversationIdleSeconds: number;
  accounting: AccountingSettings;
  webhooks: WebhookSettings;
}

export function openStorage(connections: StorageConnections): Storage {
  const { redis, logRedis, layout, queue, clock, sealer, minReplicasAcked } = connections;
  const { containerIdleSeconds, conversationIdleSeconds, accounting } = connections;
  return {
    ping: () => redis.ping(),
    clock,
    sealer,
    containerIdleSeconds,
    conversationIdleSeconds,
    records: new ResponseRecords(redis, layout, logRedis),
    chains: new ResponseChains(redis, layout),
    inFlight: new InFlightResponses(redis, layout, { minReplicasAcked, accounting }),
    storedBytes: new StoredBytes(redis, layout),
    windowedResponses: new WindowedResponses(redis, layout),
    relatedResponses: new RelatedResponses(redis, layout),
    itemIndex: new ItemIndex(redis, layout),
    searchIndexes: new StoredIndex(redis, layout),
    embeddingCache: new EmbeddingCache(redis, layout),
    responseList: new ResponseList(redis, layout),
    conversationList: new ListIndex(redis, layout.conversationList),
    journals: new RunJournals(redis, layout, logRedis),
    remoteRunRegistry: new RemoteRunRegistry(redis, layout),
    conversations: new Conversations(redis, layout),
    containers: new Containers(redis, layout, logRedis),
    files: new FileRecords(redis, layout, logRedis),
    uploads: new UploadRecords(redis, layout, logRedis),
    blobCustody: new BlobCustody(redis, layout),
    idempotency: new IdempotencyKeys(redis, layout),
    log: new EventLog(logRedis, layout, connections),
    visibleLogReader: new EventLogReader(redis, layout, { minReplicasAcked }),
    fullLogReader: new EventLogReader(redis, layout, { minReplicasAcked: 0 }),
    leases: new Leases(redis, layout),
    sweeperLock: new SweeperLock(redis, layout),
    projects: new Projects(redis, layout),
    projectLimits: new ProjectLimitStore(redis, layout),
    usageCounts: new UsageCounts(redis, layout),
    spendAlerts: new SpendAlerts(redis, layout),
    auditLog: new AuditLog(redis, layout, accounting.auditLogMaxEntries),
    organizationKeys: new OrganizationKeys(redis, layout, clock),
    workerControl: new WorkerControl(redis, layout, queue),
    workers: new WorkerRegistry(redis, layout, clock),
    waitingTimes: new WaitingTimes(redis, layout, clock),
    webhooks: openWebhooks({
      ...connections.webhooks,
      clock,
      sealer,
      store: new WebhookEndpointStore(redis, layout),
      deliveries: new WebhookDeliveries(redis, layout),
      outbox: new WebhookOutbox(redis, layout),
    }),
  };
}
