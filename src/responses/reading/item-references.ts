/**
 * `item_reference`: an input item that only names an item of an earlier response or of a conversation. It is replaced by
 * the item before the input is checked and stored, so that nothing behind admission, and no conversation, knows of
 * references, and a response that is deleted later takes nothing from those that used its items.
 */
import { referencesTooLarge } from "../../lifecycle/errors/requests.ts";
import { itemNotFound } from "../../lifecycle/errors/state.ts";
import type { ResolvedRequest } from "../../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../../protocol/item.ts";
import { maxLifetimeSecondsOf } from "../../store/encoded-record.ts";
import type { ResponseRecord } from "../../store/response-record.ts";
import { ItemReader } from "./item-reader.ts";
import type { Storage } from "../storage.ts";

type Item = InputItem | OutputItem;

/** Makes a response's output known by its ids. Called before its terminal event, so that whoever saw it finds them. */
export async function indexOutput(
  storage: Storage,
  id: string,
  output: readonly OutputItem[],
  known?: Owner & Pick<ResponseRecord, "conversationId">,
): Promise<void> {
  if (output.length === 0) return;
  const record = known ?? (await storage.records.read(id));
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
  await storage.itemIndex.add(project, id, ids, lifetimeSeconds);
}

type Owner = Pick<ResponseRecord, "project" | "stored" | "deadlineMs" | "retentionSeconds">;

/** Makes items of a response known by their ids, for as long as it is kept at the longest. */
export async function indexItems(storage: Storage, id: string, owner: Owner, items: readonly Item[]): Promise<void> {
  const ids = idsOf(items);
  if (!owner.stored || ids.length === 0) return;
  await storage.itemIndex.add(owner.project, id, ids, maxLifetimeSecondsOf(owner, storage.clock.nowMs()));
}

/** A reference is no item of its own: under the id that it names, it would hide the item. */
function idsOf(items: readonly Item[]): string[] {
  return items.flatMap((item) => (item.type === "item_reference" ? [] : (item.id ?? [])));
}

/** `maxBytes` as of `resolveReferences`. */
export async function resolveInputReferences(
  storage: Storage,
  project: string,
  request: ResolvedRequest,
  maxBytes: number,
): Promise<ResolvedRequest> {
  const { input } = request;
  return Array.isArray(input)
    ? { ...request, input: await resolveReferences(storage, project, input, { param: "input", maxBytes }) }
    : request;
}

/** How many are looked up at a time. Each may be as long as a body. */
const PAGE_ITEMS = 8;

interface ReferenceContext {
  /** Where the items stand. */
  param: "input" | "items";
  /** What the items that are put in may take together, as JSON: a reference is short, and may name what is long. */
  maxBytes: number;
}

/**
 * The items with every reference replaced. Throws the contract's 404 for the first that names nothing of the project's,
 * and 400 if they name more than `maxBytes`.
 */
export async function resolveReferences(
  storage: Storage,
  project: string,
  items: readonly InputItem[],
  { param, maxBytes }: ReferenceContext,
): Promise<InputItem[]> {
  const indices = [...items.keys()].filter((place) => items[place]!.type === "item_reference");
  const resolved = [...items];
  const reader = new ItemReader(storage, project);
  let bytes = 0;
  for (let from = 0; from < indices.length; from += PAGE_ITEMS) {
    const page = indices.slice(from, from + PAGE_ITEMS);
    const found = await Promise.all(page.map((place) => reader.read(items[place]!.id!)));
    for (const [i, place] of page.entries()) {
      const named = found[i];
      if (named === undefined) throw itemNotFound(items[place]!.id!, param);
      bytes += named.bytes;
      if (bytes > maxBytes) throw referencesTooLarge(maxBytes, param);
      // What this server has put out it takes in again: the two unions differ in what may be left out.
      resolved[place] = named.item as InputItem;
    }
  }
  return resolved;
}
