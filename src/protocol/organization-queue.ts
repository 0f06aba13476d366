/**
 * The queues and the workers of an installation, as its administrators see them: extensions of this server
 * (contract.md#workers-and-queues). Times and durations are in milliseconds.
 */
import { z } from "zod";

/** The two queues: long background runs and short foreground runs never wait for each other's workers. */
export const QUEUE_NAMES = ["foreground", "background"] as const;
export type QueueName = (typeof QUEUE_NAMES)[number];

/**
 * The order in which a worker takes waiting responses. `first`: they were with a worker before, or let other projects pass.
 * `related` and `window` have a completion window. Foreground responses have no class and count as `default`.
 */
export const WAITING_CLASSES = ["first", "priority", "default", "flex", "related", "window"] as const;
export type WaitingClass = (typeof WAITING_CLASSES)[number];

const milliseconds = z.number().int().min(0);
const count = z.number().int().min(0);

/** `used` may exceed `slots` by the reserve for projects with few runs. */
export const queueSlotsSchema = z.object({ slots: count, used: count });
export type QueueSlots = z.infer<typeof queueSlotsSchema>;

export const workerSchema = z.object({
  object: z.literal("organization.worker"),
  /** The name of its process, as in log lines and in the attempts of a run. */
  id: z.string(),
  version: z.string(),
  started_at_ms: milliseconds,
  /** Its last announcement. A worker announces itself every two seconds. */
  seen_at_ms: milliseconds,
  queues: z.object({ foreground: queueSlotsSchema, background: queueSlotsSchema }),
});
export type Worker = z.infer<typeof workerSchema>;

const waitingSchema = z.object({
  waiting: count,
  /**
   * The time for which the longest waiting response has waited, or null if none waits. For `related` and `window`, which
   * start in order of their windows: the time for which the next one to start has waited.
   */
  oldest_waiting_ms: milliseconds.nullable(),
});

export const queueSchema = z.object({
  object: z.literal("organization.queue"),
  name: z.enum(QUEUE_NAMES),
  /** Waiting for a worker. */
  waiting: count,
  /** Waiting for a provider's capacity, or for another attempt. */
  delayed: count,
  /** With a worker. */
  active: count,
  oldest_waiting_ms: milliseconds.nullable(),
  by_class: z.object({
    first: waitingSchema,
    priority: waitingSchema,
    default: waitingSchema,
    flex: waitingSchema,
    related: waitingSchema,
    window: waitingSchema,
  }),
  /** Live workers that serve it. With 0, nothing starts a waiting response. */
  workers: count,
});
export type QueueState = z.infer<typeof queueSchema>;

/** Jobs are events, one per endpoint, and tests of endpoints. */
export const webhookQueueSchema = z.object({
  object: z.literal("organization.queue"),
  name: z.literal("webhooks"),
  /** Waiting for a worker. */
  waiting: count,
  /** Waiting for another try, or for their turn at their endpoint. */
  delayed: count,
  /** With a worker. */
  active: count,
  /** The time since the end of the response whose event has waited longest for its first try, or null if none waits. */
  oldest_waiting_ms: milliseconds.nullable(),
  /** Ends of responses whose events are not in the queue yet. More than a few: Redis rejects jobs, or no worker sweeps. */
  outbox: count,
  /** Live workers. Each sends webhooks. */
  workers: count,
});
export type WebhookQueueState = z.infer<typeof webhookQueueSchema>;
export type AnyQueueState = QueueState | WebhookQueueState;
