/**
 * The writing end of one response's log, used by the lease holder. It buffers events for a few milliseconds, keeps one
 * append in flight, and slows its caller when Redis is slow; it drops nothing. It also folds the events it writes, so
 * the caller always sees the response as the log will show it.
 */
import { applyEvent, type ResponseState } from "../../lifecycle/apply-event.ts";
import { encodeRunNotes, type RunNotes } from "../../lifecycle/run-facts.ts";
import type { EventDraft } from "../../protocol/event.ts";
import { isTerminalStatus, type ResponseStatus } from "../../protocol/response.ts";
import { retryUntilAvailable } from "../../redis/retry-until-available.ts";
import { type EventLog, sequenceEvents } from "./event-log.ts";
import { PendingNotes } from "./pending-notes.ts";
import { type RecentBatch, RecentBatches } from "./recent-batches.ts";
import { SnapshotSchedule } from "./snapshot-schedule.ts";

const FLUSH_INTERVAL_MS = 15;
/** A batch of this size is sent at once. One script call carries no more, except for events that must stay together. */
const BATCH_BYTES = 256 * 1024;
const BATCH_EVENTS = 500;
/** Above this size the caller waits. */
const BUFFER_BYTES = 1024 * 1024;

/** Another process has the right to append, or the response has ended or was deleted. The run must stop. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
}

interface EncodedEvent {
  data: string;
  status: ResponseStatus | undefined;
  /** Appended together with the next event, or not at all. */
  mustStayWithNext: boolean;
}

type WriterBatch = RecentBatch<EncodedEvent>;

export interface EventWriterOptions {
  log: EventLog;
  id: string;
  lease: string;
  /** The last event in the log. */
  last: number;
  /** The fold of the log up to `last`. */
  state: ResponseState;
  /** Aborts every wait. */
  signal: AbortSignal;
  /** Called once, when no more events can be written. */
  onFailure: (error: Error) => void;
  /** Called with the error of a Redis that does not take the events now. They are sent again until it does. */
  onWait?: (error: unknown) => void;
}

export class EventWriter {
  readonly #options: EventWriterOptions;
  #state: ResponseState;
  /** Sequence number of `#buffer[0]`. */
  #first: number;
  #buffer: EncodedEvent[] = [];
  #bufferBytes = 0;
  readonly #recent: RecentBatches<EncodedEvent>;
  readonly #snapshots = new SnapshotSchedule();
  #flushing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #isUrgent = false;
  readonly #notes = new PendingNotes(() => this.#schedule());
  #failure: Error | undefined;
  #restoreLostData: () => Promise<void> = () => Promise.resolve();

  constructor(options: EventWriterOptions) {
    this.#options = options;
    this.#state = options.state;
    this.#first = options.last + 1;
    this.#recent = new RecentBatches(options.id);
  }

  /** The response as the log will show it once all written events are flushed. */
  get state(): ResponseState {
    return this.#state;
  }

  /**
   * Registers a function that restores other data that Redis lost with a part of the log. It runs before the log is
   * rewritten.
   */
  onRollback(restoreLostData: () => Promise<void>): void {
    this.#restoreLostData = restoreLostData;
  }

  /** Accepts events and resolves when there is room for more. Throws the error that made writing impossible. */
  async write(...drafts: EventDraft[]): Promise<void> {
    await this.writeAll(drafts);
  }

  /** Like `write`, for a list: 100,000 events cannot be spread into a call. */
  async writeAll(drafts: readonly EventDraft[]): Promise<void> {
    await this.#bufferEvents(drafts, false);
  }

  /** Like `writeAll`, but one append carries all events, so the log has all of them or none, even after a crash. */
  async writeAtomically(drafts: readonly EventDraft[]): Promise<void> {
    await this.#bufferEvents(drafts, true);
  }

  /** Notes facts about the run. Later values replace earlier ones. Losing one harms nothing. */
  note(notes: RunNotes): void {
    if (this.#failure !== undefined || isTerminalStatus(this.#state.response.status)) return;
    this.#notes.add(notes);
  }

  async #bufferEvents(drafts: readonly EventDraft[], isAtomic: boolean): Promise<void> {
    this.#throwFailure();
    const encoded = sequenceEvents(this.#first + this.#buffer.length, drafts);
    for (const [i, draft] of drafts.entries()) {
      const before = this.#state.response.status;
      this.#state = applyEvent(this.#state, draft);
      const { status } = this.#state.response;
      const data = encoded[i]!;
      const mustStayWithNext = isAtomic && i < drafts.length - 1;
      this.#buffer.push({ data, status: status === before ? undefined : status, mustStayWithNext });
      this.#bufferBytes += data.length;
    }
    this.#schedule();
    while (this.#bufferBytes > BUFFER_BYTES) {
      this.#isUrgent = true;
      await this.#startFlush();
      this.#throwFailure();
    }
  }

  /** Resolves when all events written so far are in the log. */
  async flush(): Promise<void> {
    while (this.#buffer.length > 0 && this.#failure === undefined) {
      this.#isUrgent = true;
      await this.#startFlush();
    }
    await this.#flushing;
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #schedule(): void {
    if (this.#flushing !== undefined) return;
    if (this.#notes.areDue && this.#buffer.length === 0) void this.#startFlush();
    if (this.#buffer.length === 0) return;
    const waitMs = this.#flushedAtMs + FLUSH_INTERVAL_MS - performance.now();
    if (this.#isUrgent || this.#bufferBytes >= BATCH_BYTES || waitMs <= 0) {
      void this.#startFlush();
    } else {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        void this.#startFlush();
      }, waitMs);
    }
  }

  /** Only one flush runs at a time; concurrent callers share it. Never rejects; the writer keeps the failure. */
  #startFlush(): Promise<void> {
    this.#flushing ??= this.#flushOnce()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#flushing = undefined;
        if (this.#failure === undefined) this.#schedule();
      });
    return this.#flushing;
  }

  #fail(error: unknown): void {
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.#buffer = [];
    this.#bufferBytes = 0;
    this.#notes.take();
    this.#options.onFailure(this.#failure);
  }

  async #flushOnce(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isUrgent = false;
    this.#flushedAtMs = performance.now();
    const batch = this.#cutBatch();
    if (batch.events.length > 0 || this.#notes.areDue) await this.#appendUntilDone(batch);
  }

  #cutBatch(): WriterBatch {
    let count = 0;
    let bytes = 0;
    let isJoined = false;
    while (count < this.#buffer.length && (isJoined || (count < BATCH_EVENTS && bytes < BATCH_BYTES))) {
      const event = this.#buffer[count]!;
      bytes += event.data.length;
      isJoined = event.mustStayWithNext;
      count += 1;
    }
    const events = this.#buffer.splice(0, count);
    const batch = { first: this.#first, events, bytes, atMs: performance.now() };
    this.#bufferBytes -= bytes;
    this.#first += count;
    return batch;
  }

  async #appendUntilDone(batch: WriterBatch): Promise<void> {
    if (batch.events.length > 0) this.#recent.add(batch);
    const notes = this.#notes.take();
    let sending = batch;
    for (;;) {
      const outcome = await this.#append(sending, notes);
      switch (outcome.kind) {
        case "appended":
        case "duplicate":
          return;
        case "gap":
          sending = this.#recent.batchFrom(outcome.last + 1);
          await this.#restoreLostData();
          break;
        case "fenced":
          throw new LeaseLostError(`The lease of ${this.#options.id} was taken by another process.`);
        case "gone":
          throw new LeaseLostError(`Response ${this.#options.id} does not exist any more.`);
      }
    }
  }

  async #append(batch: WriterBatch, notes: RunNotes) {
    const { log, id, lease, signal } = this.#options;
    this.#snapshots.noteBytes(batch.bytes);
    // The state is the log's only if nothing is left in the buffer.
    const isCurrent = batch.events.length > 0 && this.#buffer.length === 0;
    const snapshot = isCurrent
      ? this.#snapshots.takeIfDue(this.#state, batch.first + batch.events.length - 1)
      : undefined;
    const content = {
      lease,
      first: batch.first,
      events: batch.events.map((event) => event.data),
      status: batch.events.findLast((event) => event.status !== undefined)?.status,
      snapshot,
      facts: encodeRunNotes(notes),
    };
    return await retryUntilAvailable(() => log.append(id, content, signal), signal, this.#options.onWait);
  }
}
