/**
 * A response locks its conversation at admission, and adds its input and output in one step when it ends
 * (contract.md#conversations). The lock never outlives the response: the worker, the process that ends the response from
 * outside, the sweeper, or the next request for the conversation releases it.
 */
import type { Logger } from "pino";
import { conversationLocked, conversationNotFound } from "../../lifecycle/errors/state.ts";
import type { ConversationItem } from "../../protocol/conversation.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import { isTerminalEventType } from "../../protocol/event.ts";
import { isTerminalStatus, type Response } from "../../protocol/response.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import { eventTypeOf } from "../../stream/log/event-log-reader.ts";
import { normalizeConversationItem } from "./conversation-items.ts";
import { updateConversationUsage } from "./conversation-bytes.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import { restoreInFlight } from "../reading/publish-durable-end.ts";
import type { Storage } from "../storage.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";

export function conversationIdOf(request: Pick<CreateRequest, "conversation">): string | undefined {
  const { conversation } = request;
  return (typeof conversation === "string" ? conversation : conversation?.id) ?? undefined;
}

/** Acquires the lock or throws the contract's error. The response must be in the in-flight set already. */
export async function lockForResponse(
  storage: Storage,
  id: string,
  project: string,
  responseId: string,
  logger: Logger,
): Promise<void> {
  if ((await storage.conversations.readOwned(id, project)) === undefined) throw conversationNotFound(id);
  let locked = await lock(storage, id, project, responseId);
  if (locked.kind === "busy" && (await unlockIfEnded(storage, id, locked.holder, logger))) {
    locked = await storage.conversations.lock(id, responseId);
  }
  if (locked.kind === "gone") throw conversationNotFound(id);
  if (locked.kind === "busy") throw conversationLocked();
}

/** A locked conversation does not expire, so it stays listed. */
async function lock(storage: Storage, id: string, project: string, responseId: string) {
  const { conversations, conversationList, conversationIdleSeconds } = storage;
  const [locked] = await Promise.all([
    conversations.lock(id, responseId),
    conversationIdleSeconds > 0 && conversationList.setExpiry(project, id, undefined),
  ]);
  if (locked.kind === "gone") await conversationList.remove(project, id);
  return locked;
}

/** Completes the turn of a holder that has ended or was never recorded. False if the holder still runs. */
export async function unlockIfEnded(storage: Storage, id: string, holder: string, logger: Logger): Promise<boolean> {
  const record = await storage.records.readIncludingDeleted(holder).catch(async (error: unknown) => {
    if (isRedisUnavailable(error) || (await storage.inFlight.acceptedAtMs(holder)) !== undefined) throw error;
    // The sweeper abandoned the holder without reading which conversation it held (src/responses/ending/abandon-response.ts).
    logger.error(
      { err: error, conversationId: id, responseId: holder },
      "Unlocked a conversation without the turn of its last response",
    );
    await storage.conversations.appendAndUnlock(id, holder, []);
    return undefined;
  });
  if (record === undefined && (await storage.inFlight.acceptedAtMs(holder)) !== undefined) return false;
  if (record !== undefined && !isTerminalStatus(record.status)) {
    await restoreInFlight(storage, holder, record, logger);
    return false;
  }
  await appendAndUnlock(storage, id, holder);
  return true;
}

/**
 * Call after the terminal event. Failed and cancelled responses add nothing and only release the lock. `ended` is the
 * terminal response, if known: otherwise it is read from the log.
 */
export async function appendAndUnlock(
  storage: Storage,
  id: string,
  responseId: string,
  ended?: Response,
): Promise<void> {
  // An unreadable response that was abandoned can still be deleted, because it is not read here.
  if (!(await storage.conversations.isHeldBy(id, responseId))) return;
  const items = await readItemsToAppend(storage, responseId, ended);
  if (items === undefined) return;
  await storage.conversations.appendAndUnlock(id, responseId, items);
  await updateConversationUsage(storage, id);
}

/** Undefined if the response runs, because a replica without its end was promoted. */
async function readItemsToAppend(
  storage: Storage,
  responseId: string,
  ended: Response | undefined,
): Promise<ConversationItem[] | undefined> {
  const [last, input] = await Promise.all([
    ended === undefined ? storage.fullLogReader.readLast(responseId) : undefined,
    storage.records.readInput(responseId),
  ]);
  if (input === undefined) return [];
  if (ended !== undefined) return toConversationItems(input, ended);
  if (last === undefined) return [];
  if (!isTerminalEventType(eventTypeOf(last.data))) return undefined;
  return toConversationItems(input, await parseInSlices<Response>(extractResponseJson(last)));
}

function toConversationItems(input: readonly ConversationItem[], response: Response): ConversationItem[] {
  const hasResult = response.status === "completed" || response.status === "incomplete";
  return hasResult ? [...input.map(normalizeConversationItem), ...(response.output as ConversationItem[])] : [];
}
