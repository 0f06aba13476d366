/**
 * What the model is shown: the messages of the prompt, the chain behind `previous_response_id`, oldest first, and the
 * response's own input. What the last compaction in it replaces is replaced already.
 */
import { withoutCutOff } from "../lifecycle/tool-outputs.ts";
import type { CreateRequest } from "../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { InstructionMessage } from "../protocol/items/message.ts";
import type { Response } from "../protocol/response.ts";
import type { StoredRequest } from "../store/response-record.ts";
import { openCompactions } from "./compacted-context.ts";
import { conversationIdOf } from "./conversation-turn.ts";
import { responseJsonOf } from "./read-response.ts";
import { openSecrets } from "./request-secrets.ts";
import { openReasoning } from "./sealed-items.ts";
import type { Storage } from "./storage.ts";

export interface Conversation extends Pick<StoredRequest, "purpose"> {
  project: string;
  /** With its secrets as they were sent. Its instructions are text only: those that are messages are the preamble. */
  request: Omit<StoredRequest["request"], "instructions"> & Pick<CreateRequest, "instructions">;
  /** The messages of the prompt. They come before `input` and are no part of it: nothing later is shown them. */
  preamble: InstructionMessage[];
  /** Which response of the chain behind `previous_response_id` put an item out, by the item's id. */
  origins: ReadonlyMap<string, string>;
  input: (InputItem | OutputItem)[];
  /** The response's own part of `input`: what stands there was said to it and not to one before. */
  own: readonly (InputItem | OutputItem)[];
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
  const [record, stored, own] = await Promise.all([
    storage.records.readEvenDeleted(id),
    storage.records.readRequest(id),
    storage.records.readInput(id),
  ]);
  if (record === undefined || stored === undefined || own === undefined) return undefined;
  const { project } = record;
  const { purpose } = stored;
  const { instructions, ...request } = openSecrets(storage, project, stored.request);
  const before = await loadHistory(storage, stored.ancestors, conversationIdOf(request));
  const input = openItems(storage, project, [...before.items, ...own]);
  const shared = { project, origins: before.origins, input, own, ...(purpose && { purpose }) };
  return Array.isArray(instructions)
    ? { ...shared, request, preamble: instructions }
    : { ...shared, request: { ...request, instructions }, preamble: [] };
}

/** What the model is shown for what is kept. Throws UnreadableContentError for a compaction that does not open. */
export function openItems(
  storage: Storage,
  project: string,
  items: readonly (InputItem | OutputItem)[],
): (InputItem | OutputItem)[] {
  return openReasoning(storage, project, openCompactions(storage, project, withoutCutOff(items)));
}

export interface History {
  /** By the ids of items: which response of the chain put them out. */
  origins: ReadonlyMap<string, string>;
  items: (InputItem | OutputItem)[];
}

/** What stands before a response's own input, oldest first: its conversation, or the chain of `ancestors`. */
export async function loadHistory(
  storage: Storage,
  ancestors: readonly string[],
  conversationId: string | undefined,
): Promise<History> {
  const [links, before] = await Promise.all([
    loadLinks(storage, ancestors),
    conversationId === undefined ? [] : storage.conversations.readItems(conversationId),
  ]);
  return { origins: links.origins, items: [...before, ...links.items] };
}

async function loadLinks(storage: Storage, nearest: readonly string[]): Promise<History> {
  const chain = await storage.chains.walk(nearest);
  const gone = chain.find((link) => link.project === undefined);
  if (gone !== undefined) throw new MissingLinkError(gone.id);
  const ids = chain.map((link) => link.id);
  const turns = await storage.chains.readTurns(ids);
  const origins = new Map<string, string>();
  const items = turns.flatMap(({ id, input, lastEvent }) => {
    if (input === undefined || lastEvent === undefined) throw new MissingLinkError(id);
    const { output } = JSON.parse(responseJsonOf({ data: lastEvent })) as Response;
    for (const item of output) origins.set(item.id, id);
    return [...input, ...output.filter(isUsable)];
  });
  return { origins, items };
}

/** A message that was cut off still says something; a call that was cut off cannot be answered, so it is left out. */
function isUsable(item: OutputItem): boolean {
  return item.type === "message" || item.status !== "incomplete";
}
