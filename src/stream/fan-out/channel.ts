/**
 * The followers of one response in this process. The channel listens for notifications, reads the log once for all
 * followers that have caught up, and delivers the same bytes to each.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { NotificationListener } from "./notification-listener.ts";
import type { FollowedChannel, Follower, StreamHubOptions } from "./follower.ts";

/** Minimum time between two reads of the log, however many notifications arrive. */
const READ_INTERVAL_MS = 5;

export class Channel implements FollowedChannel {
  readonly followers = new Set<Follower>();
  #listening: Promise<void> | undefined;
  readonly #notifier: NotificationListener;
  readonly #id: string;
  readonly #options: StreamHubOptions;
  readonly #onEmpty: () => void;
  #isReading = false;
  #wasNotifiedAgain = false;
  #isChecking = false;

  constructor(id: string, notifier: NotificationListener, options: StreamHubOptions, onEmpty: () => void) {
    this.#id = id;
    this.#notifier = notifier;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  /**
   * Resolves once the subscription is active. After a failure (such as a cluster reconfiguration), the next call
   * subscribes again.
   */
  listen(): Promise<void> {
    this.#listening ??= this.#notifier
      .listen(this.#id, () => void this.readNewEvents())
      .catch((error: unknown) => {
        this.#listening = undefined;
        throw error;
      });
    return this.#listening;
  }

  remove(follower: Follower): void {
    if (this.followers.delete(follower) && this.followers.size === 0) this.#onEmpty();
  }

  /**
   * Reads new events for the followers that have caught up. Notifications that arrive during the read cause one more
   * read.
   */
  async readNewEvents(): Promise<void> {
    this.#wasNotifiedAgain = true;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#wasNotifiedAgain) {
        this.#wasNotifiedAgain = false;
        const startedMs = performance.now();
        if (await this.#deliverPage()) this.#wasNotifiedAgain = true;
        const restMs = READ_INTERVAL_MS - (performance.now() - startedMs);
        if (restMs > 0) await delay(restMs);
      }
    } catch (err) {
      // The next notification or check reads again, and no event is lost in between.
      this.#options.logger.warn({ err, responseId: this.#id }, "Could not read the log");
    } finally {
      this.#isReading = false;
    }
  }

  /** Returns true if there may be more to read. */
  async #deliverPage(): Promise<boolean> {
    const from = this.#lowestCursor();
    if (from === undefined) return false;
    const { events, hasMore } = await this.#options.reader.readPage(this.#id, from);
    if (events.length === 0) return false;
    const shared = new Map<number, Buffer>();
    for (const follower of this.followers) {
      if (follower.isCaughtUp) follower.deliver(events, shared);
    }
    return hasMore;
  }

  #lowestCursor(): number | undefined {
    let lowest: number | undefined;
    for (const { isCaughtUp, cursor } of this.followers) {
      if (isCaughtUp && (lowest === undefined || cursor < lowest)) lowest = cursor;
    }
    return lowest;
  }

  /** Runs once per heartbeat interval: reads in case a notification was lost, and ends followers whose log is gone. */
  async checkAlive(): Promise<void> {
    void this.readNewEvents();
    // While Redis is unavailable, at most one check waits for it.
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      if (await this.#options.exists(this.#id)) return;
      for (const follower of this.followers) follower.end("gone");
    } catch (err) {
      this.#options.logger.debug({ err, responseId: this.#id }, "Could not check the response");
    } finally {
      this.#isChecking = false;
    }
  }
}
