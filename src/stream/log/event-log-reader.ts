/**
 * Reads logs. Readers and writers never share a connection, because a writer's connection blocks while it WAITs for replicas.
 */
import { ENTRY_SUFFIX, type RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";
import { readLogPage } from "./log-page.ts";
import { readLogTimes, type TimePage } from "./log-times.ts";
import type { ReplicaRequirement } from "./replica-acknowledgement.ts";

export interface LoggedEvent {
  sequenceNumber: number;
  /** The event's JSON, encoded once by its writer. It always starts with `{"type":"…"`. */
  data: string;
}

export interface EventPage {
  events: LoggedEvent[];
  /** Whether more events may follow. */
  hasMore: boolean;
}

export class EventLogReader {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;
  readonly #minReplicasAcked: number;

  constructor(redis: RedisClient, layout: RedisLayout, options: Pick<ReplicaRequirement, "minReplicasAcked">) {
    this.#redis = redis;
    this.#layout = layout;
    this.#minReplicasAcked = options.minReplicasAcked;
  }

  /** Reads up to `count` events in order, from sequence number `from` (inclusive). */
  async read(id: string, from: number, count: number): Promise<LoggedEvent[]> {
    const end = await this.#endOfPage(id);
    const entries = await this.#redis.xrange(this.#layout.events(id), `${from}${ENTRY_SUFFIX}`, end, "COUNT", count);
    return entries.map(toLoggedEvent);
  }

  /** Reads up to `count` events in order that end just before sequence number `before`, or at the log's end. */
  async readBackward(id: string, before: number | undefined, count: number): Promise<LoggedEvent[]> {
    const end = before === undefined ? await this.#endOfPage(id) : `(${before}${ENTRY_SUFFIX}`;
    const entries = await this.#redis.xrevrange(this.#layout.events(id), end, "-", "COUNT", count);
    return entries.map(toLoggedEvent).toReversed();
  }

  /** Reads one page, limited in bytes (log-page.ts), in order, from sequence number `from` (inclusive). */
  async readPage(id: string, from: number): Promise<EventPage> {
    const page = await readLogPage(this.#redis, this.#layout.events(id), from, await this.#endOfPage(id));
    const events = page.data.map((data, i) => ({ sequenceNumber: page.first + i, data }));
    return { events, hasMore: page.hasMore };
  }

  /** Reads up to `limit` times at which events were recorded, from sequence number `from` (inclusive). */
  async readTimes(id: string, from: number, limit: number): Promise<TimePage> {
    const end = await this.#endOfPage(id);
    return await readLogTimes(this.#redis, this.#layout.events(id), { from, end, limit });
  }

  /** Reads the last visible event. */
  async readLast(id: string): Promise<LoggedEvent | undefined> {
    const end = await this.#endOfPage(id);
    const [entry] = await this.#redis.xrevrange(this.#layout.events(id), end, "-", "COUNT", 1);
    return entry === undefined ? undefined : toLoggedEvent(entry);
  }

  /** The stored snapshot. It may cover events that readers may not see yet. */
  async readSnapshotJson(id: string): Promise<string | null> {
    return await this.#redis.get(this.#layout.snapshot(id));
  }

  /**
   * The last visible sequence number; undefined if the whole log is visible, as it is for logs written before replicas
   * were required.
   */
  async readVisibleEnd(id: string): Promise<number | undefined> {
    if (this.#minReplicasAcked === 0) return undefined;
    const durable = await this.#redis.hget(this.#layout.meta(id), "durable");
    return durable === null ? undefined : Number(durable);
  }

  async #endOfPage(id: string): Promise<string> {
    const end = await this.readVisibleEnd(id);
    if (end === undefined) return "+";
    return end < 0 ? "0-0" : `${end}${ENTRY_SUFFIX}`;
  }
}

function toLoggedEvent([entryId, fields]: [string, string[]]): LoggedEvent {
  return { sequenceNumber: Number(entryId.slice(0, entryId.indexOf("-"))), data: fields[1]! };
}

const TYPE_START = '{"type":"'.length;

/** The event's type, read from the start of its JSON. */
export function eventTypeOf(data: string): string {
  return data.slice(TYPE_START, data.indexOf('"', TYPE_START));
}
