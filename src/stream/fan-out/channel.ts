/**
 * One response's followers on this process. It hears the doorbell, reads the log once for all followers that are level, and
 * hands each the same bytes.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Notifier } from "./notifier.ts";
import type { FollowedChannel, Follower, StreamHubOptions } from "./follower.ts";

/** The log is read at most once in this time, however often the bell rings. */
const READ_INTERVAL_MS = 5;

export class Channel implements FollowedChannel {
  readonly followers = new Set<Follower>();
  #listening: Promise<void> | undefined;
  readonly #notifier: Notifier;
  readonly #id: string;
  readonly #options: StreamHubOptions;
  readonly #onEmpty: () => void;
  #isReading = false;
  #wasNotifiedAgain = false;
  #isChecking = false;

  constructor(id: string, notifier: Notifier, options: StreamHubOptions, onEmpty: () => void) {
    this.#id = id;
    this.#notifier = notifier;
    this.#options = options;
    this.#onEmpty = onEmpty;
  }

  /** Resolves once the bell is heard. After a failure (a cluster that is being changed) it listens anew. */
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

  /** Reads on for the followers that are level. Rings that come meanwhile are answered by one more read. */
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
      // The next ring or check reads again; until then nobody has lost anything.
      this.#options.logger.warn({ err, responseId: this.#id }, "Could not read the log");
    } finally {
      this.#isReading = false;
    }
  }

  /** True if there may be more to read. */
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

  /** Once in each heartbeat's time: reads in case a ring was lost, and lets go of followers whose log is no more. */
  async checkAlive(): Promise<void> {
    void this.readNewEvents();
    // While Redis is away one question waits, not one more each time.
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
