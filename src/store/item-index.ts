/**
 * Which responses and conversations an item is in, so that a later request may name the item by its id
 * (`item_reference`). Only ids that a client can know are in here: those of output, which the stream shows; those that the
 * client gave itself; and those of other input once they are listed. So accepting a plain request writes nothing here.
 */
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** An item that a client sends again and again is in many responses: the newest of them are kept. */
const MAX_OWNERS = 8;
const PAGE_KEYS = 200;

/*
 * KEYS  owners of each item
 * ARGV  owner, seconds
 * Owners are apart by spaces, the newest last. An entry never lives shorter than it would have.
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

  /** `owner` is the id of a response or a conversation. In Redis Cluster each key has a slot of its own. */
  async add(project: string, owner: string, itemIds: readonly string[], lifetimeSeconds: number): Promise<void> {
    const keys = itemIds.map((id) => this.#layout.itemIndex(project, id));
    const size = this.#layout.sharded ? 1 : PAGE_KEYS;
    const pages = Array.from({ length: Math.ceil(keys.length / size) }, (_, i) => keys.slice(i * size, (i + 1) * size));
    await Promise.all(pages.map((page) => addOwnerScript(this.#redis, page.length, page, owner, lifetimeSeconds)));
  }

  /** The newest first. Each may be gone by now: whoever asks looks for the item in it. */
  async findOwners(project: string, itemId: string): Promise<string[]> {
    const owners = await this.#redis.get(this.#layout.itemIndex(project, itemId));
    return owners === null ? [] : owners.split(" ").toReversed();
  }
}
