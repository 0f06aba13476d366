/**
 * A response that belongs to a conversation: it locks it when it is accepted, and adds its input and output when it has
 * ended, all at once (contract.md#conversations). However it ends, the lock is freed: by the worker, by whoever ended it from outside,
 * by the sweeper, or by the next request that finds the lock held by a response that is over.
 */
import { conversationLocked, conversationNotFound } from "../../lifecycle/errors/state.ts";
import type { ConversationItem } from "../../protocol/conversation.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import { isTerminalEventType } from "../../protocol/event.ts";
import { isTerminalStatus, type Response } from "../../protocol/response.ts";
import { isRedisUnavailable } from "../../redis/connect.ts";
import { eventTypeOf } from "../../stream/log/event-log-reader.ts";
import { updateConversationUsage } from "./conversation-bytes.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import { restoreInFlight } from "../reading/publish-end.ts";
import type { Storage } from "../storage.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";

export function conversationIdOf(request: Pick<CreateRequest, "conversation">): string | undefined {
  const { conversation } = request;
  return (typeof conversation === "string" ? conversation : conversation?.id) ?? undefined;
}

/** Takes the lock, or throws what the contract answers. The response's id must be in the open set already. */
export async function lockForResponse(
  storage: Storage,
  id: string,
  project: string,
  responseId: string,
): Promise<void> {
  if ((await storage.conversations.readOwned(id, project)) === undefined) throw conversationNotFound(id);
  let locked = await storage.conversations.lock(id, responseId);
  if (locked.kind === "busy" && (await unlockIfEnded(storage, id, locked.holder))) {
    locked = await storage.conversations.lock(id, responseId);
  }
  if (locked.kind === "gone") throw conversationNotFound(id);
  if (locked.kind === "busy") throw conversationLocked();
}

/** Ends the turn of a holder that is over. A holder that died before it was recorded is not open any more either. */
export async function unlockIfEnded(storage: Storage, id: string, holder: string): Promise<boolean> {
  const record = await storage.records.readIncludingDeleted(holder).catch(async (error: unknown) => {
    if (isRedisUnavailable(error) || (await storage.inFlight.acceptedAtMs(holder)) !== undefined) throw error;
    // Given up (abandon-response.ts), when nobody could read which conversation it held.
    storage.logger.error(
      { err: error, conversationId: id, responseId: holder },
      "Freed a conversation without its turn",
    );
    await storage.conversations.appendAndUnlock(id, holder, []);
    return undefined;
  });
  if (record === undefined && (await storage.inFlight.acceptedAtMs(holder)) !== undefined) return false;
  if (record !== undefined && !isTerminalStatus(record.status)) {
    await restoreInFlight(storage, holder, record);
    return false;
  }
  await appendAndUnlock(storage, id, holder);
  return true;
}

/** After the terminal event, which `ended` saves reading again. Failed and cancelled responses leave nothing in the conversation but a free lock. */
export async function appendAndUnlock(
  storage: Storage,
  id: string,
  responseId: string,
  ended?: Response,
): Promise<void> {
  // One whose turn was added, or given up, is not read again: what could not be read must not hold up its deletion.
  if (!(await storage.conversations.isHeldBy(id, responseId))) return;
  const items = await readItemsToAppend(storage, responseId, ended);
  if (items === undefined) return;
  await storage.conversations.appendAndUnlock(id, responseId, items);
  await updateConversationUsage(storage, id);
}

/** Undefined if the response runs: this primary was promoted without its end. */
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
  const isKept = response.status === "completed" || response.status === "incomplete";
  return isKept ? [...input.map(normalizeConversationItem), ...(response.output as ConversationItem[])] : [];
}

/** Messages are listed with their content as parts and a status, however they were sent. */
export function normalizeConversationItem(item: ConversationItem): ConversationItem {
  if (item.type !== "message") return item;
  const { content } = item;
  const type = item.role === "assistant" ? "output_text" : "input_text";
  const text =
    type === "output_text" ? { type, text: content, annotations: [], logprobs: [] } : { type, text: content };
  const parts = typeof content === "string" ? [text] : content;
  return { ...item, status: item.status ?? "completed", content: parts } as ConversationItem;
}
