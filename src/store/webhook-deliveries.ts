/**
 * What happens to the events of one webhook endpoint: which are in the queue, since when every try fails, and the recent
 * tries. All keys of an endpoint share a hash tag and expire.
 */
import { z } from "zod";
import { type WebhookDelivery, webhookDeliverySchema } from "../protocol/webhook.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** Events of one endpoint that wait for a try. Further events are dropped, and listed as such. */
export const MAX_PENDING_EVENTS = 10_000;
/** Recent tries that an endpoint keeps. */
export const MAX_LISTED_DELIVERIES = 500;
const KEPT_SECONDS = 30 * 24 * 60 * 60;

const ID_PREFIX = "whd_";
const ID_PATTERN = /^whd_(\d{1,20}-\d{1,20})$/;

/*
 * KEYS  pending
 * ARGV  now in unix milliseconds, limit, then key of the event, time until which it is tried, …
 * Returns 1 for each event that is pending now, 0 for each that has no room.
 */
const addPendingScript = defineScript<(0 | 1)[]>(
  "addPendingWebhooks",
  1,
  `
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
  local answers, room = {}, tonumber(ARGV[2]) - redis.call('ZCARD', KEYS[1])
  local last = 0
  for i = 3, #ARGV, 2 do
    local known = redis.call('ZSCORE', KEYS[1], ARGV[i])
    if known or room > 0 then
      if not known then room = room - redis.call('ZADD', KEYS[1], ARGV[i + 1], ARGV[i]) end
      answers[#answers + 1] = 1
    else
      answers[#answers + 1] = 0
    end
    last = math.max(last, tonumber(ARGV[i + 1]))
  end
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.max(redis.call('PTTL', KEYS[1]), last - ARGV[1], 1)))
  return answers
`,
);

/*
 * KEYS  deliveries, pending, failing
 * ARGV  the try, maximum length, seconds to live, key of the event if no try follows or '', '1' if the endpoint answered well,
 *       '0' if not, or '' if it was not tried, now in unix milliseconds
 * Returns the time since which every try has failed, or 0.
 */
const recordScript = defineScript<string>(
  "recordWebhookTry",
  3,
  `
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'd', ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
  if ARGV[4] ~= '' then redis.call('ZREM', KEYS[2], ARGV[4]) end
  if ARGV[5] == '1' then redis.call('DEL', KEYS[3]) end
  if ARGV[5] == '0' then redis.call('SET', KEYS[3], ARGV[6], 'NX', 'EX', ARGV[3]) end
  return redis.call('GET', KEYS[3]) or '0'
`,
);

export interface PendingEvent {
  key: string;
  /** The event is no longer tried after this time. */
  giveUpAtMs: number;
}

export type RecordedTry = Omit<WebhookDelivery, "id" | "object">;

const trySchema = webhookDeliverySchema.omit({ id: true, object: true });

export class WebhookDeliveries {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** For each event, whether the endpoint has room for it. A repetition has. */
  async addPending(endpointId: string, events: readonly PendingEvent[], nowMs: number): Promise<boolean[]> {
    const fields = events.flatMap(({ key, giveUpAtMs }) => [key, giveUpAtMs]);
    const key = this.#layout.webhookPending(endpointId);
    return (await addPendingScript(this.#redis, key, nowMs, MAX_PENDING_EVENTS, fields)).map((answer) => answer === 1);
  }

  /** Events of the endpoint that wait for a try. */
  async countPending(endpointId: string): Promise<number> {
    return await this.#redis.zcard(this.#layout.webhookPending(endpointId));
  }

  /** Called when an event is not tried any more, without a try to record. */
  async removePending(endpointId: string, eventKey: string): Promise<void> {
    await this.#redis.zrem(this.#layout.webhookPending(endpointId), eventKey);
  }

  /**
   * Adds a try to the list. `lastTryOf` names the event if no try follows. Returns the time in Unix milliseconds since which
   * every try has failed, or 0 after a success.
   */
  async record(endpointId: string, tried: RecordedTry, lastTryOf: string | undefined, nowMs: number): Promise<number> {
    const { webhookDeliveries, webhookPending, webhookFailing } = this.#layout;
    const keys = [webhookDeliveries(endpointId), webhookPending(endpointId), webhookFailing(endpointId)];
    const health = tried.state === "delivered" ? "1" : tried.state === "dropped" ? "" : "0";
    const args = [JSON.stringify(tried), MAX_LISTED_DELIVERIES, KEPT_SECONDS, lastTryOf ?? "", health, nowMs];
    return Number(await recordScript(this.#redis, keys, args));
  }

  /** Ends the memory of failures, for an endpoint that is enabled again. */
  async forgetFailures(endpointId: string): Promise<void> {
    await this.#redis.unlink(this.#layout.webhookFailing(endpointId));
  }

  /** Up to `count` tries after the try `after`. Undefined if `after` is not the id of a try. */
  async list(
    endpointId: string,
    { order, after, count }: { order: "asc" | "desc"; after: string | undefined; count: number },
  ): Promise<WebhookDelivery[] | undefined> {
    const cursor = after === undefined ? undefined : ID_PATTERN.exec(after)?.[1];
    if (after !== undefined && cursor === undefined) return undefined;
    const key = this.#layout.webhookDeliveries(endpointId);
    const from = cursor === undefined ? undefined : `(${cursor}`;
    const entries =
      order === "asc"
        ? await this.#redis.xrange(key, from ?? "-", "+", "COUNT", count)
        : await this.#redis.xrevrange(key, from ?? "+", "-", "COUNT", count);
    return entries.map(([id, fields]) => ({
      id: `${ID_PREFIX}${id}`,
      object: "webhook_endpoint.delivery",
      ...trySchema.parse(JSON.parse(z.string().parse(fields[1]))),
    }));
  }
}
