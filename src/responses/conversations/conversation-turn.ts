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
import { typeOf } from "../../stream/log/event-log.ts";
import { settleConversation } from "./conversation-bytes.ts";
import { responseJsonOf } from "../reading/read-response.ts";
import { reopenIfLost } from "../reading/show-end.ts";
import type { Storage } from "../storage.ts";
import { parseInTurns } from "../../concurrency/parse-in-turns.ts";

export function conversationIdOf(request: Pick<CreateRequest, "conversation">): string | undefined {
  const { conversation } = request;
  return (typeof conversation === "string" ? conversation : conversation?.id) ?? undefined;
}

/** Takes the lock, or throws what the contract answers. The response's id must be in the open set already. */
export async function beginTurn(storage: Storage, id: string, project: string, responseId: string): Promise<void> {
  if ((await storage.conversations.readOwned(id, project)) === undefined) throw conversationNotFound(id);
  let locked = await storage.conversations.lock(id, responseId);
  if (locked.kind === "busy" && (await releaseIfOver(storage, id, locked.holder))) {
    locked = await storage.conversations.lock(id, responseId);
  }
  if (locked.kind === "gone") throw conversationNotFound(id);
  if (locked.kind === "busy") throw conversationLocked();
}

/** Ends the turn of a holder that is over. A holder that died before it was recorded is not open any more either. */
export async function releaseIfOver(storage: Storage, id: string, holder: string): Promise<boolean> {
  const record = await storage.records.readEvenDeleted(holder).catch(async (error: unknown) => {
    if (isRedisUnavailable(error) || (await storage.open.acceptedAtMs(holder)) !== undefined) throw error;
    // Given up (abandon-response.ts), when nobody could read which conversation it held.
    storage.logger.error(
      { err: error, conversationId: id, responseId: holder },
      "Freed a conversation without its turn",
    );
    await storage.conversations.endTurn(id, holder, []);
    return undefined;
  });
  if (record === undefined && (await storage.open.acceptedAtMs(holder)) !== undefined) return false;
  if (record !== undefined && !isTerminalStatus(record.status)) {
    await reopenIfLost(storage, holder, record);
    return false;
  }
  await endTurn(storage, id, holder);
  return true;
}

/** After the terminal event. Failed and cancelled responses leave nothing in the conversation but a free lock. */
export async function endTurn(storage: Storage, id: string, responseId: string): Promise<void> {
  // One whose turn was added, or given up, is not read again: what could not be read must not hold up its deletion.
  if (!(await storage.conversations.isHeldBy(id, responseId))) return;
  const turn = await readTurn(storage, responseId);
  if (turn === undefined) return;
  await storage.conversations.endTurn(id, responseId, turn);
  await settleConversation(storage, id);
}

/** Undefined if the response runs: this primary was promoted without its end. */
async function readTurn(storage: Storage, responseId: string): Promise<ConversationItem[] | undefined> {
  const [last, input] = await Promise.all([
    storage.writersReader.readLast(responseId),
    storage.records.readInput(responseId),
  ]);
  if (last === undefined || input === undefined) return [];
  if (!isTerminalEventType(typeOf(last.data))) return undefined;
  const response = await parseInTurns<Response>(responseJsonOf(last));
  const isKept = response.status === "completed" || response.status === "incomplete";
  return isKept ? [...input.map(asListedItem), ...(response.output as ConversationItem[])] : [];
}

/** Messages are listed with their content as parts and a status, however they were sent. */
export function asListedItem(item: ConversationItem): ConversationItem {
  if (item.type !== "message") return item;
  const { content } = item;
  const type = item.role === "assistant" ? "output_text" : "input_text";
  const text =
    type === "output_text" ? { type, text: content, annotations: [], logprobs: [] } : { type, text: content };
  const parts = typeof content === "string" ? [text] : content;
  return { ...item, status: item.status ?? "completed", content: parts } as ConversationItem;
}
