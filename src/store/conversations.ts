/**
 * Conversations: items in order, and one writer at a time. The writer is a response: it locks the conversation when it is
 * accepted and adds its turn when it has ended, in the step that frees the lock. So nobody ever sees half a turn, and a
 * turn that is added twice (by the worker and by the sweeper, say) is added once.
 */
import { z } from "zod";
import type { Conversation, ConversationItem } from "../protocol/conversation.ts";
import type { List, PageQuery } from "../protocol/list.ts";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";
import { callMarkOf, outputMarkOf } from "./conversation-calls.ts";
import { readConversationPage } from "./conversation-page.ts";
import {
  addItemsScript,
  createScript,
  appendAndUnlockScript,
  ITEM_BYTES,
  lockScript,
  removeItemScript,
  setMetadataScript,
  updateUsageScript,
  stageItemsScript,
} from "./conversation-scripts.ts";

const recordSchema = z.object({
  project: z.string(),
  createdAt: z.coerce.number().int(),
  metadata: z.string().transform((json) => z.record(z.string(), z.string()).parse(JSON.parse(json))),
  /** The response that is writing, or ''. */
  lock: z.string(),
  /** What its items take. One from before there was a count has what came since. */
  bytes: z.coerce.number().default(0),
  /** Not of one from before its calls were counted. */
  knowsCalls: z.literal("1").optional(),
});
export type ConversationRecord = z.infer<typeof recordSchema>;

const PAGE_CALLS = 200;
/** Items: some milliseconds of Redis. */
const PAGE_ITEMS = 1_000;

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
    await createScript(this.#redis, this.#keys(id), fields, encodeItems(items));
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
    await this.#redis.unlink([...this.#keys(id), ...this.#layout.stagedItemKeysOf(id)]);
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
    const json = await this.readItemJson(id, itemId);
    return json === undefined ? undefined : (JSON.parse(json) as ConversationItem);
  }

  async readItemJson(id: string, itemId: string): Promise<string | undefined> {
    const [place, json] = await Promise.all([
      this.#redis.zscore(this.#layout.conversationOrder(id), itemId),
      this.#redis.hget(this.#layout.conversationItems(id), itemId),
    ]);
    // Of a turn that is being added, nothing is shown.
    return place === null ? undefined : (json ?? undefined);
  }

  /** The ids of the calls that nothing in it answers, in their order. */
  async readUnansweredCalls(id: string): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.conversationUnanswered(id), "0", "-1");
  }

  /** Of these calls, the first that nothing in it answers. */
  async findUnansweredCall(id: string, callIds: readonly string[]): Promise<string | undefined> {
    for (let from = 0; from < callIds.length; from += PAGE_CALLS) {
      const page = callIds.slice(from, from + PAGE_CALLS);
      const fields = [this.#layout.conversationCalls(id), ...page.map(outputMarkOf)];
      const counts = (await this.#redis.call("HMGET", fields)) as (string | null)[];
      const found = page.find((_callId, i) => counts[i] === null);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Ids within `items` are different. `place` is the first of them whose id the conversation has. */
  async add(
    id: string,
    items: readonly ConversationItem[],
  ): Promise<{ kind: "added" | "locked" | "gone" } | { kind: "exists"; place: number }> {
    const [kind, place] = await addItemsScript(this.#redis, this.#keys(id), encodeItems(items));
    return kind === "exists" ? { kind, place } : { kind };
  }

  async removeItem(id: string, itemId: string): Promise<"removed" | "locked" | "unknown"> {
    const item = await this.readItem(id, itemId);
    return await removeItemScript(this.#redis, this.#keys(id), itemId, item === undefined ? "" : callMarkOf(item));
  }

  async lock(id: string, responseId: string): Promise<{ kind: "held" | "gone" } | { kind: "busy"; holder: string }> {
    const [kind, holder] = await lockScript(this.#redis, this.#keys(id), responseId);
    return kind === "busy" ? { kind, holder } : { kind };
  }

  /** Whether the response is the one that is writing. */
  async isHeldBy(id: string, responseId: string): Promise<boolean> {
    return (await this.#redis.hget(this.#layout.conversation(id), "lock")) === responseId;
  }

  /**
   * Adds a response's turn, which may be empty, and frees its lock, in one step. Most of a long one is written before:
   * a script with all of it would hold up Redis for a second.
   */
  async appendAndUnlock(id: string, responseId: string, items: readonly ConversationItem[]): Promise<void> {
    const keys = this.#keys(id);
    const staged = this.#layout.stagedItemKeysOf(id);
    let from = 0;
    for (; items.length - from > PAGE_ITEMS; from += PAGE_ITEMS) {
      const page = encodeItems(items.slice(from, from + PAGE_ITEMS));
      if ((await stageItemsScript(this.#redis, keys.slice(0, 3), staged, responseId, page)) === 0) return;
    }
    await appendAndUnlockScript(
      this.#redis,
      keys,
      staged,
      responseId,
      from > 0 ? "1" : "0",
      encodeItems(items.slice(from)),
    );
  }

  /** After a use: from now on it is idle. Undefined if it is gone. `expiresAtMs` is undefined if it does not expire. */
  async updateUsage(
    id: string,
    idleSeconds: number,
  ): Promise<{ project: string; bytes: number; expiresAtMs: number | undefined } | undefined> {
    const [project, bytes, expiresAtMs] = await updateUsageScript(this.#redis, this.#keys(id), idleSeconds);
    return project === undefined ? undefined : { project, bytes: bytes!, expiresAtMs: expiresAtMs || undefined };
  }

  #keys(id: string): [conversation: string, order: string, items: string, calls: string, unanswered: string] {
    return this.#layout.conversationKeysOf(id);
  }
}

/** What `items` will take. */
export function countItemBytes(items: readonly ConversationItem[]): number {
  return items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)) + ITEM_BYTES, 0);
}

function encodeItems(items: readonly ConversationItem[]): string[] {
  return items.flatMap((item) => [item.id, JSON.stringify(item), callMarkOf(item)]);
}
