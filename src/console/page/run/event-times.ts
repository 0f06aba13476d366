/** When events were recorded: an event has the time of the last entry at or before it. */

export interface EventTime {
  sequence_number: number;
  recorded_at_ms: number;
}

/** A run of some hours has some tens of thousands of entries. */
const MAX_ENTRIES = 20_000;

export class EventTimes {
  #entries: EventTime[] = [];
  readonly #maxEntries: number;

  constructor(maxEntries = MAX_ENTRIES) {
    this.#maxEntries = maxEntries;
  }

  /** Sequence number of the last entry; -1 without one. */
  get last(): number {
    return this.#entries.at(-1)?.sequence_number ?? -1;
  }

  /** Adds later entries. Beyond the maximum, every second entry is dropped, and times become less exact. */
  add(entries: readonly EventTime[]): void {
    for (const entry of entries) if (entry.sequence_number > this.last) this.#entries.push(entry);
    while (this.#entries.length > this.#maxEntries) {
      const newest = this.#entries.at(-1);
      this.#entries = this.#entries.filter((_entry, i) => i % 2 === 0);
      if (newest !== undefined && this.last !== newest.sequence_number) this.#entries.push(newest);
    }
  }

  /** Unix milliseconds; undefined before the first entry. */
  at(sequenceNumber: number): number | undefined {
    let from = 0;
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.#entries[middle]!.sequence_number <= sequenceNumber) from = middle + 1;
      else to = middle;
    }
    return this.#entries[from - 1]?.recorded_at_ms;
  }
}
