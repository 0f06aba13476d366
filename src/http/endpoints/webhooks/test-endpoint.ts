/**
 * `POST /webhook_endpoints/:id/test` (contract.md#webhooks). A worker sends the sample, because only workers reach out to
 * URLs of clients; the API waits for its outcome.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RequestHandler } from "express";
import { FairSemaphore, type Permit, SemaphoreFullError } from "../../../concurrency/fair-semaphore.ts";
import type { ApiContext } from "../../../context.ts";
import { webhookTestsFull } from "../../../lifecycle/errors/limits.ts";
import { webhookTestUnsent } from "../../../lifecycle/errors/server.ts";
import { webhookEndpointNotFound, webhookTestFailed } from "../../../lifecycle/errors/state.ts";
import { newId } from "../../../protocol/id.ts";
import { testWebhookEndpointSchema, type WebhookEndpointTestResult } from "../../../protocol/webhook.ts";
import type { WebhookTestOutcome, WebhookTestJob } from "../../../queue/webhook-queue.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseWebhookEndpointId } from "../../validation/path-ids.ts";

/** Tests of one API process at a time. */
const LIMITS = { permits: 20, reservePercent: 25, maxWaiting: 50 };
const RETRY_SECONDS = 5;
const POLL_MS = 100;
/** Time for a worker to take the test, in addition to the timeout of the try. */
const QUEUED_LIMIT_MS = 5_000;

export function testWebhookEndpoint(context: ApiContext): RequestHandler {
  const { config, storage } = context;
  const semaphore = new FairSemaphore(LIMITS);
  const limitMs = config.WEBHOOK_TIMEOUT_MS + QUEUED_LIMIT_MS;
  return async (request, response) => {
    const endpointId = parseWebhookEndpointId(request);
    const { event_type } = parseBody(testWebhookEndpointSchema, request.body);
    const { project } = response.locals;
    const found = await storage.webhooks.endpoints.find(project, endpointId);
    if (found.kind !== "found") throw webhookEndpointNotFound(endpointId);
    const signal = AbortSignal.timeout(limitMs);
    using _permit = await acquirePermit(semaphore, project, signal);
    const outcome = await sendTest(context, { kind: "test", project, endpointId, type: event_type }, signal);
    if (outcome === undefined) throw webhookTestUnsent();
    if (outcome.kind === "gone") throw webhookEndpointNotFound(endpointId);
    if (outcome.kind === "unanswered") throw webhookTestFailed(outcome.error);
    const result: WebhookEndpointTestResult = {
      object: "webhook_endpoint.test",
      event_type,
      status_code: outcome.statusCode,
      success: true,
      webhook_endpoint_id: endpointId,
    };
    response.json(result);
  };
}

async function acquirePermit(semaphore: FairSemaphore, project: string, signal: AbortSignal): Promise<Permit> {
  try {
    return await semaphore.acquire(project, signal);
  } catch (error) {
    if (error instanceof SemaphoreFullError || signal.aborted) throw webhookTestsFull(RETRY_SECONDS);
    throw error;
  }
}

/** Undefined if no worker sends it in time. */
async function sendTest(
  { storage }: ApiContext,
  job: WebhookTestJob,
  signal: AbortSignal,
): Promise<WebhookTestOutcome | undefined> {
  const { queue } = storage.webhooks;
  const id = newId("whe_test");
  await queue.addTest(job, id);
  while (!signal.aborted) {
    await delay(POLL_MS);
    const outcome = await queue.readTestOutcome(id);
    if (outcome !== undefined) return outcome;
  }
  await queue.cancelTest(id);
  return undefined;
}
