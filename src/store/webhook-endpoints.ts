/** Webhook endpoints: one hash per project, beside the in-flight set, so that the script that ends a response sees it. */
import { z } from "zod";
import { webhookEndpointSchema } from "../protocol/webhook.ts";
import type { RedisLayout } from "../redis/layout.ts";
import { defineScript, type RedisClient } from "../redis/script.ts";

/** An endpoint in Redis. Its secrets are sealed. */
export const storedWebhookEndpointSchema = webhookEndpointSchema
  .pick({ name: true, url: true, event_types: true, signing_secret_hint: true, disabled_reason: true })
  .extend({
    createdAtMs: z.number(),
    updatedAtMs: z.number(),
    secret: z.string(),
    /** Secrets before it that still sign, newest first. */
    formerSecrets: z.array(z.object({ secret: z.string(), expiresAtMs: z.number() })),
  });
export type StoredWebhookEndpoint = z.infer<typeof storedWebhookEndpointSchema>;

/*
 * KEYS  endpoints of the project
 * ARGV  id, endpoint, limit
 * Returns 1, or 0 if the project has as many endpoints as the limit.
 */
const addScript = defineScript<0 | 1>(
  "addWebhookEndpoint",
  1,
  `
  if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  return 1
`,
);

/*
 * KEYS  endpoints of the project
 * ARGV  id, endpoint before the change, endpoint after it
 * Returns 1, or 0 if another process has changed or deleted it meanwhile.
 */
const replaceScript = defineScript<0 | 1>(
  "replaceWebhookEndpoint",
  1,
  `
  if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  return 1
`,
);

const parse = (json: string): StoredWebhookEndpoint => storedWebhookEndpointSchema.parse(JSON.parse(json));

/** A change by another process repeats the change. More repetitions in a row mean a fault. */
const MAX_CHANGE_ATTEMPTS = 20;

export class WebhookEndpointStore {
  readonly #redis: RedisClient;
  readonly #layout: RedisLayout;

  constructor(redis: RedisClient, layout: RedisLayout) {
    this.#redis = redis;
    this.#layout = layout;
  }

  /** False if the project has `limit` endpoints. */
  async add(project: string, id: string, endpoint: StoredWebhookEndpoint, limit: number): Promise<boolean> {
    return (
      (await addScript(this.#redis, this.#layout.webhookEndpointsOf(project), id, JSON.stringify(endpoint), limit)) ===
      1
    );
  }

  /** Undefined if the project has no such endpoint. */
  async read(project: string, id: string): Promise<StoredWebhookEndpoint | undefined> {
    const json = await this.#redis.hget(this.#layout.webhookEndpointsOf(project), id);
    return json === null ? undefined : parse(json);
  }

  /** All endpoints of the project, by id. */
  async list(project: string): Promise<Map<string, StoredWebhookEndpoint>> {
    const found = await this.#redis.hgetall(this.#layout.webhookEndpointsOf(project));
    return new Map(Object.entries(found).map(([id, json]) => [id, parse(json)]));
  }

  /** Applies `change` to the endpoint as it is in Redis at that moment. Undefined if the project has no such endpoint. */
  async change(
    project: string,
    id: string,
    change: (endpoint: StoredWebhookEndpoint) => StoredWebhookEndpoint,
  ): Promise<StoredWebhookEndpoint | undefined> {
    const key = this.#layout.webhookEndpointsOf(project);
    for (let attempt = 1; attempt <= MAX_CHANGE_ATTEMPTS; attempt += 1) {
      const before = await this.#redis.hget(key, id);
      if (before === null) return undefined;
      const after = change(parse(before));
      const json = JSON.stringify(after);
      if (json === before || (await replaceScript(this.#redis, key, id, before, json)) === 1) return after;
    }
    throw new Error(`Webhook endpoint ${id} changes too often.`);
  }

  /** False if the project has no such endpoint. */
  async erase(project: string, id: string): Promise<boolean> {
    const { webhookPending, webhookFailing, webhookDeliveries } = this.#layout;
    if ((await this.#redis.hdel(this.#layout.webhookEndpointsOf(project), id)) === 0) return false;
    await this.#redis.unlink(webhookPending(id), webhookFailing(id), webhookDeliveries(id));
    return true;
  }
}
