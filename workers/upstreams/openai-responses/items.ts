/**
 * A provider's items and content parts, made whole. Servers that copy the protocol leave out what their own client does
 * not read; official clients need it. What is there is never replaced, and unknown kinds are left as they are.
 */
import { newId, newItemId } from "../../../src/protocol/id.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { type ItemStatus, itemStatusSchema } from "../../../src/protocol/items/status.ts";
import { givenFields, hostedFields } from "./hosted-items.ts";
import { asArray, asString, isObject, type Json } from "../provider/json.ts";

/** `status` is for an item that states none. Undefined if it is no item at all. */
export function completeItem(value: unknown, status: ItemStatus): OutputItem | undefined {
  if (!isObject(value)) return undefined;
  const type = asString(value["type"]);
  if (type === undefined) return undefined;
  const item = { ...givenFields(type, value), type, id: asString(value["id"]) || newItemId(type) };
  return { ...item, ...requiredFields(type, value, status) } as OutputItem;
}

function requiredFields(type: string, item: Json, status: ItemStatus): Json {
  switch (type) {
    case "message":
      return {
        role: "assistant",
        status: statusOf(item, status),
        content: asArray(item["content"]).map(completePart),
      };
    case "function_call":
      return {
        call_id: asString(item["call_id"]) || newId("call"),
        name: asString(item["name"]) ?? "",
        arguments: asString(item["arguments"]) ?? "",
        status: statusOf(item, status),
      };
    case "reasoning":
      return { summary: asArray(item["summary"]) };
    case "custom_tool_call":
      return {
        call_id: asString(item["call_id"]) || newId("call"),
        name: asString(item["name"]) ?? "",
        input: asString(item["input"]) ?? "",
        status: statusOf(item, status),
      };
    default:
      return hostedFields(type, item, status);
  }
}

function statusOf(item: Json, fallback: ItemStatus): ItemStatus {
  const stated = itemStatusSchema.safeParse(item["status"]);
  return stated.success ? stated.data : fallback;
}

export function completePart(part: unknown): unknown {
  if (!isObject(part) || part["type"] !== "output_text") return part;
  const { logprobs, ...rest } = part;
  return {
    ...rest,
    text: asString(part["text"]) ?? "",
    annotations: asArray(part["annotations"]),
    ...(Array.isArray(logprobs) ? { logprobs: logprobs.map(completeLogprob) } : {}),
  };
}

/** One client asks for the alternatives even where there are none. */
export function completeLogprob(logprob: unknown): unknown {
  return isObject(logprob) ? { ...logprob, top_logprobs: asArray(logprob["top_logprobs"]) } : logprob;
}

/** An item as it was before its first delta: for one whose beginning the provider did not tell. */
export function emptied(item: OutputItem): OutputItem {
  switch (item.type) {
    case "message":
      return { ...item, status: "in_progress", content: [] };
    case "function_call":
      return { ...item, status: "in_progress", arguments: "" };
    case "reasoning": {
      const { content: _, ...rest } = item;
      return { ...rest, summary: [] };
    }
    default:
      return item;
  }
}
