/** Which stored response an item came from, so that a later request may name the item by its id (`item_reference`). */
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

export class ItemIndex {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async add(project: string, responseId: string, itemIds: readonly string[], lifetimeSeconds: number): Promise<void> {
    await Promise.all(
      itemIds.map((id) => this.#redis.set(this.#layout.itemIndex(project, id), responseId, "EX", lifetimeSeconds)),
    );
  }

  /** The response may be gone by now: whoever asks looks for the item in it. */
  async find(project: string, itemId: string): Promise<string | undefined> {
    return (await this.#redis.get(this.#layout.itemIndex(project, itemId))) ?? undefined;
  }
}
