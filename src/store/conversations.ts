/**
 * Conversations: items in order, and one writer at a time. The writer is a response: it locks the conversation when it is
 * accepted and adds its turn when it has ended, in the step that frees the lock. So nobody ever sees half a turn, and a
 * turn that is added twice (by the worker and by the sweeper, say) is added once.
 */
import { z } from "zod";
import type { Conversation, ConversationItem } from "../protocol/conversation.ts";
import type { List, PageQuery } from "../protocol/list.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";
import { readConversationPage } from "./conversation-page.ts";

const recordSchema = z.object({
  project: z.string(),
  createdAt: z.coerce.number().int(),
  metadata: z.string().transform((json) => z.record(z.string(), z.string()).parse(JSON.parse(json))),
  /** The response that is writing, or ''. */
  lock: z.string(),
  /** What its items take. One from before there was a count has what came since. */
  bytes: z.coerce.number().default(0),
});
export type ConversationRecord = z.infer<typeof recordSchema>;

/** What an item takes beside its text: its id three times, and what naming it takes. */
const ITEM_BYTES = 350;

/*
 * KEYS  conversation, order, items
 * ARGV  item id, item, …
 * Items are added behind the last one; one that is there already stays as it is.
 */
const ADD_ITEMS = `
  local function add(from)
    for i = from, #ARGV, 2 do
      if redis.call('HSETNX', KEYS[3], ARGV[i], ARGV[i + 1]) == 1 then
        redis.call('ZADD', KEYS[2], redis.call('HINCRBY', KEYS[1], 'added', 1), ARGV[i])
        redis.call('HINCRBY', KEYS[1], 'bytes', #ARGV[i + 1] + ${ITEM_BYTES})
      end
    end
  end
`;

/*
 * KEYS  conversation, order, items
 * ARGV  project, unix seconds, metadata, item id, item, …
 * Nobody sees a conversation without the items that it was created with.
 */
const createScript = defineScript<null>(
  "createConversation",
  3,
  `${ADD_ITEMS}
  redis.call('HSET', KEYS[1], 'project', ARGV[1], 'createdAt', ARGV[2], 'metadata', ARGV[3], 'lock', '', 'added', 0)
  add(4)
`,
);

/*
 * KEYS  conversation, order, items
 * ARGV  item id, item, …
 * All of the items or none: {'added'} | {'locked'} | {'gone'} | {'exists', place of the first that is there already}
 */
const addItemsScript = defineScript<["added"] | ["locked"] | ["gone"] | ["exists", number]>(
  "addConversationItems",
  3,
  `${ADD_ITEMS}
  local lock = redis.call('HGET', KEYS[1], 'lock')
  if not lock then return {'gone'} end
  if lock ~= '' then return {'locked'} end
  for i = 1, #ARGV, 2 do
    if redis.call('HEXISTS', KEYS[3], ARGV[i]) == 1 then return {'exists', (i - 1) / 2} end
  end
  add(1)
  return {'added'}
`,
);

/*
 * KEYS  conversation, order, items
 * ARGV  response id, item id, item, …
 * Adds the response's turn and frees its lock; does nothing if it does not hold it. Returns 1 if it did.
 */
const endTurnScript = defineScript<0 | 1>(
  "endConversationTurn",
  3,
  `${ADD_ITEMS}
  if redis.call('HGET', KEYS[1], 'lock') ~= ARGV[1] then return 0 end
  add(2)
  redis.call('HSET', KEYS[1], 'lock', '')
  return 1
`,
  { runsWhenFull: true },
);

/*
 * KEYS  conversation, order, items
 * ARGV  response id
 * Returns {'held'} | {'busy', holder} | {'gone'}. While a response writes, the conversation is not idle, however long it takes.
 */
const lockScript = defineScript<["held"] | ["busy", string] | ["gone"]>(
  "lockConversation",
  3,
  `
  local lock = redis.call('HGET', KEYS[1], 'lock')
  if not lock then return {'gone'} end
  if lock ~= '' and lock ~= ARGV[1] then return {'busy', lock} end
  redis.call('HSET', KEYS[1], 'lock', ARGV[1])
  for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
  return {'held'}
`,
);

/*
 * KEYS  conversation, order, items
 * ARGV  seconds for which it is kept from now on, if no response is writing; 0: until it is deleted
 * Returns {project, bytes}, and when it expires in unix milliseconds or 0; {} if it is gone.
 */
const settleScript = defineScript<[] | [project: string, bytes: number, expiresAtMs: number]>(
  "settleConversation",
  3,
  `
  local held = redis.call('HMGET', KEYS[1], 'project', 'bytes', 'lock')
  if not held[1] then return {} end
  local seconds = tonumber(ARGV[1])
  if held[3] ~= '' then seconds = 0 end
  for _, key in ipairs(KEYS) do
    if seconds > 0 then redis.call('EXPIRE', key, seconds) else redis.call('PERSIST', key) end
  end
  local expires = 0
  if seconds > 0 then expires = (redis.call('TIME')[1] + seconds) * 1000 end
  return {held[1], tonumber(held[2] or '0'), expires}
`,
);

/*
 * KEYS  conversation, order, items
 * ARGV  item id
 * Returns 'removed', 'locked' or 'unknown'
 */
const removeItemScript = defineScript<"removed" | "locked" | "unknown">(
  "removeConversationItem",
  3,
  `
  local lock = redis.call('HGET', KEYS[1], 'lock')
  if lock and lock ~= '' then return 'locked' end
  local length = redis.call('HSTRLEN', KEYS[3], ARGV[1])
  if not lock or redis.call('HDEL', KEYS[3], ARGV[1]) == 0 then return 'unknown' end
  -- Of one from before there was a count no less than nothing is left.
  local bytes = tonumber(redis.call('HGET', KEYS[1], 'bytes') or '0') - length - ${ITEM_BYTES}
  redis.call('HSET', KEYS[1], 'bytes', math.max(0, bytes))
  redis.call('ZREM', KEYS[2], ARGV[1])
  return 'removed'
`,
);

/*
 * KEYS  conversation
 * ARGV  metadata
 * Returns 1 if it was set, 0 if the conversation is gone: what is left of one that was erased must not come back in part.
 */
const setMetadataScript = defineScript<0 | 1>(
  "setConversationMetadata",
  1,
  `
  if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
  redis.call('HSET', KEYS[1], 'metadata', ARGV[1])
  return 1
`,
);

export class Conversations {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async create(conversation: Conversation, project: string, items: readonly ConversationItem[]): Promise<void> {
    const { id, created_at, metadata } = conversation;
    const fields = [project, created_at, JSON.stringify(metadata)];
    await createScript(this.#redis, this.#keys(id), fields, encoded(items));
  }

  /** The record if `project` owns it. */
  async readOwned(id: string, project: string): Promise<ConversationRecord | undefined> {
    const fields = await this.#redis.hgetall(this.#layout.conversation(id));
    if (Object.keys(fields).length === 0) return undefined;
    const record = recordSchema.parse(fields);
    return record.project === project ? record : undefined;
  }

  /** False if there is none (any more). */
  async setMetadata(id: string, metadata: Record<string, string>): Promise<boolean> {
    const key = this.#layout.conversation(id);
    return (await setMetadataScript(this.#redis, key, JSON.stringify(metadata))) === 1;
  }

  /** Erases the conversation and its order. A run that is writing goes on, and adds its turn to nothing. */
  async erase(id: string): Promise<void> {
    await this.#redis.unlink(this.#keys(id));
  }

  /** All items, oldest first. */
  async readItems(id: string): Promise<ConversationItem[]> {
    const [, orderKey, itemsKey] = this.#keys(id);
    const [order, items] = await Promise.all([this.#redis.zrange(orderKey, "0", "-1"), this.#redis.hgetall(itemsKey)]);
    // An item that is removed between the two reads is in one of them only.
    return order.flatMap((itemId) =>
      items[itemId] === undefined ? [] : [JSON.parse(items[itemId]) as ConversationItem],
    );
  }

  /** One page of them, at the cost of what it shows. Undefined if `query.after` names none of them. */
  async readPage(id: string, query: PageQuery): Promise<List<ConversationItem> | undefined> {
    const [, order, items] = this.#keys(id);
    return await readConversationPage(this.#redis, order, items, query);
  }

  async readItem(id: string, itemId: string): Promise<ConversationItem | undefined> {
    const json = await this.#redis.hget(this.#layout.conversationItems(id), itemId);
    return json === null ? undefined : (JSON.parse(json) as ConversationItem);
  }

  /** Ids within `items` are different. `place` is the first of them whose id the conversation has. */
  async add(
    id: string,
    items: readonly ConversationItem[],
  ): Promise<{ kind: "added" | "locked" | "gone" } | { kind: "exists"; place: number }> {
    const [kind, place] = await addItemsScript(this.#redis, this.#keys(id), encoded(items));
    return kind === "exists" ? { kind, place } : { kind };
  }

  async removeItem(id: string, itemId: string): Promise<"removed" | "locked" | "unknown"> {
    return await removeItemScript(this.#redis, this.#keys(id), itemId);
  }

  async lock(id: string, responseId: string): Promise<{ kind: "held" | "gone" } | { kind: "busy"; holder: string }> {
    const [kind, holder] = await lockScript(this.#redis, ...this.#keys(id), responseId);
    return kind === "busy" ? { kind, holder } : { kind };
  }

  /** Whether the response is the one that is writing. */
  async isHeldBy(id: string, responseId: string): Promise<boolean> {
    return (await this.#redis.hget(this.#layout.conversation(id), "lock")) === responseId;
  }

  /** Adds a response's turn, which may be empty, and frees its lock, in one step. */
  async endTurn(id: string, responseId: string, items: readonly ConversationItem[]): Promise<void> {
    await endTurnScript(this.#redis, this.#keys(id), responseId, encoded(items));
  }

  /** After a use: from now on it is idle. Undefined if it is gone. `expiresAtMs` is undefined if it does not expire. */
  async settle(
    id: string,
    idleSeconds: number,
  ): Promise<{ project: string; bytes: number; expiresAtMs: number | undefined } | undefined> {
    const [project, bytes, expiresAtMs] = await settleScript(this.#redis, ...this.#keys(id), idleSeconds);
    return project === undefined ? undefined : { project, bytes: bytes!, expiresAtMs: expiresAtMs || undefined };
  }

  #keys(id: string): [conversation: string, order: string, items: string] {
    return [this.#layout.conversation(id), this.#layout.conversationOrder(id), this.#layout.conversationItems(id)];
  }
}

/** What `items` will take. */
export function bytesOfItems(items: readonly ConversationItem[]): number {
  return items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)) + ITEM_BYTES, 0);
}

function encoded(items: readonly ConversationItem[]): string[] {
  return items.flatMap((item) => [item.id, JSON.stringify(item)]);
}
