/** A response as an event stream: headers that no proxy buffers or rewrites, whole frames, and a watch over its connection. */
import type { Response as HttpResponse } from "express";
import { streamsFull } from "../../lifecycle/errors/limits.ts";
import type { FrameSink } from "../../stream/fan-out/follower.ts";
import type { StreamLimiter } from "../../stream/fan-out/stream-limiter.ts";

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};

/**
 * A connection is given more only when it has taken what it got, and a stall is measured from then. So a slow reader has
 * the whole timeout for each of these, however large a frame is. A proxy between them may take more at a time.
 */
const SLICE_BYTES = 64 * 1024;
const END_OF_FRAME = "\n\n";

/** Calls back once the connection is closed, also if it was closed already: a client may leave during an await. */
export function whenClosed(response: HttpResponse, callback: () => void): void {
  if (response.destroyed || response.closed) callback();
  else response.once("close", callback);
}

const FULL_RETRY_SECONDS = 5;

/** Takes one of the project's streams until the answer is over, however it ends. Throws the 429 if there is none left. */
export function acquireStream(streams: StreamLimiter, response: HttpResponse): void {
  const release = streams.acquire(response.locals.project);
  if (release === undefined) throw streamsFull(streams.bound, FULL_RETRY_SECONDS);
  whenClosed(response, release);
}

export interface EventStreamOptions {
  /** See FrameSink. */
  isResumable: boolean;
  /** A connection that takes nothing for so long is cut: what it was given would be kept for ever. */
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
  /** What the connection was not given yet. */
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
    const isFree = !this.#isFull;
    this.#pending.push(frames);
    if (isFree) this.#flush();
    if (this.#isFull) this.#watchForStall();
    return !this.#isFull;
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

  /** The connection has taken everything that it was given: it gets more. */
  #flush(): void {
    this.lastSentMs = performance.now();
    while (this.#pending.length > 0 && !this.#response.writableNeedDrain) this.#response.write(this.#nextSlice());
    if (this.#isFull) return;
    this.#drained?.resolve();
    this.#drained = undefined;
    if (this.#hasEnded) this.#response.end();
  }

  /** Whole frames, since some clients forget the beginning of one at the end of a read; a part of one that is larger. */
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

  /** One timer while something is held, however often the connection fills and drains meanwhile. */
  #watchForStall(timeoutMs = this.#stallTimeoutMs): void {
    this.#stallTimer ??= setTimeout(() => {
      this.#stallTimer = undefined;
      if (!this.#isFull && !this.#hasEnded) return;
      const leftMs = this.lastSentMs + this.#stallTimeoutMs - performance.now();
      if (leftMs > 0) this.#watchForStall(leftMs);
      else this.#response.destroy();
    }, timeoutMs);
  }

  /** The connection is closed, or the answer was taken to its end. */
  #release(): void {
    clearTimeout(this.#stallTimer);
    this.#pending.length = 0;
    this.#drained?.resolve();
  }
}
