/**
 * What the model is shown: the messages of the prompt, the chain behind `previous_response_id`, oldest first, and the
 * response's own input. What the last compaction in it replaces is replaced already.
 */
import { withoutIncompleteItems } from "../../lifecycle/unanswered-calls.ts";
import type { ConversationItem } from "../../protocol/conversation.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import type { InstructionMessage } from "../../protocol/items/message.ts";
import type { Response } from "../../protocol/response.ts";
import type { StoredRequest } from "../../store/response-record.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import { unsealCompactions } from "../content/compacted-context.ts";
import { conversationIdOf } from "./conversation-lock.ts";
import { extractResponseJson } from "../reading/read-response.ts";
import { unsealItemUrls } from "../content/item-urls.ts";
import { unsealSecrets } from "../content/request-secrets.ts";
import { unsealReasoning } from "../content/sealed-items.ts";
import type { Storage } from "../storage.ts";

export interface ModelInput extends Pick<StoredRequest, "purpose"> {
  project: string;
  /** With its secrets as they were sent. Its instructions are text only: those that are messages are the preamble. */
  request: Omit<StoredRequest["request"], "instructions"> & Pick<CreateRequest, "instructions">;
  /** The messages of the prompt. They come before `input` and are no part of it: nothing later is shown them. */
  preamble: InstructionMessage[];
  /** Which response of the chain behind `previous_response_id` put an item out, by the item's id. */
  origins: ReadonlyMap<string, string>;
  input: (InputItem | OutputItem)[];
  /** The response's own part of `input`: what stands there was said to it and not to one before. */
  requestItems: readonly (InputItem | OutputItem)[];
}

/** What a response goes on from was deleted after it was accepted. The run cannot say anything sensible without it. */
export class MissingHistoryError extends Error {
  override readonly name = "MissingHistoryError";
  constructor(what: "conversation" | "previous response", id: string) {
    super(`The ${what} '${id}' was deleted before this response could use it.`);
  }
}

/** Undefined if the response itself is gone. A known `project` saves reading the record. Links are read by the page, not one after the other. */
export async function loadModelInput(
  storage: Storage,
  id: string,
  knownProject?: string,
): Promise<ModelInput | undefined> {
  const [project, stored, own] = await Promise.all([
    knownProject ?? storage.records.readIncludingDeleted(id).then((record) => record?.project),
    storage.records.readRequest(id),
    storage.records.readInput(id),
  ]);
  if (project === undefined || stored === undefined || own === undefined) return undefined;
  const { purpose } = stored;
  const { instructions, ...request } = await unsealSecrets(storage, project, stored.request);
  const history = await loadHistory(storage, project, stored.ancestors, conversationIdOf(request));
  const input = await unsealItems(storage, project, [...history.items, ...own]);
  const shared = { project, origins: history.origins, input, requestItems: own, ...(purpose && { purpose }) };
  return Array.isArray(instructions)
    ? { ...shared, request, preamble: instructions }
    : { ...shared, request: { ...request, instructions }, preamble: [] };
}

/** What the model is shown for what is kept. Throws UnreadableContentError for a compaction that does not open. */
export async function unsealItems(
  storage: Storage,
  project: string,
  items: readonly (InputItem | OutputItem)[],
): Promise<(InputItem | OutputItem)[]> {
  const shown = await unsealReasoning(
    storage,
    project,
    unsealCompactions(storage, project, withoutIncompleteItems(items)),
  );
  return await unsealItemUrls(storage, project, shown);
}

export interface History {
  /** By the ids of items: which response of the chain put them out. */
  origins: ReadonlyMap<string, string>;
  items: (InputItem | OutputItem)[];
}

/** What stands before a response's own input, oldest first: its conversation, or the chain of `ancestors`. */
export async function loadHistory(
  storage: Storage,
  project: string,
  ancestors: readonly string[],
  conversationId: string | undefined,
): Promise<History> {
  const [links, before] = await Promise.all([
    loadChain(storage, ancestors),
    conversationId === undefined ? [] : loadConversationItems(storage, project, conversationId),
  ]);
  return { origins: links.origins, items: [...before, ...links.items] };
}

async function loadConversationItems(storage: Storage, project: string, id: string): Promise<ConversationItem[]> {
  const items = await storage.conversations.readItems(id);
  // Of one that is there afterwards nothing was missing before.
  if ((await storage.conversations.readOwned(id, project)) === undefined) {
    throw new MissingHistoryError("conversation", id);
  }
  return items;
}

async function loadChain(storage: Storage, nearest: readonly string[]): Promise<History> {
  const chain = await storage.chains.walk(nearest);
  const gone = chain.find((link) => link.project === undefined);
  if (gone !== undefined) throw new MissingHistoryError("previous response", gone.id);
  const ids = chain.map((link) => link.id);
  const turns = await storage.chains.readLinkItems(ids);
  const origins = new Map<string, string>();
  const items: (InputItem | OutputItem)[] = [];
  for (const { id, input, lastEvent } of turns) {
    if (input === undefined || lastEvent === undefined) throw new MissingHistoryError("previous response", id);
    const { output } = await parseInSlices<Response>(extractResponseJson({ data: lastEvent }));
    for (const item of output) origins.set(item.id, id);
    for (const item of input) items.push(item);
    for (const item of output) items.push(item);
  }
  return { origins, items };
}
