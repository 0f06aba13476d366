/**
 * `item_reference`: an input item that only names an item of an earlier response. It is replaced by the item before the
 * input is checked and stored, so that nothing behind admission knows of references, and a response that is deleted later
 * takes nothing from those that used its items.
 */
import { itemNotFound } from "../lifecycle/errors.ts";
import type { ResolvedRequest } from "../protocol/create-request.ts";
import type { InputItem, OutputItem } from "../protocol/item.ts";
import type { Response } from "../protocol/response.ts";
import { responseJsonOf } from "./read-response.ts";
import type { Storage } from "./storage.ts";

/** Makes a finished response's items known by their ids. Called before its terminal event, so that whoever saw it finds them. */
export async function indexItems(storage: Storage, id: string, output: readonly OutputItem[]): Promise<void> {
  const record = await storage.records.read(id);
  if (record === undefined || !record.stored) return;
  const ids = output.map((item) => item.id);
  await storage.items.add(record.project, id, ids, record.retentionSeconds);
}

/** The request with every reference replaced. Throws the contract's 404 for one that names nothing of the project's. */
export async function resolveReferences(
  storage: Storage,
  project: string,
  request: ResolvedRequest,
): Promise<ResolvedRequest> {
  const { input } = request;
  if (!Array.isArray(input) || !input.some((item) => item.type === "item_reference")) return request;
  const outputs = new Map<string, Promise<OutputItem[]>>();
  const resolve = async (item: InputItem): Promise<InputItem> => {
    if (item.type !== "item_reference") return item;
    const responseId = await storage.items.find(project, item.id);
    if (responseId === undefined) throw itemNotFound(item.id);
    if (!outputs.has(responseId)) outputs.set(responseId, readOutput(storage, project, responseId));
    const found = (await outputs.get(responseId))!.find((each) => each.id === item.id);
    if (found === undefined) throw itemNotFound(item.id);
    // What this server has put out it takes in again: the two unions differ in what may be left out.
    return found as InputItem;
  };
  return { ...request, input: await Promise.all(input.map(resolve)) };
}

async function readOutput(storage: Storage, project: string, responseId: string): Promise<OutputItem[]> {
  const record = await storage.records.readOwned(responseId, project);
  const last = record === undefined ? undefined : await storage.reader.readLast(responseId);
  return last === undefined ? [] : (JSON.parse(responseJsonOf(last)) as Response).output;
}
