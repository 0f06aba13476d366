/**
 * The record of a response: its owner, its status, and who may append to its log. The response's content is in the log
 * alone. The record holds what a script checks in the same atomic step as an append, and what the queue and the sweeper
 * need.
 */
import { z } from "zod";
import { type ResolvedRequest, resolvedRequestSchema } from "../protocol/create-request.ts";
import type { RunFacts } from "../lifecycle/run-facts.ts";
import type { StoredInputItem } from "../protocol/item.ts";
import { isTerminalStatus, responseStatusSchema, type TerminalStatus } from "../protocol/response.ts";
import type { RecordedEnding } from "./recorded-ending.ts";
import type { RetainedResponse } from "./remove-in-flight.ts";

const flag = z.enum(["0", "1"]).transform((value) => value === "1");

/** The fields of the hash in Redis. */
export const recordSchema = z.object({
  project: z.string(),
  status: responseStatusSchema,
  /** Sequence number of the last event in the log. */
  last: z.coerce.number().int(),
  /** Where replicas are required: the last event that enough of them have. Absent otherwise. */
  durable: z.coerce.number().int().optional(),
  /** Attempts so far. A hand-over does not count. */
  attempts: z.coerce.number().int(),
  /** Attempts charged to the response: only the response explains their failure (src/stream/log/lease.ts). */
  charged: z.coerce.number().int().default(0),
  /** Lost workers since the last run that released its lease: consecutive ones without progress, and all. */
  stalls: z.coerce.number().int().default(0),
  losses: z.coerce.number().int().default(0),
  /** `last` when the lease was acquired. */
  leasedLast: z.coerce.number().int().default(0),
  lease: z.string().default(""),
  /** The worker that last acquired the lease. */
  worker: z.string().default(""),
  /** Number of returns to the queue to wait for its provider. */
  waits: z.coerce.number().int().default(0),
  /** The reason of a fence. Once set, no worker may start the response. */
  ending: z.enum(["", "cancel", "fail"]),
  background: flag,
  /** Whether GET may show it: not a foreground response with `store: false`. */
  readable: flag,
  /** Whether a later request may name it as `previous_response_id`: `store` was not false. */
  stored: flag,
  /** BullMQ priority inside its queue (src/queue/queue-class.ts). */
  priority: z.coerce.number().int(),
  /**
   * The time at which a response with a completion window, or of the flex tier, moves to the default tier. 0 for all
   * others.
   */
  latestStartMs: z.coerce.number().default(0),
  /** `continuation_id`: names related background responses of the project, or ''. */
  continuationId: z.string().default(""),
  createdAtMs: z.coerce.number(),
  deadlineMs: z.coerce.number(),
  /** Seconds that its keys live after the terminal event. */
  retentionSeconds: z.coerce.number().int(),
  deleted: flag,
  idempotencyHash: z.string(),
  /** The conversation it belongs to, or ''. */
  conversationId: z.string().default(""),
  /** Size of request, input, log and journal. Incomplete for a response that an older release accepted. */
  bytes: z.coerce.number().default(0),
  /** Trace context of the request that created it, if that is traced (src/telemetry/trace-context.ts). */
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
});
export type ResponseRecord = z.infer<typeof recordSchema>;

export type LogProgress = Pick<ResponseRecord, "status" | "last" | "durable">;

/** Whether the response has ended and readers do not see the end yet. Only where replicas are required. */
export function isEndHidden({ status, last, durable = last }: LogProgress): boolean {
  return isTerminalStatus(status) && durable < last;
}

export interface NewRecord {
  id: string;
  project: string;
  /** The model that the request names. */
  model?: string | undefined;
  status: "queued" | "in_progress";
  background: boolean;
  readable: boolean;
  stored: boolean;
  priority: number;
  latestStartMs: number;
  continuationId: string;
  createdAtMs: number;
  deadlineMs: number;
  retentionSeconds: number;
  idempotencyHash: string;
  conversationId: string;
  /** The approval requests that its input answers, encoded (lists/response-list.ts). */
  answers?: string;
  /** Where replicas are required: the last event that readers may see. */
  durable?: number | undefined;
  traceparent?: string | undefined;
  tracestate?: string | undefined;
  request: StoredRequest;
  input: StoredInputItem[];
  /** The opening events, encoded, from sequence number 0. */
  events: string[];
}

/**
 * The request as the worker needs it. `ancestors` are the nearest links of its chain (response-chain.ts). A response with
 * the purpose `compact` gives no answer: its run compacts the context, for a `compaction_trigger` or for
 * `POST /responses/compact`.
 */
export const storedRequestSchema = z.object({
  request: z.strictObject({
    ...resolvedRequestSchema.shape,
    /** Validated at admission. Sealed secrets may exceed the length limits of a request. */
    tools: z.custom<NonNullable<ResolvedRequest["tools"]>>(Array.isArray).nullish(),
  }),
  ancestors: z.array(z.string()),
  purpose: z.literal("compact").exactOptional(),
});
export type StoredRequest = z.infer<typeof storedRequestSchema>;

/** The sets and the conversation that a response belongs to; '' means none. */
export interface Memberships {
  /** Undefined if the response is gone. */
  project: string | undefined;
  conversationId: string;
  continuationId: string;
  isWindowed: boolean;
  /** Approval requests that its input answered, encoded, or ''. */
  answers: string;
  /** What stays of a response that has ended and is not deleted. */
  retained: Omit<RetainedResponse, "asks"> | undefined;
  /** What its end changed, if the record has it. */
  ending: RecordedEnding | undefined;
  /** The end of a background response. Undefined for others, and before it. */
  end: { status: TerminalStatus; endedAtMs: number } | undefined;
  /** The fields that describe the run. */
  run: RunOutcome | undefined;
}

/** A response and its run, as they are reported at the end. */
export type RunOutcome = RunFacts &
  Pick<ResponseRecord, "status" | "background" | "createdAtMs" | "attempts" | "waits" | "traceparent" | "tracestate">;
