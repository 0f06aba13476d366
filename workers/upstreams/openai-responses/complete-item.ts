/**
 * Completes a provider's items and content parts. Servers that imitate the protocol omit fields that official clients
 * require. Given values are never replaced, and unknown types stay as they are.
 */
import { newId, newItemId } from "../../../src/protocol/id.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { type ItemStatus, itemStatusSchema } from "../../../src/protocol/items/status.ts";
import { annotationSchema, outputTextSchema } from "../../../src/protocol/content.ts";
import { isLegalItem, removeInvalidFields } from "./legal-items.ts";
import { keepGivenFields, fillHostedFields } from "./hosted-items.ts";
import { asArray, asString, isObject, type Json } from "../http/json.ts";

/** `status` applies to an item without one. Undefined if the value is not an item. */
export function completeItem(value: unknown, status: ItemStatus): OutputItem | undefined {
  if (!isObject(value)) return undefined;
  const type = asString(value["type"]);
  if (type === undefined) return undefined;
  const item = complete(value, type, status);
  if (isLegalItem(item)) return item as unknown as OutputItem;
  const repaired = complete(removeInvalidFields(item), type, status);
  return isLegalItem(repaired) ? (repaired as unknown as OutputItem) : undefined;
}

function complete(value: Json, type: string, status: ItemStatus): Json {
  const item = { ...keepGivenFields(type, value), type, id: asString(value["id"]) || newItemId(type) };
  return { ...item, ...fillRequiredFields(type, value, status) };
}

/** Clients parse arguments from a string, but some servers send an object. */
export function toJsonText(value: unknown): string | undefined {
  return isObject(value) ? JSON.stringify(value) : asString(value);
}

function fillRequiredFields(type: string, item: Json, status: ItemStatus): Json {
  switch (type) {
    case "message":
      return {
        role: "assistant",
        status: readStatus(item, status),
        content: readContent(item["content"]).map(completePart),
      };
    case "function_call":
      return {
        call_id: asString(item["call_id"]) || newId("call"),
        name: asString(item["name"]) ?? "",
        arguments: toJsonText(item["arguments"]) ?? "",
        status: readStatus(item, status),
      };
    case "reasoning":
      return { summary: asArray(item["summary"]) };
    case "custom_tool_call":
      return {
        call_id: asString(item["call_id"]) || newId("call"),
        name: asString(item["name"]) ?? "",
        input: asString(item["input"]) ?? "",
        status: readStatus(item, status),
      };
    default:
      return fillHostedFields(type, item, status);
  }
}

/** Some servers send a message's text as one string. */
function readContent(content: unknown): readonly unknown[] {
  return typeof content === "string" ? [{ type: "output_text", text: content }] : asArray(content);
}

function readStatus(item: Json, fallback: ItemStatus): ItemStatus {
  const stated = itemStatusSchema.safeParse(item["status"]);
  return stated.success ? stated.data : fallback;
}

export function completePart(part: unknown): unknown {
  // Some servers use the type name of chat completions.
  const isText = isObject(part) && (part["type"] === "output_text" || part["type"] === "text");
  if (!isText) return part;
  const { logprobs: given, ...rest } = part;
  const logprobs = Array.isArray(given) ? given.map((each) => addBytes(completeLogprob(each))) : undefined;
  return {
    ...rest,
    type: "output_text",
    text: asString(part["text"]) ?? "",
    annotations: asArray(part["annotations"]).filter((each) => annotationSchema.safeParse(each).success),
    ...(logprobsSchema.safeParse(logprobs).success ? { logprobs } : {}),
  };
}

/** Items require a token's bytes, which events do not have. Many servers omit them in both. */
function addBytes(logprob: unknown): unknown {
  if (!isObject(logprob)) return logprob;
  const alternatives = asArray(logprob["top_logprobs"]).map((each) =>
    isObject(each) ? { ...each, bytes: asArray(each["bytes"]) } : each,
  );
  return { ...logprob, bytes: asArray(logprob["bytes"]), top_logprobs: alternatives };
}

const logprobsSchema = outputTextSchema.shape.logprobs.unwrap();

/** The AI SDK requires the list of alternatives even if it is empty. */
export function completeLogprob(logprob: unknown): unknown {
  return isObject(logprob) ? { ...logprob, top_logprobs: asArray(logprob["top_logprobs"]) } : logprob;
}

/** The item before its first delta. */
export function emptyItem(item: OutputItem): OutputItem {
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
