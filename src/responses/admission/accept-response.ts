/**
 * Records a checked request and enqueues its job. The order is the promise: the id enters the in-flight set before its
 * record exists or in the same step, and the record exists before the job. After a crash at any line, the sweeper finds
 * the rest and completes it (workers/jobs/response-sweeper.ts).
 */
import type { Logger } from "pino";
import { TimeSlice } from "../../concurrency/time-slice.ts";
import { createOpeningEvents, newResponse } from "../../lifecycle/new-response.ts";
import type { ResolvedRequest } from "../../protocol/create-request.ts";
import { hasWindow, nameOfClass, queueClassOf } from "../../queue/queue-class.ts";
import { encodeRecord, type EncodedRecord } from "../../store/encoded-record.ts";
import type { InFlightAddition } from "../../store/add-in-flight-script.ts";
import { openTokensOf } from "../../store/lists/response-list.ts";
import type { ProjectLimits } from "../../store/organization/project-limits.ts";
import type { StoredRequest } from "../../store/response-record.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import { channels } from "../../telemetry/channels.ts";
import { ReplicasMissingError } from "../../stream/log/replica-acknowledgement.ts";
import { currentTraceContext } from "../../telemetry/trace-context.ts";
import { sealItemUrls } from "../content/item-urls.ts";
import { sealSecrets } from "../content/request-secrets.ts";
import { conversationIdOf, lockForResponse } from "../conversations/conversation-lock.ts";
import { removeFromSets } from "../ending/settle-ended-response.ts";
import { indexItems } from "../reading/item-references.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import type { ResponseContext, Storage } from "../storage.ts";
import { acceptInOneStep, addInFlight, type RequestRateState } from "./add-in-flight.ts";
import { type AdmissionLimits, projectLimitsOf } from "./admission-limits.ts";
import { answerApprovals, findAnsweredApprovals } from "./answered-approvals.ts";
import { type QueueableResponse, queueResponse } from "./queue-response.ts";
import { toStoredInput } from "./stored-input.ts";

export interface AcceptedRequest {
  id: string;
  project: string;
  request: ResolvedRequest;
  /** Hash of the Idempotency-Key; '' without one. */
  hash: string;
  ancestors: string[];
  nowMs: number;
  purpose: StoredRequest["purpose"];
  /** Receives the project's rate after this request. */
  rate: RequestRateState;
}

export interface AdmittedResponse {
  id: string;
  /** Whether an earlier request with the same Idempotency-Key created it. */
  isReplay: boolean;
  /** The response in its current state, as JSON. */
  json: string;
}

export async function acceptResponse(
  context: ResponseContext,
  limits: AdmissionLimits,
  accepted: AcceptedRequest,
): Promise<AdmittedResponse> {
  const { storage } = context;
  const { id, project, request } = accepted;
  const { input } = request;
  const namedItems = Array.isArray(input) ? input.filter((item) => item.id != null) : [];
  const record = await createRecord(storage, limits, accepted);
  const encoded = await encodeRecord(record);
  const projectLimits = projectLimitsOf(limits);
  const listTokens = record.readable ? openTokensOf(request) : undefined;
  const addition = { id, project, nowMs: accepted.nowMs, bytes: encoded.bytes, rate: accepted.rate, listTokens };
  const conversationId = conversationIdOf(request);
  const isNew =
    conversationId === undefined && storage.records.canAcceptInOneStep(encoded)
      ? await acceptInOneStep(storage, projectLimits, addition, encoded)
      : await acceptInSteps(context, projectLimits, addition, encoded, conversationId);
  await publishOrRollBack(storage, addition, record.events.length - 1);
  // Concurrent requests with one key arrive here with one id: the queue keeps one job.
  await Promise.all([
    tryEnqueue(context, record),
    answerApprovals(context, record),
    indexItems(storage, id, record, namedItems).catch(warnNotIndexed(context.logger, id)),
  ]);
  if (isNew) reportAcceptance(record);
  return { id, isReplay: !isNew, json: extractResponseJson({ data: record.events[0]! }) };
}

function reportAcceptance(record: Awaited<ReturnType<typeof createRecord>>): void {
  if (!channels.accepted.hasSubscribers) return;
  const { id: responseId, project, model, background } = record;
  channels.accepted.publish({ responseId, project, model, background, queueClass: nameOfClass(record) });
}

async function createRecord(
  storage: Storage,
  limits: AdmissionLimits,
  { id, project, request, hash, ancestors, nowMs, purpose }: AcceptedRequest,
) {
  const slice = new TimeSlice();
  const response = newResponse(id, request, Math.floor(nowMs / 1000));
  const isStored = request.store ?? true;
  const { input, ...rest } = request;
  if (slice.isOver) await slice.yieldToOthers();
  const events = sequenceEvents(0, createOpeningEvents(response));
  if (slice.isOver) await slice.yieldToOthers();
  const sealed = await sealSecrets(storage.sealer, project, rest);
  return {
    id,
    project,
    model: response.model,
    status: response.status,
    background: response.background,
    readable: isStored || response.background,
    stored: isStored,
    ...scheduleOf(request, limits, nowMs),
    continuationId: response.background ? (request.background_options?.continuation_id ?? "") : "",
    createdAtMs: nowMs,
    retentionSeconds: isStored ? limits.retentionSeconds : limits.unstoredRetentionSeconds,
    idempotencyHash: hash,
    conversationId: conversationIdOf(request) ?? "",
    answers: findAnsweredApprovals(input),
    durable: storage.log.initialVisibleEnd,
    ...currentTraceContext(),
    request: { request: sealed, ancestors, ...(purpose && { purpose }) },
    input: await sealItemUrls(storage.sealer, project, await toStoredInput(input)),
    events,
  };
}

/**
 * The queue class and the deadline. A response with a window waits as part of its class until its latest start, and
 * then has as much time as any other response from its acceptance. The reserve is at most the time that a run may take,
 * so the deadline is never before the window's end. The flex tier gets no extra time: its responses stop waiting behind
 * others while at least half of its time is left.
 */
function scheduleOf(request: ResolvedRequest, limits: AdmissionLimits, nowMs: number) {
  const reserveSeconds = Math.min(limits.windowReserveSeconds, limits.deadlineSeconds);
  const flexWaitSeconds = Math.min(limits.flexMaxWaitSeconds, limits.deadlineSeconds / 2);
  const queueClass = queueClassOf(request, nowMs, reserveSeconds * 1000, flexWaitSeconds * 1000);
  const startMs = hasWindow(queueClass) ? queueClass.latestStartMs : nowMs;
  return { ...queueClass, deadlineMs: startMs + limits.deadlineSeconds * 1000 };
}

/** An accepted response is not rejected because of its index: listing its items indexes them again. */
function warnNotIndexed(logger: Logger, id: string): (err: unknown) => void {
  return (err) => logger.warn({ err, responseId: id }, "Accepted, but its items cannot be referenced yet");
}

type RatedAddition = InFlightAddition & { rate: RequestRateState };

/** A request that created nothing is free. */
async function releaseRequest(storage: Storage, { project, rate }: RatedAddition): Promise<void> {
  await storage.projectLimits.releaseRequest(project);
  rate.state = undefined;
}

/** Awaits each step before the next: the sweeper would never find a record that is not in the in-flight set. */
async function acceptInSteps(
  context: ResponseContext,
  limits: ProjectLimits,
  addition: RatedAddition,
  encoded: EncodedRecord,
  conversationId: string | undefined,
): Promise<boolean> {
  await addInFlight(context.storage, limits, addition);
  if (conversationId !== undefined) await lockConversation(context, conversationId, addition);
  return await context.storage.records.writeEncoded(encoded);
}

async function lockConversation(
  { storage, logger }: ResponseContext,
  conversationId: string,
  addition: RatedAddition,
): Promise<void> {
  const { id, project } = addition;
  try {
    await lockForResponse(storage, conversationId, project, id, logger);
  } catch (error) {
    await storage.inFlight.removeEnded(id, project);
    await releaseRequest(storage, addition);
    throw error;
  }
}

/** A record that too few replicas have is not accepted: it is erased, and the client may retry. */
async function publishOrRollBack(storage: Storage, addition: RatedAddition, last: number): Promise<void> {
  const { id } = addition;
  try {
    const { kind } = await storage.log.publishDurable(id, last);
    // A replica without the record was promoted.
    if (kind !== "shown") throw new ReplicasMissingError();
  } catch (error) {
    const memberships = await storage.records.readMemberships(id);
    // A concurrent request with the same key may have published it.
    if (!(await storage.records.eraseUnpublished(id))) return;
    await removeFromSets(storage, id, memberships);
    await releaseRequest(storage, addition);
    throw error;
  }
}

/**
 * The record exists, so the response is accepted even if the queue rejects the job: after an error the client would
 * retry and pay twice. The sweeper enqueues the job later.
 */
async function tryEnqueue(context: ResponseContext, response: QueueableResponse): Promise<void> {
  try {
    await queueResponse(context, response);
  } catch (err) {
    context.logger.warn({ err, responseId: response.id }, "Accepted, but not enqueued yet; the sweeper will");
  }
}
