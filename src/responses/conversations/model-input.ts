/**
 * Loads the items for the model: the prompt's messages, the history (a conversation, or the chain of
 * `previous_response_id`, oldest first), and the request items. Items that the last compaction replaces are left out.
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
  /** With its secrets unsealed. Instructions are text only: instruction messages are in `preamble`. */
  request: Omit<StoredRequest["request"], "instructions"> & Pick<CreateRequest, "instructions">;
  /** The prompt's messages. They precede `input` and are not part of it: a later response does not inherit them. */
  preamble: InstructionMessage[];
  /** The response of the chain that produced each item, by item id. */
  origins: ReadonlyMap<string, string>;
  input: (InputItem | OutputItem)[];
  /** The last part of `input`: the items that this request sent. */
  requestItems: readonly (InputItem | OutputItem)[];
}

/** The history was deleted after admission. The run cannot continue without it. */
export class MissingHistoryError extends Error {
  override readonly name = "MissingHistoryError";
  constructor(what: "conversation" | "previous response", id: string) {
    super(`The ${what} '${id}' was deleted before this response could use it.`);
  }
}

/** Undefined if the response is gone. A known project saves reading the record. */
export async function loadModelInput(
  storage: Storage,
  id: string,
  knownProject?: string,
): Promise<ModelInput | undefined> {
  const [project, stored, requestItems] = await Promise.all([
    knownProject ?? storage.records.readIncludingDeleted(id).then((record) => record?.project),
    storage.records.readRequest(id),
    storage.records.readInput(id),
  ]);
  if (project === undefined || stored === undefined || requestItems === undefined) return undefined;
  const { purpose } = stored;
  const { instructions, ...request } = await unsealSecrets(storage, project, stored.request);
  const history = await loadHistory(storage, project, stored.ancestors, conversationIdOf(request));
  const input = await unsealItems(storage, project, [...history.items, ...requestItems]);
  const shared = { project, origins: history.origins, input, requestItems, ...(purpose && { purpose }) };
  return Array.isArray(instructions)
    ? { ...shared, request, preamble: instructions }
    : { ...shared, request: { ...request, instructions }, preamble: [] };
}

/** Converts stored items to the form for the model. Throws UnreadableContentError for a compaction that cannot be opened. */
export async function unsealItems(
  storage: Pick<Storage, "sealer">,
  project: string,
  items: readonly (InputItem | OutputItem)[],
): Promise<(InputItem | OutputItem)[]> {
  const expanded = unsealCompactions(storage, project, withoutIncompleteItems(items));
  return await unsealItemUrls(storage, project, await unsealReasoning(storage, project, expanded));
}

export interface History {
  /** The response of the chain that produced each item, by item id. */
  origins: ReadonlyMap<string, string>;
  items: (InputItem | OutputItem)[];
}

/** The items before the request items, oldest first: the conversation, or the chain of `ancestors`. */
export async function loadHistory(
  storage: Storage,
  project: string,
  ancestors: readonly string[],
  conversationId: string | undefined,
): Promise<History> {
  const [chain, conversationItems] = await Promise.all([
    loadChain(storage, ancestors),
    conversationId === undefined ? [] : loadConversationItems(storage, project, conversationId),
  ]);
  return { origins: chain.origins, items: [...conversationItems, ...chain.items] };
}

async function loadConversationItems(
  { conversations }: Pick<Storage, "conversations">,
  project: string,
  id: string,
): Promise<ConversationItem[]> {
  const items = await conversations.readItems(id);
  // Checked after the read: if the conversation exists now, the read was complete.
  if ((await conversations.readOwned(id, project)) === undefined) {
    throw new MissingHistoryError("conversation", id);
  }
  return items;
}

async function loadChain({ chains }: Pick<Storage, "chains">, nearest: readonly string[]): Promise<History> {
  const chain = await chains.walk(nearest);
  const missing = chain.find((link) => link.project === undefined);
  if (missing !== undefined) throw new MissingHistoryError("previous response", missing.id);
  const ids = chain.map((link) => link.id);
  const turns = await chains.readLinkItems(ids);
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
