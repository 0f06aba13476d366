/** A response as an event stream that proxies do not buffer or rewrite, with a timeout for stalled connections. */
import type { Response as HttpResponse } from "express";
import { streamsFull } from "../../lifecycle/errors/limits.ts";
import { FULL_RETRY_SECONDS } from "../../responses/admission/admission-limits.ts";
import type { FrameSink } from "../../stream/fan-out/follower.ts";
import type { StreamLimiter } from "../../stream/fan-out/stream-limiter.ts";

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/**
 * The connection gets the next slice when it has drained the one before, and the stall timeout restarts. So a slow reader
 * has the whole timeout for each slice, even of a large frame. A proxy in between may take more at once.
 */
const SLICE_BYTES = 64 * 1024;
const END_OF_FRAME = "\n\n";

/** Calls back when the connection closes, or at once if it has closed: a client may disconnect during an await. */
export function whenClosed(response: HttpResponse, callback: () => void): void {
  if (response.destroyed || response.closed) callback();
  else response.once("close", callback);
}

/** Acquires one of the project's streams until the connection closes. Throws the contract's 429 if none is left. */
export function acquireStream(streams: StreamLimiter, response: HttpResponse): void {
  const release = streams.acquire(response.locals.project);
  if (release === undefined) throw streamsFull(streams.bound, FULL_RETRY_SECONDS);
  whenClosed(response, release);
}

export interface EventStreamOptions {
  /** See FrameSink. */
  isResumable: boolean;
  /** Timeout until a connection that drains nothing is cut: its buffered frames would stay in memory forever. */
  stallTimeoutMs: number;
}

export function openEventStream(response: HttpResponse, options: EventStreamOptions): FrameSink {
  response.status(200).set(HEADERS);
  response.flushHeaders();
  response.socket?.setNoDelay(true);
  return new EventStream(response, options);
}

class EventStream implements FrameSink {
  readonly isResumable: boolean;
  lastSentMs = performance.now();
  readonly #response: HttpResponse;
  readonly #stallTimeoutMs: number;
  /** Frames not yet written to the connection. */
  readonly #pending: Buffer[] = [];
  #hasEnded = false;
  #drained: PromiseWithResolvers<void> | undefined;
  #stallTimer: NodeJS.Timeout | undefined;

  constructor(response: HttpResponse, { isResumable, stallTimeoutMs }: EventStreamOptions) {
    this.isResumable = isResumable;
    this.#response = response;
    this.#stallTimeoutMs = stallTimeoutMs;
    response.on("drain", () => this.#flush());
    whenClosed(response, () => this.#release());
  }

  write(frames: Buffer): boolean {
    const wasDrained = !this.#isFull;
    this.#pending.push(frames);
    if (wasDrained) this.#flush();
    if (this.#isFull) this.#watchForStall();
    return !this.#isFull;
  }

  get heldBytes(): number {
    let bytes = this.#response.writableLength;
    for (const { length } of this.#pending) bytes += length;
    return bytes;
  }

  async waitUntilDrained(): Promise<void> {
    if (!this.#isFull) return;
    this.#drained ??= Promise.withResolvers();
    await this.#drained.promise;
  }

  end(): void {
    this.#hasEnded = true;
    if (this.#pending.length === 0) this.#response.end();
    this.#watchForStall();
  }

  get #isFull(): boolean {
    return this.#pending.length > 0 || this.#response.writableNeedDrain;
  }

  /** Runs when the connection has drained. */
  #flush(): void {
    this.lastSentMs = performance.now();
    while (this.#pending.length > 0 && !this.#response.writableNeedDrain) this.#response.write(this.#nextSlice());
    if (this.#isFull) return;
    this.#drained?.resolve();
    this.#drained = undefined;
    if (this.#hasEnded) this.#response.end();
  }

  /** Whole frames, because some clients lose a frame that is split between two reads. Only a larger frame is split. */
  #nextSlice(): Buffer {
    const frames = this.#pending[0]!;
    let length = Math.min(frames.length, SLICE_BYTES);
    if (length < frames.length) {
      const end = frames.subarray(0, length).lastIndexOf(END_OF_FRAME);
      if (end >= 0) length = end + END_OF_FRAME.length;
    }
    if (length === frames.length) this.#pending.shift();
    else this.#pending[0] = frames.subarray(length);
    return frames.subarray(0, length);
  }

  /** Uses one timer, although the connection may fill and drain many times while it runs. */
  #watchForStall(timeoutMs = this.#stallTimeoutMs): void {
    this.#stallTimer ??= setTimeout(() => {
      this.#stallTimer = undefined;
      if (!this.#isFull && !this.#hasEnded) return;
      const remainingMs = this.lastSentMs + this.#stallTimeoutMs - performance.now();
      if (remainingMs > 0) this.#watchForStall(remainingMs);
      else this.#response.destroy();
    }, timeoutMs);
  }

  /** Runs when the connection has closed, after the end of the answer or before it. */
  #release(): void {
    clearTimeout(this.#stallTimer);
    this.#pending.length = 0;
    this.#drained?.resolve();
  }
}
