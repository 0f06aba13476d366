/** One try of one event: find the endpoint as it is now, sign, send, decide what follows, record it. */
import type { Logger } from "pino";
import type { Config } from "../../src/config/config.ts";
import type { WebhookEventJob, WebhookTestJob, WebhookTestOutcome } from "../../src/queue/webhook-queue.ts";
import type { Clock } from "../../src/redis/redis-clock.ts";
import { reportTry, type TryResult } from "../../src/webhooks/report-delivery.ts";
import { signMessage } from "../../src/webhooks/signing-secrets.ts";
import type { SigningTarget } from "../../src/webhooks/endpoint-views.ts";
import { messageIdOf, toWebhookEvent } from "../../src/webhooks/webhook-event.ts";
import type { Webhooks } from "../../src/webhooks/webhooks.ts";
import type { GuardedFetch } from "../net/guarded-fetch.ts";
import { computeRetryDelay } from "./retry-schedule.ts";
import { type SendOutcome, sendWebhook } from "./send-webhook.ts";

export interface DeliveryParts {
  webhooks: Pick<Webhooks, "endpoints" | "deliveries">;
  clock: Clock;
  logger: Logger;
  fetch: GuardedFetch["fetch"];
  config: Pick<
    Config,
    "WEBHOOK_TIMEOUT_MS" | "WEBHOOKS_ALLOW_HTTP" | "WEBHOOK_RETRY_DELAY_MS" | "WEBHOOK_DISABLE_SECONDS"
  >;
  /** Aborted when the process must stop. */
  signal: AbortSignal;
}

export interface DeliveryOutcome {
  /** Until the next try; undefined if none follows. */
  retryDelayMs: number | undefined;
  /** Time that the receiver took. */
  durationMs: number;
  isAnswered: boolean;
}

const GONE = 410;
/** An endpoint is disabled for its failures only while an event fails that has had as many tries. */
const MIN_TRIES_TO_DISABLE = 5;
const NOT_SENT: DeliveryOutcome = { retryDelayMs: undefined, durationMs: 0, isAnswered: true };

/** `attempt` counts from 1. Rejects with the signal's reason, or if Redis fails. */
export async function deliverEvent(
  parts: DeliveryParts,
  job: WebhookEventJob,
  attempt: number,
): Promise<DeliveryOutcome> {
  const { webhooks, clock, config } = parts;
  const target = await webhooks.endpoints.findTarget(job.project, job.endpointId);
  if (target === undefined || !target.isEnabled) {
    await webhooks.deliveries.removePending(job.endpointId, job.eventKey);
    return NOT_SENT;
  }
  const sentAtMs = clock.nowMs();
  const startedMs = performance.now();
  const outcome = await signAndSend(parts, target, job, sentAtMs);
  const durationMs = performance.now() - startedMs;
  const isDelivered = outcome.kind === "answered" && outcome.statusCode >= 200 && outcome.statusCode < 300;
  const isGone = outcome.kind === "answered" && outcome.statusCode === GONE;
  const nowMs = clock.nowMs();
  const failed = {
    attempt,
    nowMs,
    giveUpAtMs: job.giveUpAtMs,
    retryAfter: outcome.kind === "answered" ? outcome.retryAfter : null,
  };
  const retryDelayMs = isDelivered || isGone ? undefined : computeRetryDelay(failed, config.WEBHOOK_RETRY_DELAY_MS);
  const result: TryResult = {
    attempt,
    state: isDelivered ? "delivered" : retryDelayMs === undefined ? "failed" : "retrying",
    statusCode: outcome.kind === "answered" ? outcome.statusCode : null,
    error: isDelivered ? null : describe(outcome),
    sentAtMs,
    durationMs,
    nextAttemptAtMs: retryDelayMs === undefined ? null : nowMs + retryDelayMs,
  };
  const failingSinceMs = await reportTry({ ...webhooks, logger: parts.logger }, job, result, nowMs);
  if (isGone) await disable(parts, target, "gone");
  else if (!isDelivered && isFailingForLong(parts, failingSinceMs, attempt)) await disable(parts, target, "failing");
  return { retryDelayMs, durationMs, isAnswered: outcome.kind === "answered" };
}

/** A sample about a response that does not exist. It is sent once, also to a disabled endpoint, and not listed. */
export async function deliverTest(parts: DeliveryParts, job: WebhookTestJob): Promise<WebhookTestOutcome> {
  const target = await parts.webhooks.endpoints.findTarget(job.project, job.endpointId);
  if (target === undefined) return { kind: "gone" };
  const nowMs = parts.clock.nowMs();
  // Each test is an event of its own.
  const sample = { responseId: `resp_sample_${nowMs}`, type: job.type, endedAtMs: nowMs };
  const outcome = await signAndSend(parts, target, sample, nowMs);
  if (outcome.kind === "unanswered") return outcome;
  return { kind: "answered", statusCode: outcome.statusCode };
}

async function signAndSend(
  { config, fetch, signal }: DeliveryParts,
  { url, secrets }: SigningTarget,
  event: Pick<WebhookEventJob, "responseId" | "type" | "endedAtMs">,
  sentAtMs: number,
): Promise<SendOutcome> {
  if (secrets.length === 0) {
    return { kind: "unanswered", error: "The signing secret cannot be read. Rotate it." };
  }
  const body = JSON.stringify(toWebhookEvent(event));
  const headers = signMessage({ id: messageIdOf(event), body, sentAtMs }, secrets);
  const { WEBHOOK_TIMEOUT_MS: timeoutMs, WEBHOOKS_ALLOW_HTTP: allowsHttp } = config;
  return await sendWebhook(url, headers, body, { fetch, timeoutMs, allowsHttp, signal });
}

function describe(outcome: SendOutcome): string {
  if (outcome.kind === "unanswered") return outcome.error;
  const { statusCode } = outcome;
  const isRedirect = statusCode >= 300 && statusCode < 400;
  return `The receiver answered ${statusCode}.${isRedirect ? " Redirects are not followed." : ""}`;
}

function isFailingForLong({ clock, config }: DeliveryParts, sinceMs: number, attempt: number): boolean {
  const limitMs = config.WEBHOOK_DISABLE_SECONDS * 1_000;
  return limitMs > 0 && sinceMs > 0 && attempt >= MIN_TRIES_TO_DISABLE && clock.nowMs() - sinceMs >= limitMs;
}

async function disable(
  { webhooks, logger }: DeliveryParts,
  { project, id, url }: SigningTarget,
  reason: "gone" | "failing",
): Promise<void> {
  if (await webhooks.endpoints.disable(project, id, url, reason)) {
    logger.warn({ project, endpointId: id, reason }, "Webhook endpoint disabled");
  }
}
