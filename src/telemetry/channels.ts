/**
 * What this server reports about its work. Each report is published on a channel of `node:diagnostics_channel`, so code
 * that runs responses knows no metric, trace or log line, and a report without subscribers costs next to nothing.
 * Logs, metrics and traces subscribe (log-runs.ts and its neighbours).
 */
import type { IncomingHttpHeaders } from "node:http";
import { type Channel, channel, tracingChannel } from "node:diagnostics_channel";
import type { AttemptEnd, RunAttempt } from "../protocol/run.ts";
import type { ResponseStatus, Usage } from "../protocol/response.ts";
import type { QueueName } from "../protocol/organization-queue.ts";
import type { TraceContext } from "./trace-context.ts";

/** One HTTP request to the API, until its answer has ended. Health checks are not reported. */
export interface RequestReport {
  method: string;
  /** `http` or `https`. */
  scheme: string;
  /** Without the query. */
  path: string;
  headers: IncomingHttpHeaders;
  /** Set when the answer has ended, with what is known then. */
  statusCode?: number | undefined;
  /** The pattern of the path, such as `/v1/responses/:response_id`. */
  route?: string | undefined;
  project?: string | undefined;
  /** The response that the request created or replayed. */
  responseId?: string | undefined;
  /** Milliseconds until the head of the answer; absent if none was sent. */
  processingMs?: number | undefined;
  /** Whether the connection closed before the end of the answer. */
  isCutOff?: boolean | undefined;
}

/** The response that a report is about. */
export interface Reported {
  responseId: string;
  project: string;
  /** The model that the request named. */
  model: string;
}

export interface AcceptedReport extends Reported {
  background: boolean;
  /** `priority`, `default`, `flex` or `window`. */
  queueClass: string;
  requestId?: string | undefined;
}

/** One attempt of a worker, from its lease to its end. */
export interface AttemptReport extends Reported {
  attempt: number;
  worker: string;
  background: boolean;
  acceptedAtMs: number;
  /** By Redis's clock. Absent if the record does not say. */
  startedAtMs?: number | undefined;
  /** Whether a worker has left the response to others, because its configuration lacks what the response needs. */
  wasLeft: boolean;
  /** The attempt before, if its process died: it could not report its end. */
  died?: RunAttempt | undefined;
  /** The trace context of the request that created the response. */
  trace?: TraceContext | undefined;
  /** Set when the attempt has ended. */
  end?: AttemptEnd | undefined;
  reason?: string | undefined;
}

/** One model call: a turn, or the compaction of a context. */
export interface ModelCallReport extends Reported {
  attempt: number;
  turn: number;
  provider: string;
  /** The provider's own name of the model. */
  providerModel: string;
  /** Set when the call has ended. */
  status?: "completed" | "incomplete" | "failed" | "postponed" | undefined;
  code?: string | undefined;
  usage?: Usage | undefined;
  costUsd?: number | undefined;
  /** Milliseconds until the first event. */
  firstEventMs?: number | undefined;
}

/** One execution of a call of this server's tools. */
export interface ToolCallReport extends Reported {
  /** The kind of tool: the type of its items without `_call`. */
  tool: string;
  name: string;
  callId: string;
  /** Set when the call has ended. */
  isError?: boolean | undefined;
  error?: string | undefined;
}

/** A try of a model call that failed and is repeated. */
export interface RetryReport extends Reported {
  provider: string;
  code: string;
  reason: string;
  retries: number;
  delayMs: number;
}

/** A response that returned to the queue until its provider has capacity. */
export interface WaitReport extends Reported {
  provider: string;
  reason: string;
  waitMs: number;
}

/** A model call that has had no event for a while. Reported once per silence. */
export interface SilenceReport extends Reported {
  provider: string;
  providerModel: string;
  turn: number;
  silentMs: number;
}

/** Redis takes no writes, and events of the run wait for it. */
export interface RefusalReport extends Reported {
  reason: string;
}

export interface FallbackReport extends Reported {
  fallback: string;
  code: string;
  reason: string;
}

/** A response that a worker took over from a lost one. */
export interface RecoveryReport extends Reported {
  lostWorker: string;
  worker: string;
}

export interface EndedReport extends Reported {
  servedModel: string | undefined;
  background: boolean;
  status: ResponseStatus;
  /** Code of the error, or reason of an incomplete response. */
  code: string | undefined;
  /** The message that clients get, and the cause that they do not. */
  reason: string | undefined;
  cause: string | undefined;
  /** From acceptance to the first start, to the first event of the model, and to the end. */
  queuedMs: number | undefined;
  firstEventMs: number | undefined;
  durationMs: number;
  attempts: number;
  waits: number;
  usage: Usage | undefined;
  costUsd: number | undefined;
  toolCalls: Readonly<Record<string, { completed: number; failed: number }>>;
  /** The trace context of the request that created the response. */
  trace?: TraceContext | undefined;
}

/** A project's spend of this month has passed a threshold. */
export interface SpendAlertReport {
  project: string;
  /** The id of the alert, or `spend_limit`. */
  alert: string;
  thresholdCents: number;
}

export interface SweepReport {
  responseId: string;
  action: string;
  status: ResponseStatus;
}

/** A batch of events that a worker has appended to a log. */
export interface RecordedReport {
  events: number;
  /** Characters of their JSON. */
  bytes: number;
}

/** A page of events that a follower has passed to its connection. */
export interface DeliveredReport {
  events: number;
  bytes: number;
}

export type BodyRefusal = "too_large" | "too_many_values" | "too_many_fields" | "too_deep" | "malformed" | "unreadable";

/** A job whose worker let its lock expire: a lost or blocked worker. */
export interface StallReport {
  responseId: string;
  queue: QueueName;
}

/** One try of one event at one webhook endpoint, or an event that was dropped. */
export interface WebhookDeliveryReport {
  project: string;
  endpointId: string;
  responseId: string;
  eventType: string;
  /** Counts from 1; 0 for a dropped event. */
  attempt: number;
  state: "delivered" | "retrying" | "failed" | "dropped";
  statusCode: number | null;
  durationMs: number;
}

const NAMESPACE = "background-responses";
const open = <T>(name: string) => channel(`${NAMESPACE}:${name}`) as Channel<unknown, T>;
const openTracing = <T extends object>(name: string) => tracingChannel<unknown, T>(`${NAMESPACE}:${name}`);

export const channels = {
  /** `start` runs the rest of the request, and `asyncEnd` is published when its answer has ended. */
  request: openTracing<RequestReport>("request"),
  accepted: open<AcceptedReport>("accepted"),
  attempt: openTracing<AttemptReport>("attempt"),
  modelCall: openTracing<ModelCallReport>("model-call"),
  toolCall: openTracing<ToolCallReport>("tool-call"),
  retry: open<RetryReport>("retry"),
  wait: open<WaitReport>("wait"),
  silence: open<SilenceReport>("silence"),
  refusal: open<RefusalReport>("refusal"),
  fallback: open<FallbackReport>("fallback"),
  recovery: open<RecoveryReport>("recovery"),
  ended: open<EndedReport>("ended"),
  spendAlert: open<SpendAlertReport>("spend-alert"),
  sweep: open<SweepReport>("sweep"),
  recorded: open<RecordedReport>("recorded"),
  delivered: open<DeliveredReport>("delivered"),
  bodyRefused: open<{ reason: BodyRefusal }>("body-refused"),
  stall: open<StallReport>("stall"),
  webhookDelivery: open<WebhookDeliveryReport>("webhook-delivery"),
} as const;
