/**
 * Moves events from the outbox to the queue of webhooks. The process that ends a response moves its event at once; the sweeper
 * moves what such a process left. Each step can be repeated: an event has one job per endpoint, under an id of both.
 */
import type { Logger } from "pino";
import type { TerminalStatus } from "../protocol/response.ts";
import type { WebhookEventJob, WebhookQueue } from "../queue/webhook-queue.ts";
import type { Clock } from "../redis/redis-clock.ts";
import type { RemovalOutcome } from "../store/remove-in-flight.ts";
import type { WebhookDeliveries } from "../store/webhook-deliveries.ts";
import type { EndedRun, OutboxEntry, WebhookOutbox } from "../store/webhook-outbox.ts";
import { reportDropped } from "./report-delivery.ts";
import type { Target } from "./endpoint-views.ts";
import type { WebhookEndpoints } from "./webhook-endpoints.ts";
import { eventKeyOf, typeOf } from "./webhook-event.ts";

export interface RelayParts {
  endpoints: WebhookEndpoints;
  deliveries: WebhookDeliveries;
  outbox: WebhookOutbox;
  queue: WebhookQueue;
  clock: Clock;
  /** Time for which an event is retried. */
  retrySeconds: number;
  logger: Logger;
}

const BATCH = 500;
/** Entries that this process has put into the outbox and not moved yet. It leaves more to the sweeper. */
const MAX_OWN_ENTRIES = 1_000;
/** The sweeper leaves younger entries to their processes. */
const SWEPT_AGE_MS = 2_000;
const CLOSE_LIMIT_MS = 2_000;

export class WebhookRelay {
  readonly #parts: RelayParts;
  #own: OutboxEntry[] = [];
  #loop: Promise<void> | undefined;

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** What the script that ends a response needs for its event. Undefined if its end is no event. */
  eventOf(
    project: string | undefined,
    end: { status: TerminalStatus; endedAtMs: number } | undefined,
  ): EndedRun | undefined {
    if (project === undefined || end === undefined) return undefined;
    return { ...end, hasEndpoints: this.#parts.endpoints.hasOperatorEndpoints(project) };
  }

  /** Called after a response has left the in-flight set. Never throws and does not wait. */
  accept(
    responseId: string,
    project: string | undefined,
    end: { status: TerminalStatus; endedAtMs: number } | undefined,
    event: RemovalOutcome["event"],
  ): void {
    if (event === "none" || project === undefined || end === undefined) return;
    if (event === "dropped") {
      this.#parts.logger.error({ responseId, project, status: end.status }, "Webhook dropped: the outbox is full");
    } else if (this.#own.length < MAX_OWN_ENTRIES) {
      this.#own.push({ responseId, project, ...end });
      this.#loop ??= this.#relayOwn();
    }
  }

  async #relayOwn(): Promise<void> {
    // Ends of the same moment share a batch.
    await Promise.resolve();
    while (this.#own.length > 0) {
      const batch = this.#own.slice(0, BATCH);
      this.#own = this.#own.slice(BATCH);
      await this.#relay(batch);
    }
    this.#loop = undefined;
  }

  /** Moves what other processes left in the outbox. */
  async sweep(): Promise<void> {
    const beforeMs = this.#parts.clock.nowMs() - SWEPT_AGE_MS;
    for (let offset = 0; ;) {
      const entries = await this.#parts.outbox.list(beforeMs, offset, BATCH);
      offset += await this.#relay(entries);
      if (entries.length < BATCH) return;
    }
  }

  /** Never rejects: entries that fail stay in the outbox. Returns their number. */
  async #relay(entries: readonly OutboxEntry[]): Promise<number> {
    let failed = 0;
    for (const [project, own] of Map.groupBy(entries, (entry) => entry.project)) {
      try {
        await this.#relayProject(project, own);
      } catch (err) {
        failed += own.length;
        this.#parts.logger.warn({ err, project, events: own.length }, "Could not queue webhooks; the sweeper will");
      }
    }
    return failed;
  }

  async #relayProject(project: string, entries: readonly OutboxEntry[]): Promise<void> {
    const targets = await this.#parts.endpoints.listTargets(project);
    const jobs = await Promise.all(
      targets.filter(({ isEnabled }) => isEnabled).map((each) => this.#admit(each, entries)),
    );
    await this.#parts.queue.addEvents(jobs.flat());
    await this.#parts.outbox.remove(entries);
  }

  /** The jobs for one endpoint. An event is dropped if too many wait. */
  async #admit(target: Target, entries: readonly OutboxEntry[]): Promise<WebhookEventJob[]> {
    const { deliveries, clock, retrySeconds, logger } = this.#parts;
    const jobs = entries
      .filter(({ status }) => target.eventTypes.includes(typeOf(status)))
      .map((entry) => toJob(target, entry, retrySeconds));
    if (jobs.length === 0) return [];
    const pending = jobs.map(({ eventKey, giveUpAtMs }) => ({ key: eventKey, giveUpAtMs }));
    const nowMs = clock.nowMs();
    const hasRoom = await deliveries.addPending(target.id, pending, nowMs);
    const dropped = jobs.filter((_job, index) => hasRoom[index] !== true);
    for (const job of dropped) await reportDropped({ deliveries, logger }, job, nowMs);
    return jobs.filter((_job, index) => hasRoom[index] === true);
  }

  /** Waits a moment for the current batch. The sweeper moves the rest. */
  async close(): Promise<void> {
    const { promise: limit, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, CLOSE_LIMIT_MS).unref();
    await Promise.race([this.#loop, limit]);
    clearTimeout(timer);
  }
}

function toJob(
  { id, project }: Target,
  { responseId, status, endedAtMs }: OutboxEntry,
  retrySeconds: number,
): WebhookEventJob {
  const type = typeOf(status);
  return {
    kind: "event",
    project,
    endpointId: id,
    eventKey: eventKeyOf({ responseId, type }),
    responseId,
    type,
    endedAtMs,
    giveUpAtMs: endedAtMs + retrySeconds * 1_000,
  };
}
