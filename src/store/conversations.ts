/**
 * Conversations: ordered items with one writer at a time. The writer is a response. Admission locks the conversation for it,
 * and one step adds its turn and releases the lock when it has ended. Readers therefore never see half a turn, and a turn
 * that both the worker and the sweeper add appears once.
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
  /** Absent if an older release created the conversation. */
  createdAtMs: z.coerce.number().optional(),
  metadata: z.string().transform((json) => z.record(z.string(), z.string()).parse(JSON.parse(json))),
  /** The response that holds the lock, or ''. */
  lock: z.string(),
  /** Size of its items. Incomplete if an older release created the conversation. */
  bytes: z.coerce.number().default(0),
  /** Grows with every change of the metadata. */
  revision: z.coerce.number().default(0),
  /** Absent if an older release created the conversation: its calls are not tracked. */
  knowsCalls: z.literal("1").optional(),
});
export type ConversationRecord = z.infer<typeof recordSchema>;

const PAGE_CALLS = 200;
/** Items per script: a few milliseconds of Redis. */
const PAGE_ITEMS = 1_000;

export class Conversations {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  async create(
    { id, created_at, metadata }: Conversation,
    project: string,
    items: readonly ConversationItem[],
    createdAtMs = created_at * 1000,
  ): Promise<void> {
    const fields = [project, created_at, JSON.stringify(metadata), createdAtMs];
    await createScript(this.#redis, this.#keys(id), fields, encodeItems(items));
  }

  /** The record if `project` owns it. */
  async readOwned(id: string, project: string): Promise<ConversationRecord | undefined> {
    const record = await this.read(id);
    return record?.project === project ? record : undefined;
  }

  /** The record, whoever owns it. */
  async read(id: string): Promise<ConversationRecord | undefined> {
    const fields = await this.#redis.hgetall(this.#layout.conversation(id));
    return Object.keys(fields).length === 0 ? undefined : recordSchema.parse(fields);
  }

  /** False if the conversation is gone. */
  async setMetadata(id: string, metadata: Record<string, string>): Promise<boolean> {
    const key = this.#layout.conversation(id);
    return (await setMetadataScript(this.#redis, key, JSON.stringify(metadata))) === 1;
  }

  /** Erases the conversation. A response that holds the lock continues, and its turn is dropped. */
  async erase(id: string): Promise<void> {
    await this.#redis.unlink([...this.#keys(id), ...this.#layout.stagedItemKeysOf(id)]);
  }

  /** All items, oldest first. */
  async readItems(id: string): Promise<ConversationItem[]> {
    const [, orderKey, itemsKey] = this.#keys(id);
    const [order, items] = await Promise.all([this.#redis.zrange(orderKey, "0", "-1"), this.#redis.hgetall(itemsKey)]);
    // An item removed between the two reads is missing in one of them.
    return order.flatMap((itemId) =>
      items[itemId] === undefined ? [] : [JSON.parse(items[itemId]) as ConversationItem],
    );
  }

  /** Undefined if `query.after` names no item of the conversation. */
  async readPage(id: string, query: PageQuery): Promise<List<ConversationItem> | undefined> {
    const [, order, items] = this.#keys(id);
    return await readConversationPage(this.#redis, order, items, query);
  }

  async readItem(id: string, itemId: string): Promise<ConversationItem | undefined> {
    const json = await this.readItemJson(id, itemId);
    return json === undefined ? undefined : (JSON.parse(json) as ConversationItem);
  }

  async readItemJson(id: string, itemId: string): Promise<string | undefined> {
    const [position, json] = await Promise.all([
      this.#redis.zscore(this.#layout.conversationOrder(id), itemId),
      this.#redis.hget(this.#layout.conversationItems(id), itemId),
    ]);
    // A staged item has no position yet, and is hidden.
    return position === null ? undefined : (json ?? undefined);
  }

  /** Ids of the unanswered calls, in order. */
  async readUnansweredCalls(id: string): Promise<string[]> {
    return await this.#redis.zrange(this.#layout.conversationUnanswered(id), "0", "-1");
  }

  /** The first of these calls that is unanswered. */
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

  /** The ids of `items` must be distinct. `index` is that of the first item that the conversation already has. */
  async add(
    id: string,
    items: readonly ConversationItem[],
  ): Promise<{ kind: "added" | "locked" | "gone" } | { kind: "exists"; index: number }> {
    const [kind, index] = await addItemsScript(this.#redis, this.#keys(id), encodeItems(items));
    return kind === "exists" ? { kind, index } : { kind };
  }

  async removeItem(id: string, itemId: string): Promise<"removed" | "locked" | "unknown"> {
    const item = await this.readItem(id, itemId);
    return await removeItemScript(this.#redis, this.#keys(id), itemId, item === undefined ? "" : callMarkOf(item));
  }

  async lock(id: string, responseId: string): Promise<{ kind: "held" | "gone" } | { kind: "busy"; holder: string }> {
    const [kind, holder] = await lockScript(this.#redis, this.#keys(id), responseId);
    return kind === "busy" ? { kind, holder } : { kind };
  }

  /** Whether the response holds the lock. */
  async isHeldBy(id: string, responseId: string): Promise<boolean> {
    return (await this.#redis.hget(this.#layout.conversation(id), "lock")) === responseId;
  }

  /**
   * Adds a response's turn, which may be empty, and releases its lock in one step. Stages most of a long turn before: a
   * single script would block Redis for a second.
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

  /** Call after a use: restarts the idle time. Undefined if the conversation is gone. */
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

/** The stored size of `items`. */
export function countItemBytes(items: readonly ConversationItem[]): number {
  return items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)) + ITEM_BYTES, 0);
}

function encodeItems(items: readonly ConversationItem[]): string[] {
  return items.flatMap((item) => [item.id, JSON.stringify(item), callMarkOf(item)]);
}
