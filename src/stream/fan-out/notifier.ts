/**
 * The doorbell: one subscriber connection a process, on which Redis says "response R has reached N" and nothing more.
 * Pub/sub delivers at most once, so a ring is a hint to read the log, never the news itself; `onReconnect` tells that
 * rings may have been missed.
 */
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";

export class Notifier {
  readonly #subscriber: RedisClient;
  readonly #layout: RedisLayout;
  readonly #listeners = new Map<string, () => void>();

  constructor(subscriber: RedisClient, layout: RedisLayout, onReconnect: () => void) {
    this.#subscriber = subscriber;
    this.#layout = layout;
    subscriber.on(layout.sharded ? "smessage" : "message", (channel: string) => this.#listeners.get(channel)?.());
    subscriber.on("ready", onReconnect);
  }

  /** Resolves once Redis has acknowledged: every later append rings. */
  async listen(id: string, onNotification: () => void): Promise<void> {
    const channel = this.#layout.notificationChannel(id);
    this.#listeners.set(channel, onNotification);
    await (this.#layout.sharded ? this.#subscriber.ssubscribe(channel) : this.#subscriber.subscribe(channel));
  }

  async stopListening(id: string): Promise<void> {
    const channel = this.#layout.notificationChannel(id);
    this.#listeners.delete(channel);
    await (this.#layout.sharded ? this.#subscriber.sunsubscribe(channel) : this.#subscriber.unsubscribe(channel));
  }
}
