/**
 * Maps an item id to the responses and conversations that hold the item, for `item_reference`. It contains only ids that a
 * client can know: output items, input items with an id from the client, and other input items once a client lists them.
 * Accepting a plain request therefore writes nothing here.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** Newest owners per item. A client may send the same item in many responses. */
const MAX_OWNERS = 8;
const PAGE_KEYS = 200;

/*
 * KEYS  owners of each item
 * ARGV  owner, seconds
 * Owners are separated by spaces, newest last. Never shortens the lifetime of an entry.
 */
const addOwnerScript = defineScript<null>(
  "addItemOwner",
  "any",
  `
  for _, key in ipairs(KEYS) do
    local owners = {}
    for owner in string.gmatch(redis.call('GET', key) or '', '%S+') do
      if owner ~= ARGV[1] then owners[#owners + 1] = owner end
    end
    owners[#owners + 1] = ARGV[1]
    if #owners > ${MAX_OWNERS} then table.remove(owners, 1) end
    local seconds = math.max(redis.call('TTL', key), tonumber(ARGV[2]))
    redis.call('SET', key, table.concat(owners, ' '), 'EX', seconds)
  end
`,
  { runsWhenFull: true },
);

export class ItemIndex {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** `owner` is the id of a response or a conversation. */
  async add(project: string, owner: string, itemIds: readonly string[], lifetimeSeconds: number): Promise<void> {
    const keys = itemIds.map((id) => this.#layout.itemIndex(project, id));
    // In Redis Cluster each key has its own slot.
    const size = this.#layout.sharded ? 1 : PAGE_KEYS;
    const pages = Array.from({ length: Math.ceil(keys.length / size) }, (_, i) => keys.slice(i * size, (i + 1) * size));
    await Promise.all(pages.map((page) => addOwnerScript(this.#redis, page.length, page, owner, lifetimeSeconds)));
  }

  /** Newest first. An owner may be gone or no longer hold the item; the caller checks. */
  async findOwners(project: string, itemId: string): Promise<string[]> {
    const owners = await this.#redis.get(this.#layout.itemIndex(project, itemId));
    return owners === null ? [] : owners.split(" ").toReversed();
  }
}
