/** Records a try in the endpoint's list, publishes it for metrics, and writes its log line. */
import type { Logger } from "pino";
import type { WebhookEventJob } from "../queue/webhook-queue.ts";
import type { RecordedTry, WebhookDeliveries } from "../store/webhook-deliveries.ts";
import { channels } from "../telemetry/channels.ts";
import { eventIdOf } from "./webhook-event.ts";

export interface ReportParts {
  deliveries: WebhookDeliveries;
  logger: Logger;
}

export interface TryResult {
  attempt: number;
  state: RecordedTry["state"];
  statusCode: number | null;
  error: string | null;
  sentAtMs: number;
  durationMs: number;
  nextAttemptAtMs: number | null;
}

/** Returns the time in Unix milliseconds since which every try of the endpoint has failed, or 0. */
export async function reportTry(
  { deliveries, logger }: ReportParts,
  job: WebhookEventJob,
  result: TryResult,
  nowMs: number,
): Promise<number> {
  const { project, endpointId, eventKey, responseId, type } = job;
  const { attempt, state, statusCode, error, durationMs, nextAttemptAtMs } = result;
  const recorded: RecordedTry = {
    event_id: eventIdOf(job),
    event_type: type,
    response_id: responseId,
    attempt,
    state,
    status_code: statusCode,
    error,
    sent_at: Math.floor(result.sentAtMs / 1_000),
    duration_ms: Math.round(durationMs),
    next_attempt_at: nextAttemptAtMs === null ? null : Math.floor(nextAttemptAtMs / 1_000),
  };
  const since = await deliveries.record(endpointId, recorded, state === "retrying" ? undefined : eventKey, nowMs);
  channels.webhookDelivery.publish({
    project,
    endpointId,
    responseId,
    eventType: type,
    attempt,
    state,
    statusCode,
    durationMs,
  });
  logTry(logger, job, result);
  return since;
}

function logTry(logger: Logger, { project, endpointId, responseId, type }: WebhookEventJob, result: TryResult): void {
  const { attempt, state, statusCode, error } = result;
  const durationMs = Math.round(result.durationMs);
  const fields = { project, endpointId, responseId, type, attempt, statusCode, error, durationMs };
  if (state === "delivered") logger.debug(fields, "Webhook delivered");
  else if (state === "retrying") logger.info(fields, "Webhook not delivered; it will be retried");
  else if (state === "failed") logger.warn(fields, "Webhook given up");
  else logger.warn(fields, "Webhook dropped: too many events wait for this endpoint");
}

const BACKLOG_ERROR = "Too many events wait for this endpoint.";

/** An event that is not queued, because too many wait for the endpoint. */
export async function reportDropped(parts: ReportParts, job: WebhookEventJob, nowMs: number): Promise<void> {
  const none = { attempt: 0, statusCode: null, durationMs: 0, nextAttemptAtMs: null };
  await reportTry(parts, job, { ...none, state: "dropped", error: BACKLOG_ERROR, sentAtMs: nowMs }, nowMs);
}
