/**
 * One subscriber of one response. A follower that is *catching up* (a late joiner, a resume, a slow connection) reads
 * pages from its own cursor at its own pace. A follower that has *caught up* receives the pages that the channel reads.
 * It has caught up when its own read finds nothing more, and falls behind again when its connection is full.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { channels } from "../../telemetry/channels.ts";
import { isTerminalEventType } from "../../protocol/event.ts";
import { type EventLogReader, type LoggedEvent, eventTypeOf } from "../log/event-log-reader.ts";
import { encodeFrames, type FrameEncoder, HEARTBEAT } from "./frame.ts";

const READ_RETRY_MS = 500;

/**
 * The reason why a follower ended: `terminal`, it delivered the terminal event; `gone`, the log no longer exists;
 * `closing`, this process is shutting down; `failed`, the log could not be read.
 */
export type FollowEndReason = "terminal" | "gone" | "closing" | "failed";

/** The destination of a follower's frames. */
export interface FrameSink {
  /**
   * Whether the client can resume on another process after this one shuts down. A client that waits for a single answer
   * cannot.
   */
  readonly isResumable: boolean;
  /** Monotonic time at which the connection last accepted bytes. */
  readonly lastSentMs: number;
  /** Bytes that were accepted and not yet sent. */
  readonly heldBytes: number;
  /**
   * Accepts whole frames, or a heartbeat. Returns false if the caller must wait for `waitUntilDrained` before the next
   * write.
   */
  write(frames: Buffer): boolean;
  /** Resolves once all bytes are accepted, or the connection is gone. */
  waitUntilDrained(): Promise<void>;
  /** Bytes that were already accepted are still sent. */
  end(reason: FollowEndReason, terminal: LoggedEvent | undefined): void;
}

export interface FollowOptions {
  responseId: string;
  /** Sequence number of the first event to deliver. */
  from: number;
  sink: FrameSink;
  encode?: FrameEncoder;
  onEnd?: (reason: FollowEndReason) => void;
}

/** The part of a response's channel that its followers use. */
export interface FollowedChannel {
  /** Resolves once notifications arrive. Rejects if Redis cannot subscribe now. */
  listen(): Promise<void>;
  /** Reads the log for the followers that have caught up. */
  readNewEvents(): Promise<void>;
  remove(follower: Follower): void;
}

export interface StreamHubOptions {
  reader: EventLogReader;
  logger: Logger;
  /** Whether the log still exists. */
  exists: (responseId: string) => Promise<boolean>;
  heartbeatMs: number;
}

export class Follower {
  /** Sequence number of the next event to deliver. */
  cursor: number;
  isCaughtUp = false;
  readonly #responseId: string;
  readonly #sink: FrameSink;
  readonly #encode: FrameEncoder;
  readonly #onEnd: FollowOptions["onEnd"];
  readonly #channel: FollowedChannel;
  readonly #options: StreamHubOptions;
  #isFull = false;
  #hasEnded = false;

  constructor(follow: FollowOptions, channel: FollowedChannel, options: StreamHubOptions) {
    this.cursor = follow.from;
    this.#responseId = follow.responseId;
    this.#sink = follow.sink;
    this.#encode = follow.encode ?? encodeFrames;
    this.#onEnd = follow.onEnd;
    this.#channel = channel;
    this.#options = options;
  }

  /** Reads from its own cursor until nothing is left; then the follower has caught up. Never rejects. */
  async catchUp(): Promise<void> {
    while (!this.#hasEnded) {
      try {
        await this.#channel.listen();
        await this.#readToEnd();
        return;
      } catch (err) {
        this.#options.logger.warn({ err, responseId: this.#responseId }, "Could not read the log; retrying");
        await delay(READ_RETRY_MS);
      }
    }
  }

  async #readToEnd(): Promise<void> {
    while (!this.#hasEnded) {
      if (this.#isFull) {
        await this.#sink.waitUntilDrained();
        this.#isFull = false;
        continue;
      }
      const { events, hasMore } = await this.#options.reader.readPage(this.#responseId, this.cursor);
      this.deliver(events);
      if (!hasMore && !this.#isFull && !this.#hasEnded) {
        // A notification may have arrived during the read, before the channel counted this follower as caught up.
        this.isCaughtUp = true;
        void this.#channel.readNewEvents();
        return;
      }
    }
  }

  /** Delivers the part of a page from the cursor on. `shared` caches frames encoded for other followers, by cursor. */
  deliver(page: readonly LoggedEvent[], shared?: Map<number, Buffer>): void {
    const events = page.length > 0 && page[0]!.sequenceNumber < this.cursor ? this.#eventsFromCursor(page) : page;
    if (events.length === 0 || this.#hasEnded) return;
    if (events[0]!.sequenceNumber !== this.cursor) {
      this.#options.logger.error({ responseId: this.#responseId, cursor: this.cursor }, "The log has a gap");
      this.end("failed");
      return;
    }
    const last = events.at(-1)!;
    const frames = this.#encodeShared(events, shared);
    this.cursor = last.sequenceNumber + 1;
    const hasRoom = this.#sink.write(frames);
    if (channels.delivered.hasSubscribers) {
      channels.delivered.publish({ events: events.length, bytes: frames.length });
    }
    if (isTerminalEventType(eventTypeOf(last.data))) {
      this.end("terminal", last);
    } else if (!hasRoom) {
      this.#fallBehind();
    }
  }

  /** The connection is full. The follower reads for itself again once there is room. */
  #fallBehind(): void {
    this.#isFull = true;
    if (!this.isCaughtUp) return;
    this.isCaughtUp = false;
    void this.catchUp();
  }

  #eventsFromCursor(page: readonly LoggedEvent[]): LoggedEvent[] {
    return page.slice(this.cursor - page[0]!.sequenceNumber);
  }

  #encodeShared(events: readonly LoggedEvent[], shared: Map<number, Buffer> | undefined): Buffer {
    if (shared === undefined || this.#encode !== encodeFrames) return this.#encode(events);
    const cached = shared.get(this.cursor);
    if (cached !== undefined) return cached;
    const frames = this.#encode(events);
    shared.set(this.cursor, frames);
    return frames;
  }

  get isResumable(): boolean {
    return this.#sink.isResumable;
  }

  get heldBytes(): number {
    return this.#sink.heldBytes;
  }

  /** A full connection is not silent: it still has bytes to accept. */
  sendHeartbeat(silentSinceMs: number): void {
    if (this.#isFull || this.#hasEnded || this.#sink.lastSentMs > silentSinceMs) return;
    if (!this.#sink.write(HEARTBEAT)) this.#fallBehind();
  }

  /** The subscriber disconnected. */
  unsubscribe(): void {
    this.#hasEnded = true;
    this.isCaughtUp = false;
    this.#channel.remove(this);
  }

  end(reason: FollowEndReason, terminal?: LoggedEvent): void {
    if (this.#hasEnded) return;
    this.unsubscribe();
    this.#sink.end(reason, terminal);
    this.#onEnd?.(reason);
  }
}
