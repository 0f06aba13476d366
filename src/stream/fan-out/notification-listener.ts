/**
 * One subscriber connection per process, on which Redis announces "response R has reached N" and nothing more. Pub/sub
 * delivers at most once, so a notification is a hint to read the log, never the data itself. `onReconnect` reports that
 * notifications may have been missed.
 */
import type { RedisLayout } from "../../redis/layout.ts";
import type { RedisClient } from "../../redis/script.ts";

export class NotificationListener {
  readonly #subscriber: RedisClient;
  readonly #layout: RedisLayout;
  readonly #listeners = new Map<string, () => void>();

  constructor(subscriber: RedisClient, layout: RedisLayout, onReconnect: () => void) {
    this.#subscriber = subscriber;
    this.#layout = layout;
    subscriber.on(layout.sharded ? "smessage" : "message", (channel: string) => this.#listeners.get(channel)?.());
    subscriber.on("ready", onReconnect);
  }

  /** Resolves once Redis has acknowledged the subscription, so that every later append notifies. */
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
