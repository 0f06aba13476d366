/** Input items in the form in which a response stores and lists them. */
import { mapInSlices } from "../../concurrency/time-slice.ts";
import type { CreateRequest } from "../../protocol/create-request.ts";
import { createIdForUnnamed } from "../../protocol/id.ts";
import type { InputItem, StoredInputItem } from "../../protocol/item.ts";

/** A string becomes one user message, and every item gets an id (contract.md#lists). Changes the items in place. */
export async function toStoredInput(input: CreateRequest["input"]): Promise<StoredInputItem[]> {
  if (input === undefined) return [];
  const items: InputItem[] =
    typeof input === "string"
      ? [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }]
      : input;
  return await mapInSlices(items, (item) => Object.assign(item, { id: item.id ?? createIdForUnnamed(item.type) }));
}
