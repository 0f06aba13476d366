/**
 * One response's followers on this process. It hears the doorbell, reads the log once for all followers that are level, and
 * hands each the same bytes.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Doorbell } from "./doorbell.ts";
import type { Follower, HubOptions } from "./follower.ts";

/** The log is read at most once in this time, however often the bell rings. */
const PUMP_INTERVAL_MS = 5;

export class Channel {
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
      // The next ring or check reads again; until then nobody has lost anything.
      this.#options.logger.warn({ err, responseId: this.#id }, "Could not read the log");
    } finally {
      this.#pumping = false;
    }
  }

  /** True if there may be more to read. */
  async #pumpPage(): Promise<boolean> {
    const from = this.#lowestCursor();
    if (from === undefined) return false;
    const { events, hasMore } = await this.#options.reader.readPage(this.#id, from);
    if (events.length === 0) return false;
    const shared = new Map<number, Buffer>();
    for (const follower of this.followers) {
      if (follower.isLevel) follower.take(events, shared);
    }
    return hasMore;
  }

  #lowestCursor(): number | undefined {
    let lowest: number | undefined;
    for (const { isLevel, cursor } of this.followers) {
      if (isLevel && (lowest === undefined || cursor < lowest)) lowest = cursor;
    }
    return lowest;
  }

  /** Once in each heartbeat's time: reads in case a ring was lost, and lets go of followers whose log is no more. */
  async checkAlive(): Promise<void> {
    void this.pump();
    // While Redis is away one question waits, not one more each time.
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
