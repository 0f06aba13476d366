/**
 * The outbox: ends of background responses whose events are not in the queue of webhooks yet. The script that removes a
 * response from the in-flight set puts its end here, so no crash can lose an event: until then the response is in flight, and
 * the sweeper settles it. Any process moves entries to the queue (webhooks/webhook-relay.ts), and removes them afterwards.
 */
import { z } from "zod";
import { TERMINAL_STATUSES, type TerminalStatus } from "../protocol/response.ts";
import type { RedisLayout } from "../redis/layout.ts";
import type { RedisClient } from "../redis/script.ts";

/**
 * More than a Redis that rejects new jobs collects in minutes. If it is full, further events are dropped, and the process
 * that ends the response logs an error.
 */
export const MAX_OUTBOX_ENTRIES = 100_000;

/*
 * For the script that removes a response from the in-flight set. An entry is `<response id> <project> <status>`, and its
 * score the end of the response, so a repetition is the same entry. Returns 'removed' if the project has no endpoint,
 * 'outboxed', or 'full'.
 */
export const OUTBOX_LUA = `
  local function putIntoOutbox(outbox, endpoints, ended, endedAtMs, hasEndpoints, limit)
    if hasEndpoints ~= '1' and redis.call('EXISTS', endpoints) == 0 then return 'removed' end
    if redis.call('ZCARD', outbox) >= tonumber(limit) then return 'full' end
    redis.call('ZADD', outbox, 'NX', endedAtMs, ended.id .. ' ' .. ended.project .. ' ' .. ended.status)
    return 'outboxed'
  end
`;

/** The end of a background response. */
export interface EndedRun {
  status: TerminalStatus;
  endedAtMs: number;
  /** The project has endpoints that are not in Redis. */
  hasEndpoints?: boolean;
}

export interface OutboxEntry {
  responseId: string;
  project: string;
  status: TerminalStatus;
  endedAtMs: number;
}

const entrySchema = z.tuple([z.string(), z.string(), z.enum(TERMINAL_STATUSES)]);

export class WebhookOutbox {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** Up to `count` entries of responses that ended before the given time, oldest first, from position `offset`. */
  async list(beforeMs: number, offset: number, count: number): Promise<OutboxEntry[]> {
    const found = await this.#redis.zrange(
      this.#layout.webhookOutbox,
      "-inf",
      `(${beforeMs}`,
      "BYSCORE",
      "LIMIT",
      offset,
      count,
      "WITHSCORES",
    );
    const entries: OutboxEntry[] = [];
    for (let i = 0; i < found.length; i += 2) {
      const [responseId, project, status] = entrySchema.parse(found[i]!.split(" "));
      entries.push({ responseId, project, status, endedAtMs: Number(found[i + 1]) });
    }
    return entries;
  }

  /** Number of entries. */
  async count(): Promise<number> {
    return await this.#redis.zcard(this.#layout.webhookOutbox);
  }

  /** Called once the events of the entries are in the queue. */
  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    const members = entries.map(({ responseId, project, status }) => `${responseId} ${project} ${status}`);
    if (members.length > 0) await this.#redis.zrem(this.#layout.webhookOutbox, members);
  }
}
