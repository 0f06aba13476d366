/**
 * The event log of one response: a Redis Stream whose entry id is `<sequence_number>-1`, so that a subscriber's cursor
 * *is* the id, and history and live are one kind of read.
 *
 * Invariants (the tests that guard them are in test/src/stream/):
 *   1. Sequence numbers have no gap and no repetition: `append` refuses both in the same step that writes.
 *   2. Only the holder of the current lease appends, and nobody after the terminal event.
 *   3. An event that a reader gets is as durable as the operator asked for (`minReplicasAcked`).
 */
import type { EventDraft } from "../../protocol/event.ts";
import { isTerminalStatus, type ResponseStatus } from "../../protocol/response.ts";
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import { type AppendOutcome, appendScript, endScript, type PublishOutcome, publishScript } from "./append-scripts.ts";
import { encodeJsonLine } from "./json-line.ts";
import { ReplicaAcknowledgement, type ReplicaRequirement } from "./replica-acknowledgement.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * The one function that assigns `sequence_number`. `type` comes first in the JSON and the number second, so that a frame
 * can be built without parsing.
 */
export function sequenceEvents(first: number, drafts: readonly EventDraft[]): string[] {
  let written: { response: unknown; json: string } | undefined;
  return drafts.map((draft, i) => {
    const { type, ...rest } = draft;
    if (!("response" in rest)) return encodeJsonLine({ type, sequence_number: first + i, ...rest });
    // The opening events carry the same response: it is written once.
    if (written?.response !== rest.response) written = { response: rest.response, json: encodeJsonLine(rest.response) };
    return `{"type":"${type}","sequence_number":${first + i},"response":${written.json}}`;
  });
}

export interface AppendBatch {
  /** The right to append: what `acquireLease` or `fenceResponse` answered. */
  lease: string;
  /** Sequence number of the first event. */
  first: number;
  events: readonly string[];
  /** The status that these events lead to, if they change it. A terminal one ends the log. */
  status?: ResponseStatus | undefined;
  /** A fold of the log up to the last of these events, to be stored with them. */
  snapshot?: Snapshot | undefined;
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

  /** With replicas required, the sequence number up to which a new log may be shown: nothing yet. */
  get initialVisibleEnd(): number | undefined {
    return this.#replicas.isRequired ? -1 : undefined;
  }

  /**
   * Appends a batch whole or not at all, and tells the readers. Safe to send again after a connection error.
   * `signal` bounds the wait for replicas; without one it is bounded by a few seconds (ReplicasMissingError). What a
   * primary that was promoted meanwhile does not have is a `gap`: it must be appended again.
   */
  async append(id: string, batch: AppendBatch, signal?: AbortSignal): Promise<AppendOutcome> {
    const { lease, first, events, status, snapshot } = batch;
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
      events,
    );
    if (notifiesAtOnce || (kind !== "appended" && kind !== "duplicate")) return { kind, last };
    const published = await this.publishDurable(id, last, signal);
    return published.kind === "shown" ? { kind, last } : { kind: published.kind, last: published.last };
  }

  /** Writes on this log's connection, and resolves when enough replicas have that. `write` must be safe to repeat. */
  async writeConfirmed<T>(write: () => Promise<T>, signal: AbortSignal): Promise<T> {
    return await this.#replicas.writeConfirmed(write, signal);
  }

  /** Rejects if Redis takes no writes now, or not enough replicas have them within a few seconds. */
  async checkWrites(): Promise<void> {
    await this.#redis.set(this.#layout.replicaProbe, "1");
    if (this.#replicas.isRequired) await this.#replicas.confirm();
  }

  /** Waits until enough replicas have the log up to `last`, then lets readers see it. */
  async publishDurable(id: string, last: number, signal?: AbortSignal): Promise<PublishOutcome> {
    if (!this.#replicas.isRequired) return { kind: "shown", last };
    await this.#replicas.confirm(signal);
    const { meta, notifyCommand, notificationChannel } = this.#layout;
    const [kind, found] = await publishScript(this.#redis, meta(id), last, notifyCommand, notificationChannel(id));
    return { kind, last: found };
  }
}
