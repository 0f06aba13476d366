/**
 * `item_reference`: an input item that names an item of an earlier response or conversation. Admission replaces it with the
 * item before it checks and stores the input. Runs and conversations therefore never see a reference, and deleting a
 * response takes nothing from responses that used its items.
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

/**
 * Call it before the terminal event. A client that saw the event may use the ids of the output's items, and may list
 * responses with the new status.
 */
export async function prepareEnd(
  storage: Pick<Storage, "records" | "itemIndex" | "responseList" | "clock">,
  id: string,
  output: readonly OutputItem[],
  known?: Owner & Pick<ResponseRecord, "conversationId">,
): Promise<void> {
  const record = known ?? (await storage.records.read(id));
  if (record === undefined) return;
  await Promise.all([indexOutput(storage, id, output, record), storage.responseList.markEnding(record.project, id)]);
}

/** Makes output items referenceable. */
async function indexOutput(
  storage: Pick<Storage, "itemIndex" | "clock">,
  id: string,
  output: readonly OutputItem[],
  record: Owner & Pick<ResponseRecord, "conversationId">,
): Promise<void> {
  await indexItems(storage, id, record, output);
  // The items stay in the conversation when the response is deleted.
  const { conversationId, project, retentionSeconds } = record;
  if (conversationId !== "") await indexConversationItems(storage, conversationId, project, output, retentionSeconds);
}

/** Makes conversation items referenceable. Listing them renews the entry, because a conversation has no fixed lifetime. */
export async function indexConversationItems(
  { itemIndex }: Pick<Storage, "itemIndex">,
  id: string,
  project: string,
  items: readonly Item[],
  lifetimeSeconds: number,
): Promise<void> {
  await itemIndex.add(project, id, idsOf(items), lifetimeSeconds);
}

type Owner = Pick<ResponseRecord, "project" | "stored" | "deadlineMs" | "retentionSeconds">;

/** Makes items of a response referenceable for the response's maximum lifetime. */
export async function indexItems(
  { itemIndex, clock }: Pick<Storage, "itemIndex" | "clock">,
  id: string,
  owner: Owner,
  items: readonly Item[],
): Promise<void> {
  const ids = idsOf(items);
  if (!owner.stored || ids.length === 0) return;
  await itemIndex.add(owner.project, id, ids, maxLifetimeSecondsOf(owner, clock.nowMs()));
}

/** Skips references: indexed under the id it names, a reference would hide the item. */
function idsOf(items: readonly Item[]): string[] {
  return items.flatMap((item) => (item.type === "item_reference" ? [] : (item.id ?? [])));
}

/** Throws as `resolveReferences` does. */
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

/** Concurrent lookups. Each item may be as long as a body. */
const PAGE_ITEMS = 8;

interface ReferenceContext {
  /** The parameter that holds the items. */
  param: "input" | "items";
  /** Maximum JSON size of all resolved items together: a short reference may name a long item. */
  maxBytes: number;
}

/**
 * Replaces every reference with its item. Throws the contract's 404 for the first reference to an item that the project
 * does not have, and 400 if the items exceed `maxBytes`.
 */
export async function resolveReferences(
  storage: Storage,
  project: string,
  items: readonly InputItem[],
  { param, maxBytes }: ReferenceContext,
): Promise<InputItem[]> {
  const indices = [...items.keys()].filter((index) => items[index]!.type === "item_reference");
  const resolved = [...items];
  const reader = new ItemReader(storage, project);
  let bytes = 0;
  for (let from = 0; from < indices.length; from += PAGE_ITEMS) {
    const page = indices.slice(from, from + PAGE_ITEMS);
    const found = await Promise.all(page.map((index) => reader.read(items[index]!.id!)));
    for (const [i, index] of page.entries()) {
      const named = found[i];
      if (named === undefined) throw itemNotFound(items[index]!.id!, param);
      bytes += named.bytes;
      if (bytes > maxBytes) throw referencesTooLarge(maxBytes, param);
      // Every output item is a valid input item; the unions differ only in optional fields.
      resolved[index] = named.item as InputItem;
    }
  }
  return resolved;
}
