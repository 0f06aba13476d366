/** Batches that a writer appended recently, kept in case Redis loses its last second of writes. */

const RECENT_BYTES = 4 * 1024 * 1024;
const RECENT_MS = 5_000;

/** Redis lost more of the log than this process remembers. The run must restart from the events that are left. */
export class LogRolledBackError extends Error {
  override readonly name = "LogRolledBackError";
}

export interface RecentBatch<Event> {
  /** Sequence number of the first event. */
  first: number;
  events: Event[];
  bytes: number;
  /** Monotonic time. */
  atMs: number;
}

export class RecentBatches<Event> {
  readonly #responseId: string;
  #batches: RecentBatch<Event>[] = [];
  #bytes = 0;

  constructor(responseId: string) {
    this.#responseId = responseId;
  }

  add(batch: RecentBatch<Event>): void {
    this.#batches.push(batch);
    this.#bytes += batch.bytes;
    const oldestMs = performance.now() - RECENT_MS;
    while (this.#batches.length > 1 && (this.#bytes > RECENT_BYTES || this.#batches[0]!.atMs < oldestMs)) {
      this.#bytes -= this.#batches.shift()!.bytes;
    }
  }

  /**
   * Returns everything kept from sequence number `first` on as one batch. Throws LogRolledBackError if some of it is
   * not kept.
   */
  batchFrom(first: number): RecentBatch<Event> {
    const oldest = this.#batches[0]?.first ?? Number.POSITIVE_INFINITY;
    if (first < oldest) {
      throw new LogRolledBackError(`The log of ${this.#responseId} lost its events from ${first} on.`);
    }
    const events = this.#batches.flatMap((batch) => batch.events.slice(Math.max(0, first - batch.first)));
    return { first, events, bytes: 0, atMs: performance.now() };
  }
}
