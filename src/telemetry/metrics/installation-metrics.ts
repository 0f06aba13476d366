/**
 * The state of the whole installation, read from Redis at a scrape: queues, live workers, Redis itself. Every process
 * reports the same values, so a dashboard takes the maximum of them, not the sum.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Gauge, type Registry } from "prom-client";
import { type AnyQueueState, WAITING_CLASSES, type WebhookQueueState } from "../../protocol/organization-queue.ts";
import { PREFIX } from "./names.ts";

/** What one server of Redis reports. */
export interface RedisState {
  node: string;
  pingMs: number;
  usedMemoryBytes: number;
  maxMemoryBytes: number;
}

export interface InstallationSources {
  readQueues: () => Promise<readonly AnyQueueState[]>;
  readRedis: () => Promise<readonly RedisState[]>;
}

/** A scrape must not hang with Redis. */
const READ_TIMEOUT_MS = 1_000;

/** Returns the function that reads the state before a scrape. Values that Redis does not answer are absent. */
export function collectInstallation(registry: Registry, sources: InstallationSources): () => Promise<void> {
  const showQueues = describeQueues(registry);
  const showRedis = describeRedis(registry);
  return async () => {
    const [queues, redis] = await Promise.all([inTime(sources.readQueues()), inTime(sources.readRedis())]);
    showQueues(queues ?? []);
    showRedis(redis);
  };
}

/** Undefined if the value does not come in time. */
async function inTime<T>(value: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const timeout = delay(READ_TIMEOUT_MS, undefined, { signal: settled.signal }).catch(() => undefined);
  const read = value.catch(() => undefined);
  return await Promise.race([read, timeout]).finally(() => settled.abort());
}

function describeQueues(registry: Registry): (queues: readonly AnyQueueState[]) => void {
  const showWebhooks = describeWebhooks(registry);
  const gauge = <const L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Gauge({ name: `${PREFIX}${name}`, help, labelNames, registers: [registry] });
  const waiting = gauge("queue_waiting", "Responses that wait for a worker.", ["queue", "class"]);
  const oldest = gauge(
    "queue_oldest_waiting_seconds",
    "Time for which the longest waiting response has waited, 0 if none waits; of related and window, the next to start.",
    ["queue", "class"],
  );
  const delayed = gauge("queue_delayed", "Responses that wait for a provider or for another attempt.", ["queue"]);
  const active = gauge("queue_active", "Responses that are with a worker.", ["queue"]);
  const workers = gauge("workers", "Live workers that serve the queue.", ["queue"]);
  return (queues) => {
    for (const each of [waiting, oldest, delayed, active, workers]) each.reset();
    const ofResponses = queues.filter((each) => each.name !== "webhooks");
    showWebhooks(queues.find((each) => each.name === "webhooks"));
    for (const { name: queue, by_class, ...state } of ofResponses) {
      for (const name of WAITING_CLASSES) {
        waiting.set({ queue, class: name }, by_class[name].waiting);
        oldest.set({ queue, class: name }, (by_class[name].oldest_waiting_ms ?? 0) / 1000);
      }
      delayed.set({ queue }, state.delayed);
      active.set({ queue }, state.active);
      workers.set({ queue }, state.workers);
    }
  };
}

function describeWebhooks(registry: Registry): (queue: WebhookQueueState | undefined) => void {
  const gauge = (name: string, help: string) =>
    // The label makes it absent while Redis does not answer. Without labels it would be 0.
    new Gauge({ name: `${PREFIX}${name}`, help, labelNames: ["queue"], registers: [registry] });
  const waiting = gauge("webhook_queue_waiting", "Webhooks that wait for a worker.");
  const oldest = gauge(
    "webhook_queue_oldest_waiting_seconds",
    "Time since the end of the response whose webhook has waited longest for its first try, 0 if none waits.",
  );
  const delayed = gauge("webhook_queue_delayed", "Webhooks that wait for another try or for their turn.");
  const active = gauge("webhook_queue_active", "Webhooks that are with a worker.");
  const outbox = gauge("webhook_outbox_entries", "Ends of responses whose webhooks are not in the queue yet.");
  return (state) => {
    for (const each of [waiting, oldest, delayed, active, outbox]) each.reset();
    if (state === undefined) return;
    const queue = state.name;
    waiting.set({ queue }, state.waiting);
    oldest.set({ queue }, (state.oldest_waiting_ms ?? 0) / 1000);
    delayed.set({ queue }, state.delayed);
    active.set({ queue }, state.active);
    outbox.set({ queue }, state.outbox);
  };
}

function describeRedis(registry: Registry): (redis: readonly RedisState[] | undefined) => void {
  const gauge = (name: string, help: string) =>
    new Gauge({ name: `${PREFIX}redis_${name}`, help, labelNames: ["node"], registers: [registry] });
  const up = new Gauge({
    name: `${PREFIX}redis_up`,
    help: "1 if Redis answers this process within a second, else 0.",
    registers: [registry],
  });
  const ping = gauge("ping_seconds", "Time in which Redis answers a PING of this process.");
  const used = gauge("memory_used_bytes", "Memory that Redis uses.");
  const limit = gauge("memory_limit_bytes", "The maxmemory of Redis; 0 = no limit.");
  return (redis) => {
    for (const each of [ping, used, limit]) each.reset();
    up.set(redis === undefined ? 0 : 1);
    for (const { node, pingMs, usedMemoryBytes, maxMemoryBytes } of redis ?? []) {
      ping.set({ node }, pingMs / 1000);
      used.set({ node }, usedMemoryBytes);
      limit.set({ node }, maxMemoryBytes);
    }
  };
}
