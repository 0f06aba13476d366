/** What the model is shown: the chain behind `previous_response_id`, oldest first, and the response's own input. */
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { Response } from "../protocol/response.ts";
import type { StoredRequest } from "../store/response-record.ts";
import { conversationIdOf } from "./conversation-turn.ts";
import { responseJsonOf } from "./read-response.ts";
import type { Storage } from "./storage.ts";

export interface Conversation {
  request: StoredRequest["request"];
  input: (InputItem | OutputItem)[];
}

/** A link of the chain was deleted after this response was accepted. The run cannot say anything sensible without it. */
export class MissingLinkError extends Error {
  override readonly name = "MissingLinkError";
  constructor(id: string) {
    super(`The previous response '${id}' was deleted before this one could use it.`);
  }
}

/** Undefined if the response itself is gone. Links are read by the page, not one after the other. */
export async function loadConversation(storage: Storage, id: string): Promise<Conversation | undefined> {
  const [stored, own] = await Promise.all([storage.records.readRequest(id), storage.records.readInput(id)]);
  if (stored === undefined || own === undefined) return undefined;
  const conversationId = conversationIdOf(stored.request);
  const [links, before] = await Promise.all([
    loadLinks(storage, stored.ancestors),
    conversationId === undefined ? [] : storage.conversations.readItems(conversationId),
  ]);
  return { request: stored.request, input: [...before, ...links, ...own] };
}

async function loadLinks(storage: Storage, nearest: readonly string[]): Promise<(InputItem | OutputItem)[]> {
  const chain = await storage.chains.walk(nearest);
  const gone = chain.find((link) => link.project === undefined);
  if (gone !== undefined) throw new MissingLinkError(gone.id);
  const turns = await storage.chains.readTurns(chain.map((link) => link.id));
  return turns.flatMap(({ id, input, lastEvent }) => {
    if (input === undefined || lastEvent === undefined) throw new MissingLinkError(id);
    const { output } = JSON.parse(responseJsonOf({ data: lastEvent })) as Response;
    return [...input, ...output.filter(isUsable)];
  });
}

/** A message that was cut off still says something; a call that was cut off cannot be answered, so it is left out. */
function isUsable(item: OutputItem): boolean {
  return item.type === "message" || item.status !== "incomplete";
}
