/**
 * Admission: from a valid request to a response that will end, whatever dies. The order is the promise: the id enters
 * the set of open responses before its record exists or in the same step, and the record exists before the job. A crash at any line leaves
 * something that the sweeper finds and finishes (workers/jobs/response-sweeper.ts).
 */
import type { Logger } from "pino";
import { checkCompletionWindow } from "../../lifecycle/completion-window.ts";
import { malformedPreviousResponseId } from "../../lifecycle/errors/requests.ts";
import { previousResponseNotFound, previousResponseUnfinished, toolUnavailable } from "../../lifecycle/errors/state.ts";
import { newResponse, createOpeningEvents } from "../../lifecycle/new-response.ts";
import type { CreateRequest, ResolvedRequest } from "../../protocol/create-request.ts";
import { createIdForUnnamed } from "../../protocol/id.ts";
import type { InputItem, StoredInputItem } from "../../protocol/item.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import type { PromptCatalog } from "../../prompts/prompt-catalog.ts";
import { resolvePrompt } from "../../prompts/resolve-prompt.ts";
import type { UnavailableTool } from "../../providers/unavailable-tools.ts";
import { queueClassOf, hasWindow } from "../../queue/queue-class.ts";
import { encodeRecord, type EncodedRecord } from "../../store/encoded-record.ts";
import type { InFlightAddition, ProjectLimits } from "../../store/in-flight-responses.ts";
import { nearestLinksFor } from "../../store/response-chain.ts";
import type { StoredRequest } from "../../store/response-record.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import { mapInSlices, TimeSlice } from "../../concurrency/time-slice.ts";
import { ReplicasMissingError } from "../../stream/log/replica-acknowledgement.ts";
import { lockForResponse, conversationIdOf } from "../conversations/conversation-lock.ts";
import { checkConversation, checkInput } from "./check-input.ts";
import { type RateLimitPermit, createWithPermit } from "./rate-limit-permit.ts";
import { claimIdempotencyKey, releaseClaim, confirmClaim } from "./idempotency-claim.ts";
import { extractCompactionTrigger } from "./compaction-trigger.ts";
import { acceptInOneStep, addInFlight } from "./add-in-flight.ts";
import { indexItems, resolveInputReferences } from "../reading/item-references.ts";
import { sealItemUrls } from "../content/item-urls.ts";
import { sealSecrets } from "../content/request-secrets.ts";
import { removeFromSets } from "../ending/remove-in-flight.ts";
import { type QueueableResponse, queueResponse } from "./queue-response.ts";
import { readResponse, extractResponseJson } from "../reading/read-response.ts";
import type { ResponseContext, Storage } from "../storage.ts";

export interface AdmissionLimits {
  /** What items may take that references name. */
  maxBodyBytes: number;
  maxOpenResponses: number;
  /** 0 is no bound: of this one and of the next. */
  maxOpenPerProject: number;
  maxStoredBytesPerProject: number;
  retentionSeconds: number;
  unstoredRetentionSeconds: number;
  deadlineSeconds: number;
  /** How long before the end of its completion window a response must start. */
  windowReserveSeconds: number;
  /** For how long a response of the flex tier waits behind others. */
  flexMaxWaitSeconds: number;
}

export interface AdmissionRequest {
  project: string;
  /** As it was sent: an Idempotency-Key is compared with this, whatever the prompt says by then. */
  request: CreateRequest;
  idempotencyKey: string | undefined;
  prompts: PromptCatalog;
  /** Of the request's tools, or its prompt's, one that neither the provider nor this server can run. */
  unavailableTool?: (request: ResolvedRequest) => UnavailableTool | undefined;
  purpose?: StoredRequest["purpose"];
  /** What of it is used up: only what becomes a response. */
  allowance?: RateLimitPermit;
}

export interface AdmittedResponse {
  id: string;
  /** True if an earlier request with the same Idempotency-Key made it. */
  isReplay: boolean;
  /** The response as it is now, as JSON. */
  json: string;
}

export async function admitResponse(
  context: ResponseContext,
  limits: AdmissionLimits,
  admission: AdmissionRequest,
): Promise<AdmittedResponse> {
  const { storage } = context;
  const { project, request } = admission;
  const nowMs = storage.clock.nowMs();
  const claim = await claimIdempotencyKey(storage, limits.maxOpenResponses, admission);
  const { id } = claim;
  const before = claim.isReplay ? await readResponse(storage, id) : undefined;
  if (before !== undefined) return { id, isReplay: true, json: before.json };
  try {
    await checkConversation(storage, request, project);
    const prompted = resolvePrompt(admission.prompts, request);
    // Once more: the tier may be the prompt's.
    checkCompletionWindow(prompted);
    rejectUnavailableTool(admission.unavailableTool?.(prompted));
    const ancestors = await resolveAncestors(storage, project, request.previous_response_id);
    const { request: withoutTrigger, isTriggered } = extractCompactionTrigger(prompted);
    const resolved = await resolveInputReferences(storage, project, withoutTrigger, limits.maxBodyBytes);
    await checkInput(storage, resolved, project);
    const purpose = isTriggered ? "compact" : admission.purpose;
    const accepted = { ...claim, project, request: resolved, ancestors, nowMs, purpose };
    const accept = () => recordAndEnqueue(context, limits, accepted);
    const admitted = await (admission.allowance === undefined
      ? accept()
      : createWithPermit(admission.allowance, accept));
    if (claim.isReplay) await confirmClaim(storage, claim);
    return admitted;
  } catch (error) {
    await releaseClaim(storage, claim);
    throw error;
  }
}

function rejectUnavailableTool(tool: UnavailableTool | undefined): void {
  if (tool !== undefined) throw toolUnavailable(tool.index, tool.type, tool.reason);
}

interface AcceptedRequest {
  id: string;
  project: string;
  request: ResolvedRequest;
  hash: string;
  ancestors: string[];
  nowMs: number;
  purpose: StoredRequest["purpose"];
}

async function recordAndEnqueue(
  context: ResponseContext,
  limits: AdmissionLimits,
  { id, project, request, hash, ancestors, nowMs, purpose }: AcceptedRequest,
): Promise<AdmittedResponse> {
  const { storage } = context;
  const slice = new TimeSlice();
  const response = newResponse(id, request, Math.floor(nowMs / 1000));
  const isStored = request.store ?? true;
  const schedule = scheduleOf(request, limits, nowMs);
  const continuationId = response.background ? (request.background_options?.continuation_id ?? "") : "";
  const { input, ...rest } = request;
  const namedItems = Array.isArray(input) ? input.filter((item) => item.id != null) : [];
  if (slice.isOver) await slice.yieldToOthers();
  const events = sequenceEvents(0, createOpeningEvents(response));
  if (slice.isOver) await slice.yieldToOthers();
  const sealed = await sealSecrets(storage.sealer, project, rest);
  const conversationId = conversationIdOf(request);
  const record = {
    id,
    project,
    status: response.status,
    background: response.background,
    readable: isStored || response.background,
    stored: isStored,
    ...schedule,
    continuationId,
    createdAtMs: nowMs,
    retentionSeconds: isStored ? limits.retentionSeconds : limits.unstoredRetentionSeconds,
    idempotencyHash: hash,
    conversationId: conversationId ?? "",
    durable: storage.log.initialVisibleEnd,
    request: { request: sealed, ancestors, ...(purpose && { purpose }) },
    input: await sealItemUrls(storage.sealer, project, await toStoredInput(input)),
    events,
  };
  const encoded = await encodeRecord(record);
  const projectLimits = { maxOpen: limits.maxOpenPerProject, maxStoredBytes: limits.maxStoredBytesPerProject };
  const addition = { id, project, nowMs, bytes: encoded.bytes };
  const isNew =
    conversationId === undefined && storage.records.canAcceptInOneStep(encoded)
      ? await acceptInOneStep(storage, projectLimits, addition, encoded)
      : await acceptInSteps(context, projectLimits, addition, encoded, conversationId);
  await publishOrRollBack(storage, id, events.length - 1);
  // Of two requests with one key at the same moment both may come here, under one id: the queue keeps one job.
  await Promise.all([
    tryEnqueue(context, record),
    indexItems(storage, id, record, namedItems).catch(warnNotIndexed(context.logger, id)),
  ]);
  return { id, isReplay: !isNew, json: extractResponseJson({ data: events[0]! }) };
}

/**
 * Its class, and when it is failed if it is not over. One with a window has as long from its latest start, when it becomes
 * an ordinary one, as any other from its acceptance: while it waited for others, no time of its own has passed. No more is
 * reserved than a run may take, so the deadline is never before the window's end. One of the flex tier has no more time
 * than others: it stops waiting behind them while at least half of it is left.
 */
function scheduleOf(request: ResolvedRequest, limits: AdmissionLimits, nowMs: number) {
  const reserveSeconds = Math.min(limits.windowReserveSeconds, limits.deadlineSeconds);
  const flexWaitSeconds = Math.min(limits.flexMaxWaitSeconds, limits.deadlineSeconds / 2);
  const queueClass = queueClassOf(request, nowMs, reserveSeconds * 1000, flexWaitSeconds * 1000);
  const beginMs = hasWindow(queueClass) ? queueClass.latestStartMs : nowMs;
  return { ...queueClass, deadlineMs: beginMs + limits.deadlineSeconds * 1000 };
}

/** No reason to refuse what is accepted: its listing makes the same items known. */
function warnNotIndexed(logger: Logger, id: string): (err: unknown) => void {
  return (err) => logger.warn({ err, responseId: id }, "Accepted, but its items cannot be referenced yet");
}

/** Each step is awaited before the next: a record that is not known to be open would be nobody's to finish. */
async function acceptInSteps(
  context: ResponseContext,
  limits: ProjectLimits,
  addition: InFlightAddition,
  encoded: EncodedRecord,
  conversationId: string | undefined,
): Promise<boolean> {
  await addInFlight(context.storage, limits, addition);
  if (conversationId !== undefined) await lockConversation(context, conversationId, addition.project, addition.id);
  return await context.storage.records.writeEncoded(encoded);
}

async function lockConversation(
  { storage, logger }: ResponseContext,
  conversationId: string,
  project: string,
  id: string,
): Promise<void> {
  try {
    await lockForResponse(storage, conversationId, project, id, logger);
  } catch (error) {
    await storage.inFlight.removeEnded(id, project);
    throw error;
  }
}

/** What no replica has was not accepted: nothing of it stays, and the client may send it again. */
async function publishOrRollBack(storage: Storage, id: string, last: number): Promise<void> {
  try {
    const { kind } = await storage.log.publishDurable(id, last);
    // A primary was promoted that does not have it.
    if (kind !== "shown") throw new ReplicasMissingError();
  } catch (error) {
    const belonging = await storage.records.readMemberships(id);
    // Another request with the same key was told that it is accepted.
    if (!(await storage.records.eraseUnpublished(id))) return;
    await removeFromSets(storage, id, belonging);
    throw error;
  }
}

/**
 * The record exists, so the response is accepted whether or not the queue takes the job now: answering an error would
 * make the client send it again and pay twice. The sweeper enqueues it when it can.
 */
async function tryEnqueue(context: ResponseContext, response: QueueableResponse): Promise<void> {
  try {
    await queueResponse(context, response);
  } catch (err) {
    context.logger.warn({ err, responseId: response.id }, "Accepted, but not enqueued yet; the sweeper will");
  }
}

/** What the response keeps of the chain behind `previous_response_id`. A link that is missing is named, not left out. */
export async function resolveAncestors(
  storage: Storage,
  project: string,
  previousId: string | null | undefined,
): Promise<string[]> {
  if (previousId === null || previousId === undefined) return [];
  if (!previousId.startsWith("resp")) throw malformedPreviousResponseId(previousId);
  const [previous, nearest] = await Promise.all([
    storage.records.readOwned(previousId, project),
    storage.chains.readNearest(previousId),
  ]);
  if (previous?.stored !== true || nearest === undefined) throw previousResponseNotFound(previousId);
  if (!isTerminalStatus(previous.status)) throw previousResponseUnfinished(previousId, previous.status);
  const missing = (await storage.chains.walk(nearest)).find((link) => link.project !== project);
  if (missing !== undefined) throw previousResponseNotFound(missing.id);
  return nearestLinksFor(nearest, previousId);
}

/** Items as they are kept and listed: a string is one user message, and every item has an id (contract.md#lists). */
export async function toStoredInput(input: CreateRequest["input"]): Promise<StoredInputItem[]> {
  if (input === undefined) return [];
  const items: InputItem[] =
    typeof input === "string"
      ? [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }]
      : input;
  return await mapInSlices(items, (item) => Object.assign(item, { id: item.id ?? createIdForUnnamed(item.type) }));
}
