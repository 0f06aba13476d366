/**
 * `item_reference`: an input item that only names an item of an earlier response or of a conversation. It is replaced by
 * the item before the input is checked and stored, so that nothing behind admission, and no conversation, knows of
 * references, and a response that is deleted later takes nothing from those that used its items.
 */
import { itemNotFound } from "../lifecycle/errors/state.ts";
import type { ResolvedRequest } from "../protocol/create-request.ts";
import { isConversationId } from "../protocol/id.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { Response } from "../protocol/response.ts";
import { longestLifetimeSeconds, type ResponseRecord } from "../store/response-record.ts";
import { readResponse } from "./read-response.ts";
import type { Storage } from "./storage.ts";

type Item = InputItem | OutputItem;

/** Makes a response's output known by its ids. Called before its terminal event, so that whoever saw it finds them. */
export async function indexOutput(storage: Storage, id: string, output: readonly OutputItem[]): Promise<void> {
  if (output.length === 0) return;
  const record = await storage.records.read(id);
  if (record === undefined) return;
  await indexItems(storage, id, record, output);
  // Its turn stays in the conversation when the response is deleted.
  const { conversationId, project, retentionSeconds } = record;
  if (conversationId !== "") await indexConversationItems(storage, conversationId, project, output, retentionSeconds);
}

/** The same for items of a conversation, which is kept until it is deleted: whoever lists them renews this. */
export async function indexConversationItems(
  storage: Storage,
  id: string,
  project: string,
  items: readonly Item[],
  lifetimeSeconds: number,
): Promise<void> {
  const ids = idsOf(items);
  await storage.items.add(project, id, ids, lifetimeSeconds);
}

type Owner = Pick<ResponseRecord, "project" | "stored" | "deadlineMs" | "retentionSeconds">;

/** Makes items of a response known by their ids, for as long as it is kept at the longest. */
export async function indexItems(storage: Storage, id: string, owner: Owner, items: readonly Item[]): Promise<void> {
  const ids = idsOf(items);
  if (!owner.stored || ids.length === 0) return;
  await storage.items.add(owner.project, id, ids, longestLifetimeSeconds(owner, storage.clock.nowMs()));
}

/** A reference is no item of its own: under the id that it names, it would hide the item. */
function idsOf(items: readonly Item[]): string[] {
  return items.flatMap((item) => (item.type === "item_reference" ? [] : (item.id ?? [])));
}

export async function resolveInput(
  storage: Storage,
  project: string,
  request: ResolvedRequest,
): Promise<ResolvedRequest> {
  const { input } = request;
  return Array.isArray(input)
    ? { ...request, input: await resolveReferences(storage, project, input, "input") }
    : request;
}

/**
 * The items with every reference replaced. Throws the contract's 404 for one that names nothing of the project's; `param`
 * is where the items stand.
 */
export async function resolveReferences(
  storage: Storage,
  project: string,
  items: readonly InputItem[],
  param: "input" | "items",
): Promise<InputItem[]> {
  if (!items.some((item) => item.type === "item_reference")) return [...items];
  // Each owner is read once, however many of its items are named.
  const itemsOf = new Map<string, Promise<readonly Item[]>>();
  const readOnce = (owner: string): Promise<readonly Item[]> => {
    const read = itemsOf.get(owner) ?? readItems(storage, project, owner);
    itemsOf.set(owner, read);
    return read;
  };
  const resolve = async (item: InputItem): Promise<InputItem> => {
    if (item.type !== "item_reference") return item;
    for (const owner of await storage.items.find(project, item.id)) {
      const found = (await readOnce(owner)).find((each) => each.id === item.id && each.type !== "item_reference");
      // What this server has put out it takes in again: the two unions differ in what may be left out.
      if (found !== undefined) return found as InputItem;
    }
    throw itemNotFound(item.id, param);
  };
  return await Promise.all(items.map(resolve));
}

/** Nothing of what is gone, or another project's. */
async function readItems(storage: Storage, project: string, owner: string): Promise<readonly Item[]> {
  if (isConversationId(owner)) {
    const conversation = await storage.conversations.readOwned(owner, project);
    return conversation === undefined ? [] : await storage.conversations.readItems(owner);
  }
  if ((await storage.records.readOwned(owner, project)) === undefined) return [];
  const [input, read] = await Promise.all([storage.records.readInput(owner), readResponse(storage, owner)]);
  const output = read === undefined ? [] : (JSON.parse(read.json) as Response).output;
  return [...(input ?? []), ...output];
}
