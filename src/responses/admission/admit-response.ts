/**
 * Admission: from a valid request to a response that will end, whatever dies. The order is the promise: the id enters
 * the set of open responses before its record exists or in the same step, and the record exists before the job. A crash at any line leaves
 * something that the sweeper finds and finishes (workers/jobs/response-sweeper.ts).
 */
import { checkWindow } from "../../lifecycle/completion-window.ts";
import { malformedPreviousResponseId } from "../../lifecycle/errors/requests.ts";
import { previousResponseNotFound, previousResponseUnfinished, toolUnavailable } from "../../lifecycle/errors/state.ts";
import { newResponse, openingEvents } from "../../lifecycle/new-response.ts";
import type { CreateRequest, ResolvedRequest } from "../../protocol/create-request.ts";
import { idForUnnamed } from "../../protocol/id.ts";
import type { InputItem, StoredInputItem } from "../../protocol/item.ts";
import { isTerminalStatus } from "../../protocol/response.ts";
import type { PromptCatalog } from "../../prompts/prompt-catalog.ts";
import { resolvePrompt } from "../../prompts/resolve-prompt.ts";
import type { UnavailableTool } from "../../providers/server-tools.ts";
import { classOf, hasWindow } from "../../queue/queue-class.ts";
import { isAcceptedAtOnce } from "../../store/accept-record.ts";
import { encodeRecord, type EncodedRecord } from "../../store/encoded-record.ts";
import type { EnteringResponse, ProjectBounds } from "../../store/open-responses.ts";
import { linksBehind } from "../../store/response-chain.ts";
import type { StoredRequest } from "../../store/response-record.ts";
import { sequenceEvents } from "../../stream/log/event-log.ts";
import { mapInTurns, Turns } from "../../concurrency/turns.ts";
import { ReplicasMissingError } from "../../stream/log/replica-acknowledgement.ts";
import { beginTurn, conversationIdOf } from "../conversations/conversation-turn.ts";
import { checkConversation, checkInput } from "./check-input.ts";
import { type Allowance, createWithin } from "./allowance.ts";
import { claimId, freeClaim, keepClaim } from "./claim-id.ts";
import { takeTrigger } from "./compaction-trigger.ts";
import { acceptAtOnce, enterOpen } from "./enter-open.ts";
import { indexItems, resolveInput } from "../reading/item-references.ts";
import { sealItemUrls } from "../content/item-urls.ts";
import { sealSecrets } from "../content/request-secrets.ts";
import { leaveSets } from "../ending/leave-open.ts";
import { type Queueable, queueResponse } from "./queue-response.ts";
import { readResponse, responseJsonOf } from "../reading/read-response.ts";
import type { Storage } from "../storage.ts";

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

export interface Admission {
  project: string;
  /** As it was sent: an Idempotency-Key is compared with this, whatever the prompt says by then. */
  request: CreateRequest;
  idempotencyKey: string | undefined;
  prompts: PromptCatalog;
  /** Of the request's tools, or its prompt's, one that neither the provider nor this server can run. */
  unavailableTool?: (request: ResolvedRequest) => UnavailableTool | undefined;
  purpose?: StoredRequest["purpose"];
  /** What of it is used up: only what becomes a response. */
  allowance?: Allowance;
}

export interface Admitted {
  id: string;
  /** True if an earlier request with the same Idempotency-Key made it. */
  isReplay: boolean;
  /** The response as it is now, as JSON. */
  json: string;
}

export async function admitResponse(
  storage: Storage,
  limits: AdmissionLimits,
  admission: Admission,
): Promise<Admitted> {
  const { project, request } = admission;
  const nowMs = storage.clock.nowMs();
  const claim = await claimId(storage, limits.maxOpenResponses, admission);
  const { id } = claim;
  const before = claim.isReplay ? await readResponse(storage, id) : undefined;
  if (before !== undefined) return { id, isReplay: true, json: before.json };
  try {
    await checkConversation(storage, request, project);
    const prompted = resolvePrompt(admission.prompts, request);
    // Once more: the tier may be the prompt's.
    checkWindow(prompted);
    refuseUnavailable(admission.unavailableTool?.(prompted));
    const ancestors = await resolveAncestors(storage, project, request.previous_response_id);
    const { request: said, isTriggered } = takeTrigger(prompted);
    const resolved = await resolveInput(storage, project, said, limits.maxBodyBytes);
    await checkInput(storage, resolved, project);
    const purpose = isTriggered ? "compact" : admission.purpose;
    const accepted = { ...claim, project, request: resolved, ancestors, nowMs, purpose };
    const accept = () => recordAndEnqueue(storage, limits, accepted);
    const admitted = await (admission.allowance === undefined ? accept() : createWithin(admission.allowance, accept));
    if (claim.isReplay) await keepClaim(storage, claim);
    return admitted;
  } catch (error) {
    await freeClaim(storage, claim);
    throw error;
  }
}

function refuseUnavailable(tool: UnavailableTool | undefined): void {
  if (tool !== undefined) throw toolUnavailable(tool.place, tool.type, tool.reason);
}

interface Accepted {
  id: string;
  project: string;
  request: ResolvedRequest;
  hash: string;
  ancestors: string[];
  nowMs: number;
  purpose: StoredRequest["purpose"];
}

async function recordAndEnqueue(
  storage: Storage,
  limits: AdmissionLimits,
  { id, project, request, hash, ancestors, nowMs, purpose }: Accepted,
): Promise<Admitted> {
  const turns = new Turns();
  const response = newResponse(id, request, Math.floor(nowMs / 1000));
  const isStored = request.store ?? true;
  const placed = placeInTime(request, limits, nowMs);
  const continuationId = response.background ? (request.background_options?.continuation_id ?? "") : "";
  const { input, ...rest } = request;
  const named = Array.isArray(input) ? input.filter((item) => item.id != null) : [];
  if (turns.isOver) await turns.next();
  const events = sequenceEvents(0, openingEvents(response));
  if (turns.isOver) await turns.next();
  const sealed = await sealSecrets(storage.sealer, project, rest);
  const conversationId = conversationIdOf(request);
  const record = {
    id,
    project,
    status: response.status,
    background: response.background,
    readable: isStored || response.background,
    stored: isStored,
    ...placed,
    continuationId,
    createdAtMs: nowMs,
    retentionSeconds: isStored ? limits.retentionSeconds : limits.unstoredRetentionSeconds,
    idempotencyHash: hash,
    conversationId: conversationId ?? "",
    durable: storage.log.initiallyDurable,
    request: { request: sealed, ancestors, ...(purpose && { purpose }) },
    input: await sealItemUrls(storage.sealer, project, await storedInput(input)),
    events,
  };
  const encoded = await encodeRecord(record);
  const bounds = { maxOpen: limits.maxOpenPerProject, maxStoredBytes: limits.maxStoredBytesPerProject };
  const entering = { id, project, nowMs, bytes: encoded.bytes };
  const isNew =
    conversationId === undefined && isAcceptedAtOnce(storage.layout, encoded)
      ? await acceptAtOnce(storage, bounds, entering, encoded)
      : await acceptInSteps(storage, bounds, entering, encoded, conversationId);
  await publishOrTakeBack(storage, id, events.length - 1);
  // Of two requests with one key at the same moment both may come here, under one id: the queue keeps one job.
  await Promise.all([
    enqueueSoon(storage, record),
    indexItems(storage, id, record, named).catch(logUnindexed(storage, id)),
  ]);
  return { id, isReplay: !isNew, json: responseJsonOf({ data: events[0]! }) };
}

/**
 * Its class, and when it is failed if it is not over. One with a window has as long from its latest start, when it becomes
 * an ordinary one, as any other from its acceptance: while it waited for others, no time of its own has passed. No more is
 * reserved than a run may take, so the deadline is never before the window's end. One of the flex tier has no more time
 * than others: it stops waiting behind them while at least half of it is left.
 */
function placeInTime(request: ResolvedRequest, limits: AdmissionLimits, nowMs: number) {
  const reserveSeconds = Math.min(limits.windowReserveSeconds, limits.deadlineSeconds);
  const flexWaitSeconds = Math.min(limits.flexMaxWaitSeconds, limits.deadlineSeconds / 2);
  const placed = classOf(request, nowMs, reserveSeconds * 1000, flexWaitSeconds * 1000);
  const beginMs = hasWindow(placed) ? placed.latestStartMs : nowMs;
  return { ...placed, deadlineMs: beginMs + limits.deadlineSeconds * 1000 };
}

/** No reason to refuse what is accepted: its listing makes the same items known. */
function logUnindexed(storage: Storage, id: string): (err: unknown) => void {
  return (err) => storage.logger.warn({ err, responseId: id }, "Accepted, but its items cannot be referenced yet");
}

/** Each step is awaited before the next: a record that is not known to be open would be nobody's to finish. */
async function acceptInSteps(
  storage: Storage,
  bounds: ProjectBounds,
  entering: EnteringResponse,
  encoded: EncodedRecord,
  conversationId: string | undefined,
): Promise<boolean> {
  await enterOpen(storage, bounds, entering);
  if (conversationId !== undefined) await lockConversation(storage, conversationId, entering.project, entering.id);
  return await storage.records.write(encoded);
}

async function lockConversation(storage: Storage, conversationId: string, project: string, id: string): Promise<void> {
  try {
    await beginTurn(storage, conversationId, project, id);
  } catch (error) {
    await storage.open.leave(id, project);
    throw error;
  }
}

/** What no replica has was not accepted: nothing of it stays, and the client may send it again. */
async function publishOrTakeBack(storage: Storage, id: string, last: number): Promise<void> {
  try {
    const { kind } = await storage.log.publishDurable(id, last);
    // A primary was promoted that does not have it.
    if (kind !== "shown") throw new ReplicasMissingError();
  } catch (error) {
    const belonging = await storage.records.readBelonging(id);
    // Another request with the same key was told that it is accepted.
    if (!(await storage.records.eraseUnshown(id))) return;
    await leaveSets(storage, id, belonging);
    throw error;
  }
}

/**
 * The record exists, so the response is accepted whether or not the queue takes the job now: answering an error would
 * make the client send it again and pay twice. The sweeper enqueues it when it can.
 */
async function enqueueSoon(storage: Storage, response: Queueable): Promise<void> {
  try {
    await queueResponse(storage, response);
  } catch (err) {
    storage.logger.warn({ err, responseId: response.id }, "Accepted, but not enqueued yet; the sweeper will");
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
  return linksBehind(nearest, previousId);
}

/** Items as they are kept and listed: a string is one user message, and every item has an id (contract.md#lists). */
export async function storedInput(input: CreateRequest["input"]): Promise<StoredInputItem[]> {
  if (input === undefined) return [];
  const items: InputItem[] =
    typeof input === "string"
      ? [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }]
      : input;
  return await mapInTurns(items, (item) => Object.assign(item, { id: item.id ?? idForUnnamed(item.type) }));
}
