/**
 * Fan-out: the streams of one process. Each response with subscribers in this process has one channel (channel.ts) with
 * its followers (follower.ts). A slow follower never delays another follower or the worker, and nothing needs
 * reordering, because every byte comes from the log in the log's order.
 */
import { Channel } from "./channel.ts";
import type { NotificationListener } from "./notification-listener.ts";
import { Follower, type FollowOptions, type StreamHubOptions } from "./follower.ts";

/**
 * Checks per heartbeat interval, by one timer for all followers. A silent connection gets a comment after one heartbeat
 * interval, or at most a tenth later.
 */
const CHECKS_PER_HEARTBEAT = 10;

export class StreamHub {
  readonly #options: StreamHubOptions;
  readonly #channels = new Map<string, Channel>();
  readonly #timers: NodeJS.Timeout[];
  #notifier: NotificationListener | undefined;
  #isClosing = false;

  constructor(options: StreamHubOptions) {
    this.#options = options;
    const { heartbeatMs } = options;
    this.#timers = [
      setInterval(() => this.#checkChannels(), heartbeatMs),
      setInterval(() => this.#sendHeartbeats(), Math.ceil(heartbeatMs / CHECKS_PER_HEARTBEAT)),
    ];
  }

  /** The notifier's reconnect handler needs the hub, and the hub needs the notifier. */
  setNotifier(notifier: NotificationListener): void {
    this.#notifier = notifier;
  }

  /** Follows a response until its terminal event, or until the caller invokes the returned function. */
  follow(options: FollowOptions): () => void {
    if (this.#isClosing && options.sink.isResumable) {
      options.sink.end("closing", undefined);
      options.onEnd?.("closing");
      return () => {};
    }
    const channel = this.#channelOf(options.responseId);
    const follower = new Follower(options, channel, this.#options);
    channel.followers.add(follower);
    void follower.catchUp();
    return () => follower.unsubscribe();
  }

  get followerCount(): number {
    let count = 0;
    for (const channel of this.#channels.values()) count += channel.followers.size;
    return count;
  }

  /** Bytes that this process holds for slow connections. */
  get heldBytes(): number {
    let bytes = 0;
    for (const channel of this.#channels.values()) {
      for (const { heldBytes } of channel.followers) bytes += heldBytes;
    }
    return bytes;
  }

  /** Reads every log, because notifications may have been missed. */
  readAllLogs(): void {
    for (const channel of this.#channels.values()) void channel.readNewEvents();
  }

  /** Ends resumable streams without a terminal event, so that their clients resume on another process. */
  endResumableStreams(): void {
    this.#isClosing = true;
    for (const channel of this.#channels.values()) {
      for (const follower of channel.followers) if (follower.isResumable) follower.end("closing");
    }
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const channel of this.#channels.values()) {
      for (const follower of channel.followers) follower.end("closing");
    }
  }

  #channelOf(responseId: string): Channel {
    const notifier = this.#notifier;
    if (notifier === undefined) throw new Error("The hub has no notifier yet.");
    let channel = this.#channels.get(responseId);
    if (channel === undefined) {
      channel = new Channel(responseId, notifier, this.#options, () => {
        this.#channels.delete(responseId);
        notifier
          .stopListening(responseId)
          .catch((err: unknown) => this.#options.logger.debug({ err }, "Unsubscribe failed"));
      });
      this.#channels.set(responseId, channel);
    }
    return channel;
  }

  #checkChannels(): void {
    for (const channel of this.#channels.values()) void channel.checkAlive();
  }

  #sendHeartbeats(): void {
    const silentSinceMs = performance.now() - this.#options.heartbeatMs;
    for (const channel of this.#channels.values()) {
      for (const follower of channel.followers) follower.sendHeartbeat(silentSinceMs);
    }
  }
}
