/**
 * The run of a response, as operators and researchers see it: an extension of this server (`GET /responses/:id/run`).
 * Times are Unix milliseconds, because a timeline needs more than the seconds of the published API.
 */
import { z } from "zod";
import { responseStatusSchema, usageSchema } from "./response.ts";

const milliseconds = z.number().int().min(0);

/** Live workers; absent if the server does not know them. */
const workers = z.number().int().min(0).optional();

/** What the run does or waits for now. `since_ms` is the time at which the step began. */
export const runStepSchema = z.discriminatedUnion("type", [
  /** Waits for a worker. `workers` counts the workers that serve its queue: with 0 nothing starts it. */
  z.object({ type: z.literal("queued"), since_ms: milliseconds, workers }),
  /** Waits in the queue because its provider has no capacity. */
  z.object({
    type: z.literal("waiting_for_provider"),
    since_ms: milliseconds,
    until_ms: milliseconds,
    provider: z.string(),
    reason: z.string(),
  }),
  /** Waits for a worker whose configuration has its model and tools. */
  z.object({
    type: z.literal("waiting_for_configuration"),
    since_ms: milliseconds,
    /** The time at which the response fails if no worker can run it. */
    until_ms: milliseconds.optional(),
    reason: z.string(),
  }),
  /** Has no worker after a lost worker, a hand-over or an error, and starts again soon. */
  z.object({
    type: z.literal("recovering"),
    since_ms: milliseconds,
    reason: z.string(),
    workers,
  }),
  /** Redis takes no writes: the run continues once it does. `since_ms` is that of the step before. */
  z.object({ type: z.literal("waiting_for_redis"), since_ms: milliseconds, reason: z.string() }),
  z.object({ type: z.literal("starting"), since_ms: milliseconds }),
  /**
   * `silent_since_ms` is the time of the last event, or of the call if it has had none. `retries` counts failed tries of this
   * call; `error` is the error of the last one.
   */
  z.object({
    type: z.literal("calling_model"),
    since_ms: milliseconds,
    turn: z.number().int().min(1),
    provider: z.string(),
    model: z.string(),
    silent_since_ms: milliseconds.optional(),
    retries: z.number().int().min(0).optional(),
    error: z.string().optional(),
  }),
  z.object({
    type: z.literal("running_tools"),
    since_ms: milliseconds,
    tools: z.array(z.object({ type: z.string(), name: z.string(), since_ms: milliseconds })),
  }),
  /** The response has ended, and asks for an approval that no later response has given. */
  z.object({ type: z.literal("waiting_for_approval"), since_ms: milliseconds, approvals: z.array(z.string()) }),
  z.object({ type: z.literal("ended"), since_ms: milliseconds }),
]);
export type RunStep = z.infer<typeof runStepSchema>;

/** How an attempt ended. */
export const attemptEndSchema = z.enum([
  "ended",
  "handed_over",
  "waited",
  "left_to_others",
  "redis_unavailable",
  "failed",
  "crashed",
  "worker_lost",
  "fenced",
]);
export type AttemptEnd = z.infer<typeof attemptEndSchema>;

export const runAttemptSchema = z.object({
  attempt: z.number().int().min(1),
  worker: z.string(),
  started_at_ms: milliseconds,
  ended_at_ms: milliseconds.nullable(),
  end: attemptEndSchema.nullable(),
  reason: z.string().nullable(),
  /** Equal attempts in a row, each left to other workers, are one entry from the first start to the last end. */
  count: z.number().int().min(1),
});
export type RunAttempt = z.infer<typeof runAttemptSchema>;

export const runSchema = z.object({
  object: z.literal("response.run"),
  /** The id of the response. */
  id: z.string(),
  project: z.string(),
  status: responseStatusSchema,
  background: z.boolean(),
  /** The model that the request named, and the one that served the last turn. */
  model: z.string(),
  served_model: z.string().nullable(),
  step: runStepSchema,
  created_at_ms: milliseconds,
  started_at_ms: milliseconds.nullable(),
  /** The model's first event. */
  first_event_at_ms: milliseconds.nullable(),
  ended_at_ms: milliseconds.nullable(),
  last_event_at_ms: milliseconds,
  deadline_at_ms: milliseconds,
  last_sequence_number: z.number().int(),
  /** The worker that runs it, or ran it last. */
  worker: z.string().nullable(),
  /** The latest attempts, oldest first. `attempt_count` counts all. */
  attempts: z.array(runAttemptSchema),
  attempt_count: z.number().int().min(0),
  wait_count: z.number().int().min(0),
  turn_count: z.number().int().min(0),
  /** Where in the output each turn begins: the first 500 turns. */
  turn_starts: z.array(z.number().int().min(0)),
  /** Calls of this server's tools, by the kind of tool. */
  tool_calls: z.record(z.string(), z.object({ completed: z.number().int(), failed: z.number().int() })),
  usage: usageSchema.nullable(),
  /** In US dollars; null without a configured price. */
  cost_usd: z.number().nullable(),
  /** `cause` is what the provider, tool or server reported; the message is what the client gets. */
  error: z.object({ code: z.string(), message: z.string(), cause: z.string().nullable() }).nullable(),
});
export type Run = z.infer<typeof runSchema>;

/** When events were recorded. An event has the time of the last entry at or before it, and is at most 100 ms later. */
export const eventTimeListSchema = z.object({
  object: z.literal("list"),
  data: z.array(z.object({ sequence_number: z.number().int().min(0), recorded_at_ms: milliseconds })),
  has_more: z.boolean(),
});
export type EventTimeList = z.infer<typeof eventTimeListSchema>;

export const MAX_EVENT_TIMES = 1_000;
export const eventTimesQuerySchema = z.object({
  limit: z.number().int().min(1).max(MAX_EVENT_TIMES).default(MAX_EVENT_TIMES),
  /** List times of events after this sequence number. */
  after: z.number().int().min(0).optional(),
});
export type EventTimesQuery = z.infer<typeof eventTimesQuerySchema>;
