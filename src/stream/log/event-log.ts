/**
 * The event log of one response: a Redis Stream with the entry id `<sequence_number>-1`, so that a subscriber's cursor
 * *is* the id, and history and live events are one kind of read.
 *
 * Invariants (guarded by the tests in test/src/stream/log/):
 * 1. Sequence numbers are contiguous and unique: `append` rejects gaps and repeats in the same step that writes.
 * 2. Only the holder of the current lease appends, and nothing follows the terminal event.
 * 3. Every visible event is as durable as the operator requires (`minReplicasAcked`).
 */
import type { EventDraft } from "../../protocol/event.ts";
import { isTerminalStatus, type ResponseStatus } from "../../protocol/response.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import { type AppendOutcome, appendScript, endScript, type PublishOutcome, publishScript } from "./append-scripts.ts";
import { encodeJsonLine } from "./json-line.ts";
import { ReplicaAcknowledgement, type ReplicaRequirement } from "./replica-acknowledgement.ts";
import type { Snapshot } from "./snapshot.ts";
import { channels } from "../../telemetry/channels.ts";

/**
 * The only function that assigns `sequence_number`. `type` is the first key of the JSON and the number the second, so
 * that frames can be built without parsing.
 */
export function sequenceEvents(first: number, drafts: readonly EventDraft[]): string[] {
  let written: { response: unknown; json: string } | undefined;
  return drafts.map((draft, i) => {
    const { type, ...rest } = draft;
    if (!("response" in rest)) return encodeJsonLine({ type, sequence_number: first + i, ...rest });
    // The opening events share one response object, which is encoded once.
    if (written?.response !== rest.response) written = { response: rest.response, json: encodeJsonLine(rest.response) };
    return `{"type":"${type}","sequence_number":${first + i},"response":${written.json}}`;
  });
}

export interface AppendBatch {
  /** The right to append, as returned by `Leases.acquire` or `Leases.fence`. */
  lease: string;
  /** Sequence number of the first event. */
  first: number;
  events: readonly string[];
  /** The new status, if these events change it. A terminal status ends the log. */
  status?: ResponseStatus | undefined;
  /** A fold of the log up to the last of these events, stored with them. */
  snapshot?: Snapshot | undefined;
  /** Facts about the run: fields of its record, and their values. Without events only these are written. */
  facts?: readonly (string | number)[];
}

export class EventLog {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #replicas: ReplicaAcknowledgement;

  constructor(redis: RedisClient, layout: RedisLayout, requirement: ReplicaRequirement) {
    this.#redis = redis;
    this.#layout = layout;
    this.#replicas = new ReplicaAcknowledgement(redis, layout.replicaProbe, requirement);
  }

  /** With replicas required, the visible end of a new log: nothing is visible yet. */
  get initialVisibleEnd(): number | undefined {
    return this.#replicas.isRequired ? -1 : undefined;
  }

  /**
   * Appends a batch atomically and notifies readers. Safe to retry after a connection error. `signal` limits the wait
   * for replicas; without it the wait ends after a few seconds (ReplicasMissingError). A `gap` means that a newly
   * promoted primary lacks earlier events, which must be appended again.
   */
  async append(id: string, batch: AppendBatch, signal?: AbortSignal): Promise<AppendOutcome> {
    const { lease, first, events, status, snapshot, facts = [] } = batch;
    const notifiesAtOnce = !this.#replicas.isRequired;
    const isEnd = status !== undefined && isTerminalStatus(status);
    const [kind, last] = await (isEnd ? endScript : appendScript)(
      this.#redis,
      this.#layout.keysOf(id),
      lease,
      first,
      status ?? "",
      isEnd ? "1" : "0",
      snapshot === undefined ? "" : JSON.stringify(snapshot),
      notifiesAtOnce ? this.#layout.notifyCommand : "",
      this.#layout.notificationChannel(id),
      facts.length,
      facts,
      events,
    );
    if (kind === "appended") reportAppended(events);
    if (notifiesAtOnce || (kind !== "appended" && kind !== "duplicate")) return { kind, last };
    const published = await this.publishDurable(id, last, signal);
    return published.kind === "shown" ? { kind, last } : { kind: published.kind, last: published.last };
  }

  /**
   * Runs `write` on this log's connection and resolves when enough replicas have it. `write` must be safe to repeat.
   */
  async writeConfirmed<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#replicas.writeConfirmed(write, signal);
  }

  /** Rejects if Redis accepts no writes now, or too few replicas confirm one within a few seconds. */
  async checkWrites(): Promise<void> {
    await this.#redis.set(this.#layout.replicaProbe, "1");
    if (this.#replicas.isRequired) await this.#replicas.confirm();
  }

  /** Waits until enough replicas have the log up to `last`, then makes it visible to readers. */
  async publishDurable(id: string, last: number, signal?: AbortSignal): Promise<PublishOutcome> {
    if (!this.#replicas.isRequired) return { kind: "shown", last };
    await this.#replicas.confirm(signal);
    const { meta, notifyCommand, notificationChannel } = this.#layout;
    const [kind, found] = await publishScript(this.#redis, meta(id), last, notifyCommand, notificationChannel(id));
    return { kind, last: found };
  }
}

/** Once per batch. The sum costs nothing unless someone subscribes. */
function reportAppended(events: readonly string[]): void {
  if (!channels.recorded.hasSubscribers || events.length === 0) return;
  let bytes = 0;
  for (const { length } of events) bytes += length;
  channels.recorded.publish({ events: events.length, bytes });
}
