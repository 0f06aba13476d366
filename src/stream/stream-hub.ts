/**
 * Fan-out. For each response that somebody follows here there is one channel; it hears the doorbell, reads the log once
 * for all followers that are level with it, and hands each the same bytes.
 *
 * A follower has two lives. *Behind*: it reads pages from its own cursor at its own pace (a late joiner, a resume, a
 * slow connection). *Level*: it takes what the channel reads. It turns from behind to level when its own read finds
 * nothing more, and back when its connection is full. So a slow follower never holds up another, nor the worker, and
 * nothing needs reordering: every byte comes from the log, in the log's order.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { isTerminalEventType } from "../protocol/event.ts";
import type { Doorbell } from "./doorbell.ts";
import { type EventLogReader, type LoggedEvent, typeOf } from "./event-log.ts";
import { encodeFrames, type FrameEncoder, HEARTBEAT_FRAME } from "./frame.ts";

const PAGE_EVENTS = 1_000;
/** A channel reads the log at most once in this time, however often the bell rings. */
const PUMP_INTERVAL_MS = 5;
const READ_RETRY_MS = 500;

/**
 * Why a follower was ended: `terminal`, it got the terminal event; `gone`, the log does not exist any more; `stalled`, its
 * connection took nothing for too long; `closing`, this process is going away; `failed`, the log could not be read.
 */
export type EndReason = "terminal" | "gone" | "stalled" | "closing" | "failed";

/** Where a follower's frames go. */
export interface FrameSink {
  /** Whether its client can resume elsewhere when this process goes away. A client that waits for one answer cannot. */
  readonly isResumable: boolean;
  /** Takes whole frames. False: take no more until `drained` resolves. */
  write(frames: Buffer): boolean;
  drained(): Promise<void>;
  end(reason: EndReason, terminal: LoggedEvent | undefined): void;
}

export interface FollowOptions {
  responseId: string;
  /** Sequence number of the first event wanted. */
  from: number;
  sink: FrameSink;
  encode?: FrameEncoder;
}

export interface HubOptions {
  reader: EventLogReader;
  logger: Logger;
  /** Whether there still is a log to wait for. */
  exists: (responseId: string) => Promise<boolean>;
  heartbeatMs: number;
  stallTimeoutMs: number;
}

export class StreamHub {
  readonly #options: HubOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #heartbeat: NodeJS.Timeout;
  #doorbell: Doorbell | undefined;
  #isClosing = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs);
  }

  /** The doorbell's reconnect needs the hub, and the hub the doorbell: this closes the circle. */
  attach(doorbell: Doorbell): void {
    this.#doorbell = doorbell;
  }

  /** Follows a response until its terminal event, or until the returned function is called. */
  follow(options: FollowOptions): () => void {
    if (this.#isClosing && options.sink.isResumable) {
      options.sink.end("closing", undefined);
      return () => {};
    }
    const channel = this.#channelOf(options.responseId);
    const follower = new Follower(options, channel, this.#options);
    channel.followers.add(follower);
    void follower.catchUp();
    return () => follower.leave();
  }

  get followerCount(): number {
    let count = 0;
    for (const channel of this.#channels.values()) count += channel.followers.size;
    return count;
  }

  /** Looks into every log: rings may have been missed. */
  pumpAll(): void {
    for (const channel of this.#channels.values()) void channel.pump();
  }

  /** Ends the streams, without a terminal event, so that their clients resume on another process. */
  endResumable(): void {
    this.#isClosing = true;
    for (const channel of this.#channels.values()) {
      for (const follower of channel.followers) if (follower.isResumable) follower.end("closing");
    }
  }

  close(): void {
    clearInterval(this.#heartbeat);
    for (const channel of this.#channels.values()) {
      for (const follower of channel.followers) follower.end("closing");
    }
  }

  #channelOf(responseId: string): Channel {
    const doorbell = this.#doorbell;
    if (doorbell === undefined) throw new Error("The hub has no doorbell yet.");
    let channel = this.#channels.get(responseId);
    if (channel === undefined) {
      channel = new Channel(responseId, doorbell, this.#options, () => {
        this.#channels.delete(responseId);
        doorbell.stop(responseId).catch((err: unknown) => this.#options.logger.debug({ err }, "Unsubscribe failed"));
      });
      this.#channels.set(responseId, channel);
    }
    return channel;
  }

  #beat(): void {
    for (const channel of this.#channels.values()) {
      void channel.checkAlive();
      for (const follower of channel.followers) follower.beat();
    }
  }
}

/** One response's followers on this process. */
class Channel {
  readonly followers = new Set<Follower>();
  #listening: Promise<void> | undefined;
  readonly #doorbell: Doorbell;
  readonly #id: string;
  readonly #options: HubOptions;
  readonly #onEmpty: () => void;
  #pumping = false;
  #rangAgain = false;
  #checking = false;

  constructor(id: string, doorbell: Doorbell, options: HubOptions, onEmpty: () => void) {
    this.#id = id;
    this.#doorbell = doorbell;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  /** Resolves once the bell is heard. After a failure (a cluster that is being changed) it listens anew. */
  listen(): Promise<void> {
    this.#listening ??= this.#doorbell
      .listen(this.#id, () => void this.pump())
      .catch((error: unknown) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  remove(follower: Follower): void {
    if (this.followers.delete(follower) && this.followers.size === 0) this.#onEmpty();
  }

  /** Reads on for the followers that are level. Rings that come meanwhile are answered by one more read. */
  async pump(): Promise<void> {
    this.#rangAgain = true;
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#rangAgain) {
        this.#rangAgain = false;
        const startedMs = performance.now();
        if (await this.#pumpPage()) this.#rangAgain = true;
        const restMs = PUMP_INTERVAL_MS - (performance.now() - startedMs);
        if (restMs > 0) await delay(restMs);
      }
    } catch (err) {
      // The next ring or heartbeat reads again; until then nobody has lost anything.
      this.#options.logger.warn({ err, responseId: this.#id }, "Could not read the log");
    } finally {
      this.#pumping = false;
    }
  }

  /** True if there may be more to read. */
  async #pumpPage(): Promise<boolean> {
    const from = this.#lowestCursor();
    if (from === undefined) return false;
    const page = await this.#options.reader.read(this.#id, from, PAGE_EVENTS);
    if (page.length === 0) return false;
    const shared = new Map<number, Buffer>();
    for (const follower of this.followers) {
      if (follower.isLevel) follower.take(page, shared);
    }
    return page.length === PAGE_EVENTS;
  }

  #lowestCursor(): number | undefined {
    let lowest: number | undefined;
    for (const { isLevel, cursor } of this.followers) {
      if (isLevel && (lowest === undefined || cursor < lowest)) lowest = cursor;
    }
    return lowest;
  }

  /** On the heartbeat: reads in case a ring was lost, and lets go of followers whose log is no more. */
  async checkAlive(): Promise<void> {
    void this.pump();
    // While Redis is away one question waits, not one more each heartbeat.
    if (this.#checking) return;
    this.#checking = true;
    try {
      if (await this.#options.exists(this.#id)) return;
      for (const follower of this.followers) follower.end("gone");
    } catch (err) {
      this.#options.logger.debug({ err, responseId: this.#id }, "Could not check the response");
    } finally {
      this.#checking = false;
    }
  }
}

class Follower {
  /** Sequence number of the next event it needs. */
  cursor: number;
  isLevel = false;
  readonly #responseId: string;
  readonly #sink: FrameSink;
  readonly #encode: FrameEncoder;
  readonly #channel: Channel;
  readonly #options: HubOptions;
  #isFull = false;
  #hasEnded = false;

  constructor(follow: FollowOptions, channel: Channel, options: HubOptions) {
    this.cursor = follow.from;
    this.#responseId = follow.responseId;
    this.#sink = follow.sink;
    this.#encode = follow.encode ?? encodeFrames;
    this.#channel = channel;
    this.#options = options;
  }

  /** Reads from its own cursor until there is nothing more; then it is level. Never rejects. */
  async catchUp(): Promise<void> {
    while (!this.#hasEnded) {
      try {
        await this.#channel.listen();
        await this.#readToTheEnd();
        return;
      } catch (err) {
        this.#options.logger.warn({ err, responseId: this.#responseId }, "Could not read the log; trying again");
        await delay(READ_RETRY_MS);
      }
    }
  }

  async #readToTheEnd(): Promise<void> {
    while (!this.#hasEnded) {
      if (this.#isFull && !(await this.#hasDrained())) return;
      const page = await this.#options.reader.read(this.#responseId, this.cursor, PAGE_EVENTS);
      if (this.#hasEnded) return;
      this.take(page);
      if (page.length < PAGE_EVENTS && !this.#isFull) {
        // A ring may have come during the read, while this follower was not yet among the level ones.
        this.isLevel = true;
        void this.#channel.pump();
        return;
      }
    }
  }

  /** False if the stall ended it. */
  async #hasDrained(): Promise<boolean> {
    const stalled = new AbortController();
    const timeout = delay(this.#options.stallTimeoutMs, "stalled" as const, { signal: stalled.signal });
    const outcome = await Promise.race([this.#sink.drained(), timeout.catch(() => undefined)]);
    stalled.abort();
    if (outcome === "stalled") this.end("stalled");
    else this.#isFull = false;
    return outcome !== "stalled";
  }

  /** Takes the part of a page that it needs. `shared` holds what was already encoded for others, by cursor. */
  take(page: readonly LoggedEvent[], shared?: Map<number, Buffer>): void {
    const events = page.length > 0 && page[0]!.sequenceNumber < this.cursor ? this.#rest(page) : page;
    if (events.length === 0 || this.#hasEnded) return;
    if (events[0]!.sequenceNumber !== this.cursor) {
      this.#options.logger.error({ responseId: this.#responseId, cursor: this.cursor }, "The log has a hole");
      this.end("failed");
      return;
    }
    const last = events.at(-1)!;
    const frames = this.#encodeShared(events, shared);
    this.cursor = last.sequenceNumber + 1;
    const takesMore = this.#sink.write(frames);
    if (isTerminalEventType(typeOf(last.data))) {
      this.end("terminal", last);
    } else if (!takesMore) {
      this.#fallBehind();
    }
  }

  /** Its connection is full: from here on it reads for itself, once there is room. */
  #fallBehind(): void {
    this.#isFull = true;
    if (!this.isLevel) return;
    this.isLevel = false;
    void this.catchUp();
  }

  #rest(page: readonly LoggedEvent[]): LoggedEvent[] {
    return page.slice(this.cursor - page[0]!.sequenceNumber);
  }

  #encodeShared(events: readonly LoggedEvent[], shared: Map<number, Buffer> | undefined): Buffer {
    if (shared === undefined || this.#encode !== encodeFrames) return this.#encode(events);
    const known = shared.get(this.cursor);
    if (known !== undefined) return known;
    const frames = this.#encode(events);
    shared.set(this.cursor, frames);
    return frames;
  }

  get isResumable(): boolean {
    return this.#sink.isResumable;
  }

  beat(): void {
    if (!this.#hasEnded && !this.#isFull && !this.#sink.write(HEARTBEAT_FRAME)) this.#fallBehind();
  }

  /** The subscriber went away by itself. */
  leave(): void {
    this.#hasEnded = true;
    this.isLevel = false;
    this.#channel.remove(this);
  }

  end(reason: EndReason, terminal?: LoggedEvent): void {
    if (this.#hasEnded) return;
    this.leave();
    this.#sink.end(reason, terminal);
  }
}
